"""Draws the committed figures of the paper's comparison: reference curves, and the ablation of initial weights."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from artgan_lib.evaluation.cards import is_kernel_distance
from artgan_lib.evaluation.records import ABLATION, REFERENCE_CURVES, read_run
from artgan_lib.experiments.ablation import SCHEMES
from artgan_lib.experiments.ablation_results import read_ablation
from artgan_lib.interface.figures import save_figure
from artgan_lib.interface.figures_ablation import plot_over_training, plot_paired
from artgan_lib.interface.figures_losses import reference_sheet
from artgan_lib.runlog import read_log

if TYPE_CHECKING:
    import pandas as pd

CRITICS = {
    "wgan-gp": "wgan-gp: as in the paper",
    "wgan-free": "wgan-free: no penalty",
    "wgan-clip": "wgan-clip: weights clipped",
}
DISCRIMINATORS = {
    "../ablation/dcgan_glorot-uniform_seed0": "dcgan: as in the paper",
    "../ablation/dcgan_normal_seed1": "dcgan: weights from Normal(0, 0.02)",
    "dcgan-256": "dcgan on 256 paintings",
    "dcgan-sgd": "dcgan-sgd: SGD instead of Adam",
}
"""Runs by folder, seen from `data/results/reference_curves`, and what tells each from the first."""


def reference_runs(root: Path, runs: dict[str, str]) -> tuple[dict[str, "pd.DataFrame"], dict[str, np.ndarray]]:
    """Return the logs of `CRITICS` or `DISCRIMINATORS`, and what each run painted at its end, by title."""
    folders = {title: root / REFERENCE_CURVES / run for run, title in runs.items()}
    logs = {title: read_run(folder).log for title, folder in folders.items()}
    pictures = {}
    for title, folder in folders.items():
        with Image.open(folder / "pictures.webp") as picture:
            pictures[title] = np.asarray(picture.convert("RGB"))
    return logs, pictures


def draw_reference_curves(root: Path, folder: Path) -> Iterator[Path]:
    """Set healthy and failed runs side by side."""
    for name, runs in (("reference_wgan", CRITICS), ("reference_dcgan", DISCRIMINATORS)):
        logs, pictures = reference_runs(root, runs)
        figure = reference_sheet(logs, Figure(figsize=(4.2 * len(logs), 12.5), layout="constrained"), pictures)
        yield save_figure(figure, folder / f"{name}.png")


def draw_ablation(root: Path, folder: Path) -> Iterator[Path]:
    """Draw every run of the ablation by its score, and how variety and losses went."""
    table = read_ablation(root / ABLATION)
    runs = {scheme: sorted((root / ABLATION).glob(f"dcgan_{scheme}_seed*/log.jsonl")) for scheme in SCHEMES}
    logs = {scheme: [read_log(path) for path in paths] for scheme, paths in runs.items()}
    figure = Figure(figsize=(15, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    plot_paired(table, headline(table.columns), left).set_title("at the end, lower is better; runs of a seed joined")
    plot_over_training(logs, "vendi_ratio", middle, "share").set_title("variety, of that of paintings")
    plot_over_training(logs, "score_fake_mean", right, "score").set_title("discriminator's score of generated pictures")
    right.legend(frameon=False)
    yield save_figure(figure, folder / "ablation_initial_weights.png")


def headline(columns: Iterable[str]) -> str:
    """Return the column of the kernel distance, which has no bias that depends on the number of pictures."""
    return next(name for name in columns if is_kernel_distance(name) and not name.endswith("floor"))
