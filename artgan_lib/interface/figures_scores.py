"""Drawing scores beside their floors, what was scored, and nearest neighbours.

Functions take what `artgan evaluate` wrote, not files. `neighbour_sheet` shows paintings, so what it draws is for the
reader's own screen.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from artgan_lib.evaluation.cards import is_kernel_distance
from artgan_lib.interface.figures import BLUE, GREY, ORANGE, show_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from artgan_lib.evaluation.memorization import Neighbours

_SAMPLES = 48
_PAIRS = 12


def plot_score(ax: "Axes", name: str, scored: Mapping[str, Mapping[str, Any]]) -> "Axes":
    """Draw one score as a bar for each of those scored, and its floor as a line.

    Args:
        ax: Where to draw.
        name: Of the score.
        scored: Whose score -> `value`, `floor`, `sd` and `better`, as in a file of scores. Floors that differ by no
            more than the line is thick are drawn as one.
    """
    name, times = in_thousandths(name)
    values = [times * score["value"] for score in scored.values()]
    spread = [times * (score["sd"] or 0.0) for score in scored.values()]
    bars = ax.barh(list(scored), values, height=0.6, color=BLUE, xerr=spread if any(spread) else None, ecolor=GREY)
    floors = sorted({times * score["floor"] for score in scored.values() if score["floor"] is not None})
    for floor in floors:
        ax.axvline(floor, color=ORANGE, linewidth=2)
    ax.bar_label(bars, [_digits(value) for value in values], padding=5, fontsize=9)
    low, high = min(0.0, *values, *floors), max(*values, *floors)
    ax.set(xlim=(low - 0.02 * (high - low), high + 0.2 * (high - low)))
    told = f"real pictures (line): {_digits(floors[0])}" if floors else "no floor"
    ax.set_title(f"{name}\n{next(iter(scored.values()))['better']} is better, {told}", fontsize=9)
    ax.set_ylim(len(scored) - 0.5, -0.5)  # the first on top
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(left=False)
    return ax


def score_sheet(told: Mapping[str, Any], images: np.ndarray) -> "Figure":
    """Draw the scores of one set of pictures beside their floors, and some of the pictures.

    Args:
        told: What `artgan evaluate` writes: `scores` and `card`.
        images: What was scored, uint8 (N, H, W, 3).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    scores = {name: score for name, score in told["scores"].items() if score["value"] is not None}
    card = told["card"]
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=(0.45, 0.55))[:, 0]
    rows = -(-len(scores) // 3)
    axes = upper.subplots(rows, min(3, len(scores)), squeeze=False)
    for (name, score), ax in zip(scores.items(), axes.flat, strict=False):
        plot_score(ax, name, {"": score})
    show_pictures(
        images[np.linspace(0, len(images) - 1, min(_SAMPLES, len(images))).astype(int)], lower.subplots(), columns=12
    )
    upper.suptitle(
        f"{card['fake']}: {card['fake_count']:,} pictures against {card['real_count']:,} of {card['real']}, "
        f"{card['extractor']} at {card['layer']}",
        fontsize=10,
    )
    return figure


def compare_scores(told: Mapping[str, Mapping[str, Any]]) -> "Figure":
    """Draw every score of several generators, one panel a score, floors as lines.

    Args:
        told: Whose -> what `artgan evaluate` wrote, measured alike.
    """
    from matplotlib.figure import Figure

    names = list(next(iter(told.values()))["scores"])
    figure = Figure(figsize=(11, 0.9 + 2 * (0.9 + 0.3 * len(told))), layout="constrained")
    for name, ax in zip(names, figure.subplots(2, 3, sharey=True).flat, strict=True):
        plot_score(ax, name, {whose: scores["scores"][name] for whose, scores in told.items()})
    return figure


def neighbour_sheet(images: np.ndarray, training: np.ndarray, found: "Neighbours") -> "Figure":
    """Draw the generated pictures that lie nearest to a training picture, each beside it. It shows paintings.

    Args:
        images: Generated, uint8 (N, H, W, 3).
        training: uint8 (M, H, W, 3).
        found: Nearest training pictures of each.
    """
    from matplotlib.figure import Figure

    order = np.argsort(found.distances[:, 0])[:_PAIRS]
    figure = Figure(figsize=(12, 2.6), layout="constrained")
    upper, lower = figure.subplots(2, 1)
    show_pictures(images[order], upper, columns=_PAIRS)
    show_pictures(np.stack([training[index] for index in found.indices[order, 0]]), lower, columns=_PAIRS)
    upper.set_title("generated, nearest to training first; below each its nearest training picture", fontsize=9)
    return figure


def in_thousandths(name: str) -> tuple[str, float]:
    """Return what a score is called and multiplied by where people read it: kernel distances are small."""
    return (f"{name} × 1000", 1000.0) if is_kernel_distance(name) else (name, 1.0)


def _digits(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:z.3f}"
