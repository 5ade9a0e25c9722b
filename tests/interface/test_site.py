"""The site on small notebooks, of which one fails; tests/notebooks looks at the whole series."""

import base64
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from artgan_lib.images import encode
from artgan_lib.interface.notebooks import find_notebooks
from artgan_lib.interface.site import build_site

PICTURE = base64.b64encode(encode(np.zeros((4, 900, 3), np.uint8), "png")).decode()
FIRST = "# {0} · Title {0}: more\n\n**Question.** What *is* it?\n\n| needs | writes |\n| --- | --- |\n| a | b |"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Notebooks 00 to 02, of which 01 failed and 02 was not executed."""
    folder, executed = tmp_path / "notebooks", tmp_path / "executed"
    for path in (folder, executed, tmp_path / "figures"):
        path.mkdir()
    Image.new("RGB", (6, 6), "red").save(tmp_path / "figures" / "red.png")
    prose = (
        "## 1 · Links\n\nTo [the next](01_b.ipynb#there), [one not run](02_c.ipynb), [the list](README.md) and "
        "[elsewhere](https://example.org/x.ipynb).\n\n**What to notice.** Much.\n\n![A red square](../figures/red.png)"
    )
    figure = new_output("display_data", {"image/png": PICTURE, "text/plain": "<Figure>"})
    table = new_output("display_data", {"text/html": '<style>td{}</style><table border="1"><td>1.5</td></table>'})
    pandas = (
        '<table class="dataframe"><thead><tr><th></th><th>from</th></tr><tr><th>name</th><th></th></tr></thead>'
        "<tbody><tr><th>a</th><td>1</td></tr></tbody></table>"
    )
    named = new_output("display_data", {"text/html": pandas})
    widget = new_output(
        "display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "IntSlider()"}
    )
    source = new_output("display_data", {"text/markdown": "```python\ndef f():\n    return 1\n```"})
    cells = [
        new_markdown_cell(FIRST.format("00")),
        new_code_cell("import io"),
        new_markdown_cell(prose),
        new_code_cell("draw()", outputs=[figure, table, widget, source]),
        new_code_cell("draw()", outputs=[figure], metadata={"alt": "A black line"}),
        new_markdown_cell("**What to notice.**\n\n- One.\n- Two."),
        new_code_cell("table", outputs=[named]),
        new_code_cell("write()", metadata={"tags": ["results"]}),
        new_code_cell(""),
    ]
    run = {"papermill": {"duration": 12.3, "exception": None, "parameters": {"PROFILE": "smoke"}}}
    error = new_output("error", ename="E", evalue="<b>", traceback=["\x1b[31mE: <b> went wrong\x1b[0m"])
    failing = [new_markdown_cell(FIRST.format("01")), new_code_cell("1 / 0", outputs=[error])]
    books = {
        "00_a": (cells, run),
        "01_b": (failing, {"papermill": {"duration": 2.0, "exception": True, "parameters": {}}}),
        "02_c": ([new_markdown_cell(FIRST.format("02"))], None),
    }
    for name, (content, metadata) in books.items():
        nbformat.write(new_notebook(cells=content), folder / f"{name}.ipynb")
        if metadata:
            nbformat.write(new_notebook(cells=content, metadata=metadata), executed / f"{name}.ipynb")
    return build_site(find_notebooks(folder), executed, tmp_path / "site").parent


def page(site: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((site / name).read_text(), "html.parser")


def test_the_first_page_tells_time_outcome_and_traceback(site: Path) -> None:
    assert sorted(path.name for path in site.iterdir()) == ["00_a.html", "01_b.html", "index.html"]
    first = page(site, "index.html")
    rows = [[cell.text for cell in row.select("td")] for row in first.select("tbody tr")]
    assert rows == [
        ["00 · Title 00: more", "What is it?", "smoke · 12 s · done"],
        ["01 · Title 01: more", "What is it?", "demo · failed"],
    ]
    assert [link["href"] for link in first.select("td a")] == ["00_a.html", "01_b.html"]
    assert first.select_one("pre.trace").text == "E: <b> went wrong"
    assert "2 notebooks, executed in 0.2 minutes, 1 failed" in first.text


def test_links_lead_to_pages_or_are_plain_words(site: Path) -> None:
    links = {link.text: link["href"] for link in page(site, "00_a.html").select("main p a")}
    assert links == {
        "the next": "01_b.html#there",
        "the list": "index.html",
        "elsewhere": "https://example.org/x.ipynb",
    }
    around = page(site, "00_a.html").select_one("nav.around")
    assert [link["href"] for link in around.select("a")] == ["index.html", "01_b.html"]


def test_a_page_needs_nothing_from_elsewhere(site: Path) -> None:
    for path in site.glob("*.html"):
        text = path.read_text()
        assert "<script" not in text
        assert not re.findall(r'(?:src|@import|url\()\s*=?\s*["\']?(?!data:)(?:https?:|//|\.\.)', text)
    assert all(image["src"].startswith("data:image/png;base64,") for image in page(site, "00_a.html").select("img"))


def test_every_figure_says_what_it_is(site: Path) -> None:
    figures = page(site, "00_a.html").select("figure")
    assert [figure.img["alt"] for figure in figures] == ["A red square", "Figure of section 1 · Links", "A black line"]
    captions = [figure.figcaption.text if figure.figcaption else "" for figure in figures]
    assert captions == ["A red square", "", "A black line"]
    assert ["wide" in (figure.get("class") or []) for figure in figures] == [False, True, True]


def test_tables_scroll_code_is_monospaced_and_imports_are_folded(site: Path) -> None:
    found = page(site, "00_a.html")
    assert all(table.parent.get("class") == ["table"] for table in found.select("table"))
    assert not found.select("main style")
    assert [folded.summary.text for folded in found.select("details.code")] == [
        "imports",
        "the numbers that are written",
    ]
    assert len(found.select("div.blank")) == 1
    assert found.select_one("div.output_markdown .highlight pre").text.startswith("def f():")
    css = found.select_one("style").text
    assert re.search(r"pre, code, kbd, samp, \.highlight \{ font-family: ui-monospace", css)
    assert "prefers-color-scheme: dark" in css
    assert "What to notice" in found.select_one("p.notice").text


def test_what_to_notice_is_a_box_with_its_list(site: Path) -> None:
    paragraph, box = page(site, "00_a.html").select(".notice")
    assert paragraph.name == "p"
    assert [item.text for item in box.select("ul > li")] == ["One.", "Two."]
    assert box.select_one("p").text == "What to notice."


def test_heads_of_tables_are_one_line_and_the_first_ones_stand_with_their_entries(site: Path) -> None:
    found = page(site, "00_a.html")
    assert [head.text for head in found.select("table.dataframe thead th")] == ["name", "from"]
    assert {entry["data-head"]: entry.text for entry in found.select("table.needs td")} == {"needs": "a", "writes": "b"}
