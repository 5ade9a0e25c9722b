"""Every committed figure is what its data say: drawn anew, and compared."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from artgan_lib.interface.figures import BLUE
from reproduction.figures import SCREENSHOTS, plot_curves, redraw_figures, show_progress

ROUNDING = 2  # of 255, by which networks may differ between processors; on one machine they do not


@pytest.mark.slow
@pytest.mark.usefixtures("installed_networks")
def test_committed_figures_match_their_data(root: Path, tmp_path: Path) -> None:
    drawn = {path.name for path in redraw_figures(root, tmp_path)}
    assert {path.parent for path in tmp_path.rglob("*.png")} == {tmp_path}
    committed = {path.name for path in (root / "figures").glob("*.*")} - {"README.md"}
    assert committed - drawn <= set(SCREENSHOTS), "a figure that nothing draws"
    assert drawn <= committed, "a figure that is not committed"
    for name in sorted(drawn):
        if (tmp_path / name).read_bytes() != (root / "figures" / name).read_bytes():
            assert _apart(tmp_path / name, root / "figures" / name) <= ROUNDING, f"{name} is not what its data say"


def _apart(one: Path, other: Path) -> float:
    with Image.open(one) as first, Image.open(other) as second:
        if first.size != second.size:
            return np.inf
        pair = [np.asarray(image.convert("RGB"), int) for image in (first, second)]
    return float(np.abs(pair[0] - pair[1]).max())


def test_every_figure_stands_in_their_readme(root: Path) -> None:
    told = set(re.findall(r"`(\w+\.\w+)` \|", (root / "figures" / "README.md").read_text()))
    assert told == {path.name for path in (root / "figures").glob("*.*")} - {"README.md"}


CURVE = {
    "card": {"name": "fid_768", "kernel_name": "kid_768"},
    "points": [
        {"step": 10, "images_seen": 20_000, "kind": "average", "kid_768": 0.3, "fid_768": 2.0},
        {"step": 10, "images_seen": 20_000, "kind": "newest", "kid_768": 0.4, "fid_768": 3.0},
        {"step": 20, "images_seen": 40_000, "kind": "average", "kid_768": 0.2, "fid_768": 1.5},
    ],
}


def test_scores_are_drawn_against_thousands_of_images() -> None:
    average, newest = plot_curves({"wgan-gp": CURVE}, Figure().subplots(), "kid_768").lines
    assert (average.get_xdata().tolist(), average.get_ydata().tolist()) == ([20, 40], [0.3, 0.2])
    assert (newest.get_xdata().tolist(), newest.get_ydata().tolist()) == ([20], [0.4])
    assert (average.get_color(), average.get_linestyle(), newest.get_linestyle()) == (BLUE, "-", ":")
    assert average.axes.get_ylabel() == "kid_768 (lower is better)"
    assert plot_curves({"wgan-gp": CURVE}, Figure().subplots(), "fid_768").get_ylabel().startswith("fid_768")


def test_progress_shows_a_row_a_moment() -> None:
    ax = show_progress(np.zeros((3, 5, 4, 4, 3), np.uint8), [1000, 2000, 30_000], Figure().subplots(), "dcgan")
    assert ax.images[0].get_array().shape == (3 * 6 + 2, 5 * 6 + 2, 3)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "2", "30"]
    assert ax.get_yticks().tolist() == [4, 10, 16]
