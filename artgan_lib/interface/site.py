"""Makes one HTML site of the executed notebooks: pictures inside, links between its pages, no script, nothing fetched.

nbconvert turns a notebook into HTML; what is added here are the frame, the first page and readable figures. How a
notebook is executed is left to `interface.notebooks`; the look is in `site.css`.
"""

import base64
import html
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from artgan_lib.interface.site_math import draw_formulas
from artgan_lib.runlog import write_atomic

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from nbformat import NotebookNode

WIDE = 800
"""Pixels from which a figure is not shrunk to the width of a phone, but moved with a finger."""

LONG = 40
"""Letters from which an entry of a table is not squeezed on a phone; the table is moved instead."""

_IMPORT = re.compile(r"((import|from) \w|\s|[)#]|$)")  # a line of a cell that does nothing but import
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Executed(NamedTuple):
    """What the first page tells of an executed notebook."""

    stem: str
    title: str  # 05 · WGAN-GP: a critic instead of a judge
    question: str
    profile: str
    seconds: float | None  # None: it was not brought to its end
    error: str | None  # the failing cell's traceback


def build_site(notebooks: Sequence[Path], executed: Path, out: Path) -> Path:
    """Write a page for every notebook that has an executed copy, and a first page that lists them.

    Args:
        notebooks: The series in its order; pictures in its prose are found from there.
        executed: Folder of the executed copies, as papermill leaves them.
        out: Folder of the site.

    Returns:
        The first page.
    """
    import nbformat

    read: Any = nbformat.read
    there = [path for path in notebooks if (executed / path.name).is_file()]
    books = {path: read(executed / path.name, as_version=4) for path in there}
    told = [_read(path.stem, book) for path, book in books.items()]
    for number, (path, book) in enumerate(books.items()):
        page = _convert(book, path.parent, {each.stem for each in told})
        write_atomic(out / f"{path.stem}.html", _frame(told[number].title, _around(told, number), page))
    return write_atomic(out / "index.html", _frame("artgan: the series", "", _index(told)))


def _read(stem: str, book: "NotebookNode") -> Executed:
    first = next(cell.source for cell in book.cells if cell.source.startswith("# "))
    question = re.search(r"\*\*Question\.\*\* (.+)", first)
    run = book.metadata.get("papermill", {})
    errors = [output for cell in book.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    return Executed(
        stem,
        first.splitlines()[0].removeprefix("# "),
        question[1].replace("*", "") if question else "",
        str(run.get("parameters", {}).get("PROFILE", "demo")),
        None if run.get("exception") else run.get("duration"),
        _ANSI.sub("", "\n".join(errors[0].traceback)) if errors else None,
    )


def _convert(book: "NotebookNode", folder: Path, stems: set[str]) -> str:
    """Turn a notebook into the inside of a page."""
    from bs4 import BeautifulSoup
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    _describe_figures(book)
    body, _ = exporter.from_notebook_node(book)
    soup = BeautifulSoup(body, "html.parser")
    for script in soup.select("script"):
        script.decompose()
    draw_formulas(soup)
    for link in soup.select("a[href]"):
        _mend_link(link, stems)
    for cell in soup.select("div.code_cell"):
        _fold(soup, cell)
    for image in soup.select("img"):
        _make_figure(soup, image, folder)
    for cell in soup.select("div.code_cell"):
        for caption in cell.select("figcaption")[:-1]:  # one text for all figures of a cell
            caption.decompose()
    for style in soup.select("style"):  # pandas' own
        style.decompose()
    for table in soup.select("table"):
        del table["border"]
        table.wrap(soup.new_tag("div", attrs={"class": "table"}))
    _label_first_table(soup)
    for table in soup.select("table.dataframe"):
        _join_head(table)
        if any(re.search(r"[^\W\d]{3}", entry.text) for entry in table.select("td")):
            table["class"] = "dataframe words"  # set left, as numbers are set right
    for entry in soup.select("table:not(.needs) td"):
        if len(entry.text) > LONG:
            entry["class"] = "long"
    for paragraph in soup.select("p"):
        if paragraph.text.startswith("What to notice."):
            _set_apart(soup, paragraph)
    sections = "".join(
        f'<li><a href="#{heading["id"]}">{html.escape(heading.text.rstrip("¶"))}</a></li>'
        for heading in soup.select("h2[id]")
    )
    beside = f'<nav class="sections beside"><p>On this page</p><ul>{sections}</ul></nav>'
    above = f'<details class="sections above"><summary>On this page</summary><ul>{sections}</ul></details>'
    return f'<div class="page">{beside}{above}<main>{soup}</main></div>'


def _label_first_table(soup: "BeautifulSoup") -> None:
    """Let each entry of the first table bear its head, since on a phone they stand below one another."""
    table = soup.select_one("table")
    if table is None or table.select_one("th") is None or table.select("th")[0].text != "needs":
        return
    table["class"] = "needs"
    for head, entry in zip(table.select("th"), table.select("td"), strict=True):
        entry["data-head"] = head.text


def _join_head(table: "Tag") -> None:
    """Put the name of pandas' index into the line of the columns' names, where it has a line of its own."""
    rows = table.select("thead tr")
    if len(rows) != 2 or len(rows[0].select("th")) != len(rows[1].select("th")):
        return
    first, *others = rows[1].select("th")
    if not any(other.text.strip() for other in others) and not rows[0].select("th")[0].text.strip():
        rows[0].select("th")[0].string = first.text
        rows[1].decompose()


def _set_apart(soup: "BeautifulSoup", paragraph: "Tag") -> None:
    """Make a box of what is to be noticed: the paragraph, and the list that it announces, if there is one."""
    following = paragraph.find_next_sibling()
    if following is not None and following.name == "ul":
        box = paragraph.wrap(soup.new_tag("div", attrs={"class": "notice"}))
        box.append(following.extract())
    else:
        paragraph["class"] = "notice"


def _describe_figures(book: "NotebookNode") -> None:
    """Give every figure that says nothing of itself the name of its section."""
    section = ""
    for cell in book.cells:
        for heading in re.findall(r"^## (.+)", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else ():
            section = heading
        if cell.cell_type == "code":
            cell.metadata.setdefault("alt", f"Figure of section {section}")


def _mend_link(link: "Tag", stems: set[str]) -> None:
    """Lead a link between notebooks to their pages, and take away one that would lead nowhere."""
    address = str(link["href"])
    if re.match(r"[a-z]+:|#", address):
        return
    name, _, anchor = address.partition("#")
    if Path(name).suffix == ".ipynb" and Path(name).stem in stems:
        link["href"] = f"{Path(name).stem}.html" + (f"#{anchor}" if anchor else "")
    elif name == "README.md":
        link["href"] = "index.html"
    else:
        link.unwrap()


def _fold(soup: "BeautifulSoup", cell: "Tag") -> None:
    """Fold imports and the cell that writes the results, and mark the blank cells of exercises."""
    code = cell.select_one("div.input")
    if code is None:
        return
    text = code.text.strip()
    results = "celltag_results" in (cell.get("class") or [])
    if not text and not cell.select_one("div.output"):
        cell.replace_with(soup.new_tag("div", string="your code", attrs={"class": "blank"}))
    elif results or all(map(_IMPORT.match, text.splitlines())):
        folded = soup.new_tag("details", attrs={"class": "code"})
        code.wrap(folded)
        folded.insert(0, soup.new_tag("summary", string="the numbers that are written" if results else "imports"))
    else:
        code["class"] = "code"


def _make_figure(soup: "BeautifulSoup", image: "Tag", folder: Path) -> None:
    """Put a picture into a figure, file and all, with its text below it."""
    alt, file = str(image.get("alt") or ""), folder / str(image["src"])
    if not str(image["src"]).startswith("data:") and file.suffix == ".png" and file.is_file():
        image["src"] = f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
    width, height = _png_size(str(image["src"]))
    figure = image.wrap(soup.new_tag("figure", attrs={"class": "wide"} if width >= WIDE else {}))
    image.wrap(soup.new_tag("div"))
    if width:  # with both, nothing moves while pictures are unpacked, and a link to a section ends there
        image["width"], image["height"] = str(width), str(height)
    if alt and not alt.startswith("Figure of section"):
        figure.append(soup.new_tag("figcaption", string=alt))
    if figure.parent is not None and figure.parent.name == "p":  # a figure is no part of a sentence
        figure.parent.unwrap()


def _png_size(source: str) -> tuple[int, int]:
    """Read the width and height of an embedded PNG; 0 and 0 for anything else."""
    found = re.match(r"data:image/png;base64,([A-Za-z0-9+/\s]{32,64})", source)
    if not found:
        return 0, 0
    head = base64.b64decode(re.sub(r"\s", "", found[1])[:32])
    width, height = struct.unpack(">II", head[16:24])
    return int(width), int(height)


def _around(told: Sequence[Executed], number: int) -> str:
    """Make the line that leads to the notebooks before and after, and to the first page."""

    def lead(index: int, pattern: str) -> str:
        if not 0 <= index < len(told):
            return "<span></span>"
        title = html.escape(told[index].title.partition(":")[0])
        return f'<a href="{told[index].stem}.html">{pattern.format(title)}</a>'

    middle = '<a href="index.html">the series</a>'
    return f'<nav class="around">{lead(number - 1, "← {}")}{middle}{lead(number + 1, "{} →")}</nav>'


def _index(told: Sequence[Executed]) -> str:
    rows, traces, head = "", "", "".join(f"<th>{name}</th>" for name in ("notebook", "question", "run"))
    for each in told:
        failed = each.seconds is None
        outcome = '<span class="failed">failed</span>' if failed else "done"
        seconds = "" if each.seconds is None else f"{each.seconds:.0f} s · "
        rows += (
            f'<tr><td><a href="{each.stem}.html">{html.escape(each.title)}</a></td>'
            f"<td>{html.escape(each.question)}</td><td>{html.escape(each.profile)} · {seconds}{outcome}</td></tr>"
        )
        if each.error:
            traces += f"<h2>{html.escape(each.title)}</h2><pre class='trace'>{html.escape(each.error)}</pre>"
    whole = sum(each.seconds or 0 for each in told)
    failed_count = sum(each.seconds is None for each in told)
    state = f"{len(told)} notebooks, executed in {whole / 60:.1f} minutes, {failed_count} failed."
    return (
        "<div class='page first'><main><h1>artgan: the series</h1>"
        f"<p class='lead'>GANs that paint, from a collection of paintings to a picture of 1024 × 1024. {state}</p>"
        f"<div class='table'><table class='series'><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{traces}</main></div>"
    )


def _frame(title: str, around: str, inside: str) -> str:
    from pygments.formatters import HtmlFormatter

    css = Path(__file__).with_name("site.css").read_text(encoding="utf-8")
    light, dark = (_colours(HtmlFormatter(style=style)) for style in ("friendly", "github-dark"))
    css += f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{css}</style>\n</head>\n<body>\n{around}\n{inside}\n{around}\n</body>\n</html>\n"
    )


def _colours(formatter: Any) -> str:
    """Return the colours of code, without a ground of their own."""
    lines = formatter.get_style_defs(".highlight").splitlines()
    return "\n".join(line for line in lines if re.match(r"\.highlight \.\w+ ", line))
