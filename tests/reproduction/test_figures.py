"""Every committed figure is what its data say: drawn anew, and compared."""

import re
from pathlib import Path

import numpy as np
import pytest
from artgan_lib.interface.redraw import SCREENSHOTS, redraw_figures
from PIL import Image

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
