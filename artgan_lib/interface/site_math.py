"""Draws the formulas of a page, so that it needs no script and no network to show them."""

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import PageElement

_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$(?!\d)", re.DOTALL)
_INK = "#010203"  # a colour that becomes the page's own
_SIZE = 12  # points


def draw_formulas(soup: "BeautifulSoup") -> None:
    """Put a drawing in the place of every formula between dollars; what cannot be drawn is left as it is written."""
    from bs4 import BeautifulSoup as Soup

    for text in soup.find_all(string=_FORMULA):
        if text.find_parent(["pre", "code", "script", "style"]):
            continue
        parts: list[PageElement | str] = []
        place = 0
        for found in _FORMULA.finditer(text):
            drawn = draw_formula(found[1] or found[2], apart=bool(found[1]))
            if drawn is not None:
                parts += [str(text)[place : found.start()], Soup(drawn, "html.parser")]
                place = found.end()
        if parts:
            text.replace_with(*parts, str(text)[place:])


def draw_formula(formula: str, *, apart: bool = False) -> str | None:
    """Return a formula as SVG in the colour of the text around it, or None if it cannot be drawn.

    Args:
        formula: In the part of LaTeX that Matplotlib knows.
        apart: On a line of its own.
    """
    from matplotlib.mathtext import math_to_image

    whole, buffer = " ".join(formula.split()), io.StringIO()
    try:
        depth = math_to_image(f"${whole}$", buffer, dpi=72, format="svg", color=_INK)
    except ValueError:
        return None
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :].replace(_INK, "currentColor")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    width, height = (float(re.search(rf'{side}="([\d.]+)pt"', drawing)[1]) for side in ("width", "height"))  # type: ignore[index]
    size = f'style="width:{width / _SIZE:.3f}em;height:{height / _SIZE:.3f}em;vertical-align:{-depth / _SIZE:.3f}em"'
    spoken = whole.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    drawing = drawing.replace("<svg", f'<svg role="img" aria-label="{spoken}" {size}', 1)
    return f'<span class="{"formula apart" if apart else "formula"}">{drawing}</span>'
