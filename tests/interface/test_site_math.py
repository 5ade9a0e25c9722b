"""Formulas of a page are drawn without a script; amounts of money stay what they are."""

import pytest
from bs4 import BeautifulSoup

from artgan_lib.interface.site_math import draw_formula, draw_formulas


def drawn(page: str) -> BeautifulSoup:
    soup = BeautifulSoup(page, "html.parser")
    draw_formulas(soup)
    return soup


def test_formulas_in_a_sentence_and_apart_are_drawn_where_they_stand() -> None:
    soup = drawn(r"<p>Here $k(x, y)$ and</p><p>$$\lceil n/16 \rceil$$</p>")
    assert [picture["aria-label"] for picture in soup.select("svg")] == ["k(x, y)", r"\lceil n/16 \rceil"]
    assert [span["class"] for span in soup.select("span.formula")] == [["formula"], ["formula", "apart"]]
    first = soup.select_one("p")
    assert first.contents[0] == "Here "
    assert first.contents[-1] == " and"
    assert "$" not in soup.text


@pytest.mark.parametrize("page", ["<pre>$x$ and $y$</pre>", "<p>from $5 to $7</p>", "<p>a <code>$HOME$</code></p>"])
def test_what_is_no_formula_stays_as_it_is(page: str) -> None:
    assert str(drawn(page)) == page


def test_a_formula_takes_the_colour_of_the_page_and_one_that_cannot_be_drawn_stays_text() -> None:
    picture = draw_formula("x < y")
    assert "currentColor" in picture
    assert "#010203" not in picture
    assert 'aria-label="x &lt; y"' in picture
    assert draw_formula(r"\nosuchcommand{x}") is None
    assert drawn(r"<p>$\nosuchcommand{x}$ and $y$</p>").p.contents[0] == r"$\nosuchcommand{x}$ and "


def test_taller_formulas_are_drawn_taller_and_hang_below_the_line() -> None:
    heights = [BeautifulSoup(draw_formula(text), "html.parser").svg["height"] for text in ("x", r"\frac{x}{y}")]
    assert float(heights[1].removesuffix("pt")) > 1.5 * float(heights[0].removesuffix("pt"))
