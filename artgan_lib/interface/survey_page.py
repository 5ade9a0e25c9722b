"""Draws a `Survey`: one page that a teacher can put on a slide, and its panels one by one.

Every panel takes a survey and an `ax` and returns the `ax`; no file is read.
"""

from typing import TYPE_CHECKING

import numpy as np

from artgan_lib.interface.figures import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from artgan_lib.data.survey import Survey

_FEW_SIZES = 10
_SPLIT_COLOURS = {"train": BLUE, "test": ORANGE, "val": "#009E73", "all": GREY}


def draw_survey(survey: "Survey", figure: "Figure", title: str) -> "Figure":
    """Draw the whole page.

    Args:
        survey: What was measured.
        figure: Empty; 16 x 9 inches suit it.
        title: Above all panels.
    """
    axes = figure.subplots(2, 4, gridspec_kw={"width_ratios": [1, 1, 1.15, 1.15]})
    (counts, palettes, light, colour), (edges, kept, shapes, alike) = axes
    plot_counts(survey, counts)
    plot_palettes(survey, palettes)
    plot_measure(survey, "brightness", light).set_xlabel("brightness (mean luma, 0 to 1)")
    plot_measure(survey, "colourfulness", colour).set_xlabel("colourfulness (Hasler and Süsstrunk)")
    plot_measure(survey, "edges", edges).set_xlabel("edges (share of pixels)")
    plot_measure(survey, "kept", kept).set_xlabel("what 64 × 64 keeps (PSNR, dB)")
    plot_shapes(survey, shapes)
    plot_likeness(survey, alike)
    pairs, across = len(survey.duplicates), int(survey.duplicates["across"].sum())
    figure.suptitle(
        f"{title}: {len(survey.pictures):,} pictures, {len(survey.unreadable):,} not readable, "
        f"{pairs:,} near-duplicate pairs, {across:,} of them across splits",
        fontsize=14,
    )
    return figure


def plot_counts(survey: "Survey", ax: "Axes") -> "Axes":
    """Draw how many pictures each style has, split by split."""
    import pandas as pd

    counts = pd.crosstab(survey.pictures["style"], survey.pictures["split"].fillna("all"))
    left = np.zeros(len(counts))
    for split in sorted(counts.columns, key=list(_SPLIT_COLOURS).index):
        ax.barh(_pretty(counts.index), counts[split], left=left, color=_SPLIT_COLOURS[split], label=split)
        left += counts[split].to_numpy()
    ax.invert_yaxis()
    ax.set(title="how many", xlabel="pictures")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
    return _quiet(ax)


def plot_palettes(survey: "Survey", ax: "Axes") -> "Axes":
    """Draw the main colours of each style, each as long as its share."""
    styles = sorted(survey.palettes["style"].unique())
    for row, style in enumerate(styles):
        left = 0.0
        for entry in survey.palettes[survey.palettes["style"] == style].itertuples():
            ax.barh(
                row, entry.share, left=left, height=0.85, color=np.array([entry.red, entry.green, entry.blue]) / 255
            )
            left += entry.share
    ax.set_yticks(range(len(styles)), _pretty(styles))
    ax.invert_yaxis()
    ax.set(title="palettes", xlabel="share of the pixels", xlim=(0, 1))
    return _quiet(ax)


def plot_measure(survey: "Survey", measure: str, ax: "Axes") -> "Axes":
    """Draw how a measure is spread in each style: quartiles as a box, whiskers at 5 and 95 %.

    Args:
        survey: What was measured.
        measure: A name of `data.survey.MEASURES`.
        ax: Where to draw.
    """
    styles = sorted(survey.pictures["style"].unique())
    values = [survey.pictures.loc[survey.pictures["style"] == style, measure].dropna() for style in styles]
    if any(len(numbers) for numbers in values):
        boxes = ax.boxplot(
            values, orientation="horizontal", widths=0.7, whis=(5, 95), showfliers=False, patch_artist=True
        )
        for box, median in zip(boxes["boxes"], boxes["medians"], strict=True):
            box.set(facecolor="#A6CEE3", edgecolor="#555555")
            median.set_color("#222222")
        ax.set_yticks(range(1, len(styles) + 1), _pretty(styles))
        ax.invert_yaxis()
    else:
        ax.text(0.5, 0.5, "no picture is\nlarger than 64 × 64", ha="center", transform=ax.transAxes)
        ax.set_yticks([])
    ax.set(title=measure, ylabel="")
    return _quiet(ax)


def plot_shapes(survey: "Survey", ax: "Axes") -> "Axes":
    """Draw widths against heights, with the square as a line."""
    import seaborn as sns

    pictures = survey.pictures
    few = len(pictures[["width", "height"]].drop_duplicates()) < _FEW_SIZES
    look = {"s": 60, "alpha": 1.0} if few else {"s": 8, "alpha": 0.25}  # a cloud of faint dots, or a dot to be seen
    sns.scatterplot(pictures, x="width", y="height", ax=ax, color=BLUE, linewidth=0, **look)
    largest = max(pictures["width"].max(), pictures["height"].max())
    ax.plot([0, largest], [0, largest], color=GREY, linestyle="--", linewidth=1)
    ax.set(title="sizes", xlabel="width, pixels", ylabel="height, pixels", xlim=(0, None), ylim=(0, None))
    return _quiet(ax)


def plot_likeness(survey: "Survey", ax: "Axes") -> "Axes":
    """Draw how far the colour histograms of the styles overlap."""
    import seaborn as sns

    names = _pretty(survey.likeness.index)
    shown = survey.likeness.where(~np.eye(len(names), dtype=bool))
    sns.heatmap(
        shown, ax=ax, cmap="cividis", square=True, xticklabels=names, yticklabels=names, cbar_kws={"shrink": 0.7}
    )
    ax.set_title("alike by colour (overlap, 0 to 1)")
    ax.tick_params(axis="x", rotation=90)
    return ax


def _pretty(styles: "Iterable[str]") -> list[str]:
    return [style.replace("_", " ") for style in styles]


def _quiet(ax: "Axes") -> "Axes":
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", alpha=0.25)
    ax.set_axisbelow(True)
    return ax
