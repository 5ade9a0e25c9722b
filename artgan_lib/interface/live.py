"""A training run in a notebook, while it goes: a bar, the curves so far and the newest pictures.

When the run is over the widgets give way to a still picture of the same, which a saved notebook or a page keeps.
"""

import io
import math
import os
import time
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
from IPython.display import DisplayHandle, Image, display
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from artgan_lib.config import TrainConfig
from artgan_lib.gan.training import Callback
from artgan_lib.gan.updates import Networks
from artgan_lib.interface.figures import plot_losses, plot_scores
from artgan_lib.interface.notebooks import HEADLESS
from artgan_lib.interface.progress import TrainingProgress
from artgan_lib.runlog import read_log

SECONDS = 2.0
"""Between two drawings; a drawing takes about a fifth of a second from the training."""


def watch(config: TrainConfig, lines: int = 10) -> Callback:
    """Return what shows a run in this notebook: live, or by some lines where ARTGAN_HEADLESS is set.

    Args:
        config: Of the run.
        lines: Printed at most, if lines are.
    """
    return TrainingProgress(config, lines) if os.environ.get(HEADLESS) else LiveTraining(config)


class LiveTraining(Callback):
    """Shows a run live in the output of the cell that trains."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config

    def on_start(self, run_dir: Path, step: int) -> None:
        """Put the widgets up; a run that goes on brings its curves along."""
        self.run_dir, self.first_step, self.step = run_dir, step, step
        self.begun, self.drawn_at = time.monotonic(), -math.inf
        log = run_dir / "log.jsonl"
        self.records: list[Any] = read_log(log).to_dict("records") if log.exists() else []
        self.bar = ipywidgets.IntProgress(step, 0, self.config.total_steps, layout={"width": "40%"})
        self.told = ipywidgets.Label()
        self.picture = ipywidgets.Image(format="png")
        self.box = ipywidgets.VBox([ipywidgets.HBox([self.bar, self.told]), self.picture])
        self.handle: DisplayHandle | None = display(self.box, display_id=True)  # type: ignore[no-untyped-call]
        self._tell()

    def on_step(self, step: int, total_steps: int) -> None:
        """Move the bar."""
        self.step = step
        if time.monotonic() - self.told_at > SECONDS / 4:
            self._tell()

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> None:
        """Draw the curves with this epoch."""
        self.records.append(dict(record.items()))
        if time.monotonic() - self.drawn_at > SECONDS:
            self.picture.value = self._draw()
            self.drawn_at = time.monotonic()

    def on_end(self) -> None:
        """Leave a still picture behind."""
        if not hasattr(self, "box"):  # the run was refused before it started
            return
        self._tell()
        if self.handle and self.records:
            self.handle.update(Image(self._draw()))  # type: ignore[no-untyped-call]
        self.box.close()

    def _tell(self) -> None:
        self.bar.value, self.told_at = self.step, time.monotonic()
        done, left = self.step - self.first_step, self.config.total_steps - self.step
        rest = f", about {(self.told_at - self.begun) / done * left:,.0f} s left" if done else ""
        self.told.value = f"{self.config.variant}: step {self.step:,} of {self.config.total_steps:,}{rest}"

    def _draw(self) -> bytes:
        log = pd.DataFrame(self.records).astype({"wasserstein": float})
        figure = Figure(figsize=(12, 3.4), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=[1.3, 1.3, 1])
        plot_losses(log, left, mean=True).set_title("losses")
        plot_scores(log, middle, mean=True).set_title("scores")
        right.set_axis_off()
        grids = sorted((self.run_dir / "samples").glob("epoch_*.png"))
        if grids:
            with PillowImage.open(grids[-1]) as grid:
                right.imshow(grid)
            right.set_title(grids[-1].stem.replace("_", " "))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=80)
        return buffer.getvalue()
