"""Drawing of mode collapse: signals of a run with its events, and what the calibrated rule is worth."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artgan_lib.evaluation.collapse.rule import THRESHOLDS, collapse_events
from artgan_lib.interface.figures import BLUE, GREEN, GREY, IMAGES_SEEN, ORANGE, save_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PURPLE, SKY, RED = "#CC79A7", "#56B4E9", "#D55E00"
SIGNALS = {"diversity": BLUE, "style_entropy": PURPLE, "pairwise": GREEN, "duplicates": ORANGE}
RESULTS = Path("data/results")
CAUGHT = RESULTS / "collapse_driven.log.jsonl"
_KIND_COLOURS = (GREY, BLUE, SKY, GREEN, ORANGE, RED, PURPLE, "#000000")


def plot_signals(log: "pd.DataFrame", ax: "Axes") -> "Axes":
    """Draw the signals of collapse against the images seen, thresholds as short dashes, events shaded.

    Args:
        log: From `read_log`, of a watched run.
        ax: Where to draw.
    """
    looked = log[log["diversity"].notna()]
    images, last = looked["images_seen"] / 1000, looked["images_seen"].iloc[-1] / 1000
    for number, event in enumerate(collapse_events(log)):
        end = last if event.end_images is None else event.end_images / 1000
        ax.axvspan(event.start_images / 1000, end, color=RED, alpha=0.12, label=None if number else "collapsed")
    for name, colour in SIGNALS.items():
        if name in looked:
            ax.plot(images, looked[name], color=colour, marker="o", markersize=3, label=name.replace("_", " "))
            ax.axhline(THRESHOLDS[name], color=colour, linestyle=(0, (2, 4)), linewidth=1)
    ax.set(xlabel=IMAGES_SEEN, ylabel="beside real pictures", ylim=(-0.03, 1.15))
    ax.legend(edgecolor="none", framealpha=0.8, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_kinds(samplers: Sequence[Mapping[str, Any]], world: str, ax: "Axes") -> "Axes":
    """Draw the diversity of every held-out sampler of a world by kind, the lowest of its epochs.

    Args:
        samplers: Lines that `reproduction/collapse_calibration.py` wrote.
        world: Name of what they draw on.
        ax: Where to draw.
    """
    kinds = list(dict.fromkeys(one["kind"] for one in samplers))
    for place, kind in enumerate(kinds):
        group = [one for one in samplers if one["kind"] == kind and one["world"] == world and one["half"] == 1]
        lowest = [min(epoch["diversity"] for epoch in one["signals"]) for one in group]
        spread = np.linspace(-0.28, 0.28, len(lowest)) if len(lowest) > 1 else [0.0]
        ax.scatter(lowest, place + np.asarray(spread), s=14, color=_KIND_COLOURS[place % len(_KIND_COLOURS)])
    ax.axvline(THRESHOLDS["diversity"], color=GREY, linestyle="--", linewidth=1)
    ax.set_yticks(range(len(kinds)), kinds)
    ax.invert_yaxis()
    ax.set(xlabel="diversity, lowest epoch", xlim=(0, 1.1))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_rates(held_out: Mapping[str, Any], ax: "Axes") -> "Axes":
    """Draw false alarms and detection of each kind with Wilson intervals, a mark for each world.

    Args:
        held_out: What `reproduction/collapse_calibration.py` wrote under this name.
        ax: Where to draw.
    """
    marks = zip(held_out["detected"], (BLUE, ORANGE), (-0.16, 0.16), strict=False)
    for world, colour, shift in marks:
        rows = {"healthy (false alarms)": held_out["false_alarms"][world], **held_out["detected"][world]}
        share = np.array([row["count"] / row["of"] for row in rows.values()])
        low, high = (np.array([row[side] for row in rows.values()]) for side in ("low", "high"))
        places = np.arange(len(rows)) + shift
        errors = np.stack([share - low, high - share]).clip(0)
        ax.errorbar(100 * share, places, xerr=100 * errors, fmt="o", color=colour, markersize=5, capsize=2, label=world)
        ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    ax.set(xlabel="alarms, % of held-out samplers, 95 % interval", xlim=(-4, 104))
    ax.legend(edgecolor="none", framealpha=0.8, loc="lower left")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_curves(held_out: Mapping[str, Any], ax: "Axes") -> "Axes":
    """Draw detection against false alarms for each kind, all thresholds made stricter together.

    Args:
        held_out: What `reproduction/collapse_calibration.py` wrote under this name.
        ax: Where to draw.
    """
    alike: dict[str, list[str]] = {}
    for kind, points in held_out["curves"].items():
        best = {false: max(right for at, right in points if at == false) for false, _ in points}
        alike.setdefault(str(best), []).append(kind)
    for number, kinds in enumerate(alike.values(), 1):
        false, right = 100 * np.array(held_out["curves"][kinds[0]]).T
        colour = _KIND_COLOURS[number % len(_KIND_COLOURS)]
        ax.step(false, right, where="post", color=colour, label=",\n".join(kinds), linewidth=1.5)
    ax.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1)
    ax.set(xlabel="false alarms, % of healthy samplers", ylabel="detected, %", xlim=(-2, 102), ylim=(-2, 102))
    ax.legend(edgecolor="none", framealpha=0.8, fontsize="small", loc="lower right")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def collapse_figures(root: Path, folder: Path) -> Iterator[Path]:
    """Draw the calibration, and a real collapse that was caught."""
    yield _calibration(root, folder)
    if (root / CAUGHT).is_file():
        yield _caught(root, folder)


def _calibration(root: Path, folder: Path) -> Path:
    import json

    from matplotlib.figure import Figure

    found = json.loads((root / RESULTS / "collapse_calibration.json").read_text(encoding="utf-8"))
    lines = (root / RESULTS / "collapse_calibration.samplers.jsonl").read_text(encoding="utf-8").splitlines()
    samplers = [json.loads(line) for line in lines]
    figure = Figure(figsize=(14, 9), layout="constrained")
    upper, lower = figure.subplots(2, 2)
    for world, ax in zip(found["held_out"]["detected"], upper, strict=False):
        plot_kinds(samplers, world, ax).set_title(f"Samplers on {world}; dashed: the threshold")
    plot_rates(found["held_out"], lower[0]).set_title("The rule as it stands")
    plot_curves(found["held_out"], lower[1]).set_title("All thresholds stricter together, both worlds")
    return save_figure(figure, folder / "collapse_calibration.png")


def _caught(root: Path, folder: Path) -> Path:
    from matplotlib.figure import Figure
    from PIL import Image

    from artgan_lib.runlog import read_log

    log = read_log(root / CAUGHT)
    grids = sorted((root / RESULTS / "collapse_driven").glob("epoch_*.png"))
    figure = Figure(figsize=(3.2 * len(grids), 7), layout="constrained")
    places = figure.add_gridspec(2, len(grids))
    title = "A WGAN-GP on real paintings, its penalty taken away and given back; dashed: thresholds"
    plot_signals(log, figure.add_subplot(places[0, :])).set_title(title)
    for number, path in enumerate(grids):
        ax = figure.add_subplot(places[1, number])
        epoch = int(path.stem.split("_")[1])
        row = log[log["epoch"] == epoch].iloc[0]
        with Image.open(path) as grid:
            ax.imshow(grid.crop((0, 0, 332, 332)))  # five by five of sixty-four
        state = "collapsed" if row["collapsed"] else "in order"
        ax.set_title(f"{row['images_seen'] / 1000:,.0f} thousand: {state}\ndiversity {row['diversity']:.2f}")
        ax.set_axis_off()
    return save_figure(figure, folder / "collapse_caught.png")
