"""The rules of the series, by globbing; that the notebooks run is tested in tests/notebooks."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from PIL import Image

from artgan_lib import ArtganError
from artgan_lib.interface.notebooks import export_site, find_notebooks, project_root, resolve_source, run_notebooks

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
IDS = [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_notebook_follows_the_template(path: Path) -> None:
    nbformat.validate(nbformat.read(path, as_version=4))
    book = json.loads(path.read_text())
    cells, code = book["cells"], [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    texts = ["".join(cell["source"]) for cell in cells]
    assert re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem)
    if not path.stem.startswith("9"):  # solutions are as many as there are exercises
        assert 25 <= len(cells) <= 45
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in book["metadata"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code), "outputs are stripped in git"
    imports, *rest = code  # a list of names is not read line by line
    assert all(re.match(r"import |from |    |\)|$", line) for line in imports["source"]), "imports and nothing else"
    assert all(len(cell["source"]) <= 20 for cell in rest)
    for tag in ("parameters", "results"):
        assert sum(tag in cell["metadata"].get("tags", []) for cell in code) == 1, f"one cell tagged {tag}"
    assert texts[0].startswith(f"# {path.stem[:2]} · ")
    assert "**Question.**" in texts[0]
    assert "| needs | writes | minutes: smoke, demo, paper |" in texts[0]
    assert texts[1].startswith("**You will**")
    whole = "\n".join(texts)
    for heading in ("**What to notice.**", "## Summary", "## Exercises"):
        assert heading in whole
    assert not re.search(r"^\s*[!%]", "\n".join("".join(cell["source"]) for cell in code), re.MULTILINE)
    assert "sys.path" not in whole
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", whole):
        assert link.startswith("https://") or (path.parent / link).exists(), f"{link} leads nowhere"
    assert all(len(alt) > 10 for alt in re.findall(r"!\[([^]]*)\]", whole)), "a figure without a text"
    for cell in code:
        source, alt = "".join(cell["source"]), cell["metadata"].get("alt", "")
        if re.search(r"plt\.subplots|plt\.figure|show_pictures\(", source):
            assert len(alt) > 10, f"{cell['id']} draws, and has no alt in its metadata"
        assert not re.search(r"""["'](/[a-z]+/|[A-Z]:\\)""", source), f"{cell['id']} names a path of one machine"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_parameters_are_literals_and_begin_with_the_profile(path: Path) -> None:
    code = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    parameters = next(cell for cell in code if "parameters" in cell["metadata"].get("tags", []))
    lines = "".join(parameters["source"]).splitlines()
    assert lines[0].startswith('PROFILE = "demo"')
    assert all(re.match(r'[A-Z_]+ = ("[^"]*"|-?[\d.]+|True|False)(  # .+)?$', line) for line in lines)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_the_list_of_the_series_and_a_notebook_name_the_same_minutes(path: Path) -> None:
    rows = (path.parent / "README.md").read_text().splitlines()
    (listed,) = (row for row in rows if row.startswith(f"| [{path.stem[:2]}]({path.name}) |"))
    head = "".join(json.loads(path.read_text())["cells"][0]["source"]).strip().splitlines()[-1]
    assert listed.split("|")[-2] == head.split("|")[-2]


def exercises(path: Path) -> list[str]:
    """Return the exercises of a notebook as the solutions name them, such as `05 · Exercise 2`."""
    texts = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
    _, _, asked = "\n".join(texts).partition("## Exercises")
    return [f"{path.stem[:2]} · Exercise {number}" for number in re.findall(r"^(\d+)\. ", asked, re.MULTILINE)]


def test_every_exercise_is_solved_under_a_heading_of_its_own(root: Path) -> None:
    asked = [name for path in NOTEBOOKS if not path.stem.startswith("9") for name in exercises(path)]
    cells = json.loads((root / "notebooks" / "90_solutions.ipynb").read_text())["cells"]
    solved: dict[str, int] = {}
    for cell in cells:
        for name in re.findall(r"^### (\d\d · Exercise \d+): ", "".join(cell["source"]), re.MULTILINE):
            solved[name] = 0
        if cell["cell_type"] == "code" and solved:
            solved[list(solved)[-1]] += 1
    assert len(asked) >= 30
    assert list(solved) == asked
    assert all(solved.values()), "a solution without code"


def test_the_series_is_found_in_order_and_by_number(root: Path) -> None:
    assert [path.stem for path in find_notebooks(root / "notebooks")] == IDS
    assert [path.stem for path in find_notebooks(root / "notebooks", ["05"])] == ["05_wgan_gp"]
    with pytest.raises(ArtganError, match="there is no notebook '77'"):
        find_notebooks(root / "notebooks", ["77"])


def test_a_parameter_that_a_notebook_does_not_declare_is_refused(root: Path, tmp_path: Path) -> None:
    paths = find_notebooks(root / "notebooks", ["00"])
    with pytest.raises(ArtganError, match="no parameter PROFIL is declared by 00_start_here"):
        run_notebooks(paths, tmp_path, {"PROFIL": "smoke"})
    assert not list(tmp_path.glob("*.ipynb"))


def test_project_root_is_found_from_below(root: Path, tmp_path: Path) -> None:
    assert project_root(root / "notebooks") == root
    with pytest.raises(ArtganError, match="is not inside a clone of artgan"):
        project_root(tmp_path)


def test_sources_are_seen_from_the_projects_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "notebooks")
    assert resolve_source("synthetic") == "synthetic"
    assert resolve_source("data/cache") == root / "data" / "cache"
    assert resolve_source("/elsewhere") == Path("/elsewhere")


def test_executed_notebooks_become_pages_that_link_to_each_other(tmp_path: Path) -> None:
    folder, executed = tmp_path / "notebooks", tmp_path / "executed"
    for path in (folder, executed, tmp_path / "figures"):
        path.mkdir()
    Image.new("RGB", (6, 6), "red").save(tmp_path / "figures" / "red.png")
    prose = "To [the next](01_b.ipynb#there).\n\n![A red square](../figures/red.png)"
    for name in ("00_a", "01_b", "02_c"):
        cells = [new_markdown_cell(f"# {name[:2]} · Ends <{name}>\n\n{prose}")]
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
        if name != "02_c":  # this one was not executed
            nbformat.write(new_notebook(cells=cells), executed / f"{name}.ipynb")
    index = export_site(find_notebooks(folder), executed, tmp_path / "site")
    links = re.findall(r'<a href="(.+?)">(.+?)</a>', index.read_text())
    assert links == [("00_a.html", "00 · Ends &lt;00_a&gt;"), ("01_b.html", "01 · Ends &lt;01_b&gt;")]
    page = (index.parent / "00_a.html").read_text()
    assert 'href="01_b.html#there"' in page
    assert re.search(r'alt="A red square" src="data:image/png;base64,', page), "the picture travels with the page"
