"""Drawing: functions that take data and an `ax` and return the `ax`.

They read no files and choose no sizes; `save_figure` writes what they drew.
Colours are Okabe and Ito's, which colour-blind readers can tell apart; orange is the critic or discriminator, blue the
generator, as in the paper's Figs 3 and 4.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from artgan_lib.images import image_grid
from artgan_lib.runlog import write_atomic

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORANGE, BLUE, GREEN, GREY = "#E69F00", "#0072B2", "#009E73", "#7F7F7F"

IMAGES_SEEN = "images seen (thousands)"


def show_pictures(images: np.ndarray, ax: "Axes", *, columns: int | None = None, title: str = "") -> "Axes":
    """Draw pictures as a grid, pixel by pixel.

    Args:
        images: uint8, shape (N, H, W, 3).
        ax: Where to draw; its axis is switched off.
        columns: Pictures in a row; as square as it can be by default.
        title: Above the grid.
    """
    ax.imshow(image_grid(images, columns), interpolation="nearest")
    ax.set_title(title)
    ax.set_axis_off()
    return ax


def plot_losses(log: "pd.DataFrame", ax: "Axes", *, mean: bool = False) -> "Axes":
    """Draw the losses of both networks against the images seen (the paper's Fig. 3 for WGAN-GP).

    Args:
        log: From `read_log`.
        ax: Where to draw.
        mean: Means over each epoch instead of its last batch, which the paper shows.
    """
    judge = "critic" if log["wasserstein"].notna().any() else "discriminator"
    return _two_lines(log, ax, "loss_d", "loss_g", judge, "generator", "loss", mean)


def plot_scores(log: "pd.DataFrame", ax: "Axes", *, mean: bool = False) -> "Axes":
    """Draw the judge's mean score of real and of generated pictures (the paper's Fig. 4 for WGAN-GP).

    Args:
        log: From `read_log`.
        ax: Where to draw.
        mean: Means over each epoch instead of its last batch, which the paper shows.
    """
    return _two_lines(log, ax, "score_real", "score_fake", "real pictures", "generated pictures", "score", mean)


def plot_wasserstein(log: "pd.DataFrame", ax: "Axes") -> "Axes":
    """Draw the critic's estimate of the distance, epoch means: the curve that should fall as pictures get better."""
    ax.plot(log["images_seen"] / 1000, log["wasserstein_mean"], color=GREEN)
    ax.set(xlabel=IMAGES_SEEN, ylabel="Wasserstein estimate", ylim=(0, None))
    return quiet(ax)


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG, whole or not at all, without the time and version that would make each file new."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return write_atomic(path, buffer.getvalue())


def _two_lines(
    log: "pd.DataFrame", ax: "Axes", orange: str, blue: str, orange_name: str, blue_name: str, unit: str, mean: bool
) -> "Axes":
    ending = "_mean" if mean else ""
    images = log["images_seen"] / 1000
    ax.axhline(0, color=GREY, linestyle="--", linewidth=1)
    ax.plot(images, log[orange + ending], color=ORANGE, label=orange_name)
    ax.plot(images, log[blue + ending], color=BLUE, label=blue_name)
    ax.set(xlabel=IMAGES_SEEN, ylabel=f"{unit}, {'epoch mean' if mean else 'last batch of each epoch'}")
    ax.legend(edgecolor="none", framealpha=0.8)
    return quiet(ax)


def quiet(ax: "Axes") -> "Axes":
    """Take the frame's upper and right side away and draw a faint grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    return ax
