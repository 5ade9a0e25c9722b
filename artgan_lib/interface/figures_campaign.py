"""Drawing of a campaign: scores of the three variants against images seen, and what they painted on the way."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from artgan_lib.images import image_grid
from artgan_lib.interface.figures import BLUE, GREEN, IMAGES_SEEN, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"dcgan": ORANGE, "dcgan-wi": GREEN, "wgan-gp": BLUE}
_LINES = {"average": "-", "newest": ":"}


def plot_curves(curves: Mapping[str, Mapping[str, Any]], ax: "Axes", key: str, floor: float | None = None) -> "Axes":
    """Draw a score of each variant against the images seen: a full line for the average, dots for the newest weights.

    Args:
        curves: By variant, as `experiments.shipping.score_run` returns them.
        ax: Where to draw.
        key: Of the score in the points, `kid_768` say.
        floor: What real pictures get, drawn as a dashed line.
    """
    for variant, curve in curves.items():
        for kind, line in _LINES.items():
            points = [point for point in curve["points"] if point["kind"] == kind and point.get(key) is not None]
            if points:
                seen, values = [point["images_seen"] / 1000 for point in points], [point[key] for point in points]
                label = f"{variant}, {'average' if kind == 'average' else 'as trained'}"
                ax.plot(seen, values, line, marker="o", markersize=4, color=COLOURS.get(variant), label=label)
    if floor is not None:
        ax.axhline(floor, color="#7F7F7F", linestyle="--", linewidth=1, label="real paintings")
    ax.set(xlabel=IMAGES_SEEN, ylabel=f"{key} (lower is better)", xlim=(0, None), ylim=(0, None))
    ax.legend(edgecolor="none", framealpha=0.8, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    return ax


def show_progress(strips: np.ndarray, seen: Sequence[int], ax: "Axes", title: str = "") -> "Axes":
    """Draw the same numbers, painted again and again while a network learned.

    Args:
        strips: uint8 (T, N, H, W, 3): N pictures at T moments, the first above.
        seen: Images seen at each moment.
        ax: Where to draw.
        title: Above.
    """
    moments, columns, height = strips.shape[:3]
    ax.imshow(image_grid(strips.reshape(-1, *strips.shape[2:]), columns), interpolation="nearest")
    ax.set_yticks([2 + (height + 2) * row + height / 2 for row in range(moments)], [f"{n / 1000:,.0f}" for n in seen])
    ax.set_xticks([])
    ax.set(title=title, ylabel=IMAGES_SEEN)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax
