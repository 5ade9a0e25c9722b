"""Draws a search: every trial by its score, and how much each row of Table 2 seemed to matter."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from artgan_lib.errors import ArtganError
from artgan_lib.experiments.study import chance_importance, importances, read_study
from artgan_lib.interface.figures import BLUE, GREY, ORANGE, quiet, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEARCH = Path("data/results/search")
_COLOURS = {"bce": ORANGE, "wasserstein": BLUE}
_LOSSES = {"bce": "cross-entropy", "wasserstein": "Wasserstein"}


def plot_trials(table: pd.DataFrame, ax: "Axes") -> "Axes":
    """Draw every trial that was scored in the order of the study: dots ran to the end, crosses were cut off.

    Args:
        table: From `trials_table`.
        ax: Where to draw.
    """
    scored = table[table["last_kernel"].notna()]
    for loss, rows in scored.groupby("loss"):
        for done, marker in ((True, "o"), (False, "x")):
            part = rows[(rows["outcome"] == "done") == done]
            label = _LOSSES[str(loss)] + ("" if done else ", cut off")
            if len(part):
                ax.scatter(part["trial"], part["last_kernel"], marker=marker, color=_COLOURS[str(loss)], label=label)
    ax.set(xlabel="number of the trial", ylabel="kernel distance at its last look (lower is better)", ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(edgecolor="none", framealpha=0.8, fontsize=9)
    return quiet(ax)


def plot_importances(found: Mapping[str, float], ax: "Axes", chance: float | None = None) -> "Axes":
    """Draw how much each row mattered for being among the best, and what chance alone makes of the largest.

    Args:
        found: From `importances`.
        ax: Where to draw.
        chance: From `chance_importance`.
    """
    names = [name.replace("_", " ") for name in found]
    ax.barh(names, list(found.values()), color=BLUE)
    ax.invert_yaxis()
    if chance is not None:
        ax.axvline(chance, color=GREY, linestyle="--", linewidth=1.2, label="largest by chance alone")
        ax.legend(edgecolor="none", framealpha=0.8, fontsize=9, loc="lower right")
    ax.set(xlabel="importance, share of 1 (PED-ANOVA)", xlim=(0, None))
    quiet(ax).grid(visible=False, axis="y")
    return ax


def draw_search(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the committed study, if there is one."""
    if not (root / SEARCH / "trials.csv").is_file():
        return
    study = read_study(root / SEARCH)
    settings = json.loads((root / SEARCH / "study.json").read_text(encoding="utf-8"))["settings"]
    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_trials(pd.read_csv(root / SEARCH / "trials.csv"), left).set_title(f"trials of {settings['images']:,} images")
    try:
        plot_importances(importances(study), right, chance_importance(study)).set_title("what the best have in common")
    except ArtganError as error:
        right.text(0.5, 0.5, str(error), ha="center", wrap=True)
        right.set_axis_off()
    yield save_figure(figure, folder / "search_table2.png")
