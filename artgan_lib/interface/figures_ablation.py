"""Drawing what an ablation has found: every run as a point, those of a seed joined, and how the runs went."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from artgan_lib.interface.figures import BLUE, GREEN, GREY, IMAGES_SEEN, ORANGE, quiet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLOURS = dict(
    zip(("glorot-uniform", "glorot-normal", "normal", "uniform"), (BLUE, GREEN, ORANGE, "#CC79A7"), strict=True)
)


def plot_paired(table: "pd.DataFrame", measure: str, ax: "Axes") -> "Axes":
    """Draw a measure of every run by its scheme; runs of one seed are joined, a bar is the mean of a scheme.

    Args:
        table: From `read_ablation`.
        measure: One of its columns; its floor is drawn where there is one.
        ax: Where to draw.
    """
    schemes = [scheme for scheme in COLOURS if scheme in set(table["scheme"])]
    places = np.arange(len(schemes))
    wide = table.pivot_table(measure, "seed", "scheme", observed=True).reindex(columns=schemes)
    for _, values in wide.iterrows():
        ax.plot(places, values, color=GREY, linewidth=0.8, alpha=0.7, zorder=1)
    for place, scheme in zip(places, schemes, strict=True):
        ax.scatter(np.full(len(wide), place), wide[scheme], color=COLOURS[scheme], zorder=2)
        ax.hlines(wide[scheme].mean(), place - 0.25, place + 0.25, color=COLOURS[scheme], linewidth=3, alpha=0.6)
    if (floor := f"{measure}, floor") in table:
        ax.axhline(table[floor].mean(), color=GREY, linestyle="--", linewidth=1)
        ax.annotate("other real pictures", (0, table[floor].mean()), fontsize="small", color=GREY, va="bottom")
    ax.set_xticks(places, [scheme.replace("-", "\n") for scheme in schemes])
    ax.set_ylabel(measure)
    return quiet(ax)


def plot_over_training(logs: Mapping[str, Sequence["pd.DataFrame"]], key: str, ax: "Axes", label: str = "") -> "Axes":
    """Draw a value of the log over training: each scheme's mean over its seeds, in a band from lowest to highest.

    Args:
        logs: Of each scheme, one log a seed.
        key: A column of the logs.
        ax: Where to draw.
        label: Of the vertical axis; the key by default.
    """
    for scheme, several in logs.items():
        length = min(map(len, several))
        values = np.stack([log[key].astype(float).to_numpy()[:length] for log in several])
        images = several[0]["images_seen"].to_numpy()[:length] / 1000
        ax.fill_between(images, values.min(0), values.max(0), color=COLOURS[scheme], alpha=0.15, linewidth=0)
        ax.plot(images, values.mean(0), color=COLOURS[scheme], label=scheme)
    ax.set(xlabel=IMAGES_SEEN, ylabel=label or key)
    return quiet(ax)
