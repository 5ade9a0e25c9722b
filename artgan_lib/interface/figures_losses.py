"""Drawing the losses of a run: as the paper drew its Figs 3 and 4, and so that a reader sees what to look for.

Functions take a log and an `ax` and return the `ax`, as in `figures`; `reference_sheet` sets several runs side by side.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from artgan_lib.interface.figures import BLUE, GREEN, GREY, IMAGES_SEEN, ORANGE, quiet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PURPLE = "#CC79A7"
WINDOW = 9
"""Epochs over which the width of a band is taken."""

_PAPER = {
    "losses": ("loss_d", "loss_g", "discriminator", "generator", "loss"),
    "scores": ("score_real", "score_fake", "real pictures", "generated pictures", "critic's score"),
}
UNDECIDED = 2 * float(np.log(2))
"""Loss of a discriminator that gives every picture a half: real plus fake."""


def plot_as_paper(log: "pd.DataFrame", ax: "Axes", what: str = "losses") -> "Axes":
    """Draw a log in the look of the paper's Fig. 3 (`losses`) or Fig. 4 (`scores`).

    Twice as wide as high, orange for the discriminator or the real pictures, blue for the generator or its pictures, a
    dashed line at zero; of each epoch the last batch alone.
    """
    orange, blue, orange_name, blue_name, unit = _PAPER[what]
    ax.plot(log["epoch"], log[orange], color=ORANGE, label=orange_name)
    ax.plot(log["epoch"], log[blue], color=BLUE, label=blue_name)
    ax.axhline(0, color="black", linestyle="--", linewidth=1)
    ax.set(xlabel="epoch", ylabel=unit, box_aspect=0.5)
    ax.legend()
    return ax


def plot_mean(log: "pd.DataFrame", ax: "Axes", key: str, colour: str, label: str = "") -> "Axes":
    """Draw a value's mean over each epoch, in a band of how far single batches lie from it.

    The log has the last batch of each epoch; the band is the root mean square of its distance from the epoch's mean,
    over nine epochs.
    """
    images, mean = log["images_seen"] / 1000, log[f"{key}_mean"].astype(float)
    apart = (log[key].astype(float) - mean).pow(2).rolling(WINDOW, center=True, min_periods=1).mean().pow(0.5)
    ax.fill_between(images, mean - apart, mean + apart, color=colour, alpha=0.2, linewidth=0)
    ax.plot(images, mean, color=colour, label=label)
    ax.set(xlabel=IMAGES_SEEN)
    return quiet(ax)


def plot_loss_means(log: "pd.DataFrame", ax: "Axes") -> "Axes":
    """Draw both losses, as epoch means with their bands."""
    critic = log["wasserstein"].notna().any()
    plot_mean(log, ax, "loss_d", ORANGE, "critic" if critic else "discriminator")
    plot_mean(log, ax, "loss_g", BLUE, "generator")
    ax.axhline(0 if critic else UNDECIDED, color=GREY, linestyle="--", linewidth=1)
    ax.set_ylabel("loss")
    ax.legend(edgecolor="none", framealpha=0.8, fontsize="small")
    return ax


def plot_distance(log: "pd.DataFrame", ax: "Axes") -> "Axes":
    """Draw the critic's estimate of the distance, without the penalty.

    Where the log has it, that on held-out pictures at the end of each epoch, too.
    """
    plot_mean(log, ax, "wasserstein", GREEN, "while training")
    if "wasserstein_held_out" in log:
        images = log["images_seen"] / 1000
        held_out = log["wasserstein_held_out"].astype(float)
        ax.plot(images, held_out, color=PURPLE, linestyle="--", label="on held-out pictures")
    ax.set_ylabel("Wasserstein estimate")
    ax.legend(edgecolor="none", framealpha=0.8, fontsize="small")
    return ax


def plot_penalty(log: "pd.DataFrame", ax: "Axes") -> "Axes":
    """Draw the gradient penalty by itself, before it is weighed: nought where every slope is one."""
    plot_mean(log, ax, "gradient_penalty", GREY)
    ax.set(ylabel="gradient penalty", ylim=(0, None))
    return ax


def plot_score_means(log: "pd.DataFrame", ax: "Axes") -> "Axes":
    """Draw the judge's scores of real and of generated pictures, as epoch means with their bands."""
    plot_mean(log, ax, "score_real", ORANGE, "real")
    plot_mean(log, ax, "score_fake", BLUE, "generated")
    if not log["wasserstein"].notna().any():
        ax.axhline(0.5, color=GREY, linestyle="--", linewidth=1)
        ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel("score")
    ax.legend(edgecolor="none", framealpha=0.8, fontsize="small")
    return ax


def plot_held_out(log: "pd.DataFrame", ax: "Axes") -> "Axes":
    """Draw how much higher the judge scores pictures it has trained on than held-out ones.

    In shares of what lies between training pictures and generated ones, so that critics of any scale can be compared:
    nought is a judge that tells paintings from generated pictures, one is a judge that knows its own by heart and takes
    every other painting for a forgery.
    """
    seen, held_out = log["score_seen"].astype(float), log["score_held_out"].astype(float)
    apart = log["wasserstein_seen"].astype(float)
    between = apart.where(apart.notna(), seen - log["score_fake_mean"].astype(float))
    images = log["images_seen"] / 1000
    ax.axhline(0, color=GREY, linestyle="--", linewidth=1)
    ax.plot(images, ((seen - held_out) / between).clip(-0.5, 1.5), color=PURPLE)
    ax.set(xlabel=IMAGES_SEEN, ylabel="known by heart, share", ylim=(-0.3, 1.3))
    return quiet(ax)


def reference_sheet(
    runs: Mapping[str, "pd.DataFrame"], figure: "Figure", pictures: Mapping[str, np.ndarray] | None = None
) -> "Figure":
    """Set runs of one kind side by side: a column each, under its title.

    Args:
        runs: Logs by title, all of critics or all of discriminators, trained with held-out pictures.
        figure: Empty; its size is the caller's.
        pictures: What each painted at its end, uint8 (H, W, 3), by the same titles.
    """
    critics = next(iter(runs.values()))["wasserstein"].notna().any()
    rows = (plot_loss_means, plot_distance if critics else plot_score_means, plot_held_out)
    ratios = [1.0] * len(rows) + [1.3] * bool(pictures)
    axes = figure.subplots(len(ratios), len(runs), squeeze=False, height_ratios=ratios)
    for column, (title, log) in enumerate(runs.items()):
        for row, draw in enumerate(rows):
            ax = draw(log, axes[row, column])
            if row == 0:
                ax.set_title(title, fontsize="medium")
            if row < len(rows) - 1:
                ax.set_xlabel("")
            if column:
                ax.set_ylabel("")
                if legend := ax.get_legend():
                    legend.remove()
        if pictures:
            axes[-1, column].imshow(pictures[title], interpolation="nearest")
            axes[-1, column].set_axis_off()
    return figure
