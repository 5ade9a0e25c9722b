"""How a generation job and a training run show that they go on."""

import sys
from typing import Any

from tqdm import tqdm

from artgan_lib.config import TrainConfig
from artgan_lib.evaluation.cards import is_distance
from artgan_lib.gan.training import Callback
from artgan_lib.gan.updates import Networks
from artgan_lib.interface.terminal import interactive
from artgan_lib.studio.interfaces import STAGES, Progress


class JobProgress:
    """Shows a `GenerationJob`: a bar counted in stored pictures in a terminal, a line a tenth elsewhere."""

    def __init__(self) -> None:
        self.bar: tqdm[Any] | None = None
        self.said = 0

    def __enter__(self) -> "JobProgress":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, progress: Progress) -> None:
        """Advance the bar when a picture is stored, and name the stage in hand."""
        if not interactive():
            if progress.stage == STAGES[-1] and progress.done * 10 // progress.total > self.said:
                self.said = progress.done * 10 // progress.total
                left = f", about {progress.seconds_left:,.0f} s left" if progress.seconds_left else ""
                sys.stdout.write(f"{progress.done} of {progress.total} pictures stored{left}\n")
                sys.stdout.flush()
            return
        self.bar = self.bar or tqdm(total=progress.total, unit="img")
        self.bar.set_description(progress.stage)
        if progress.stage == STAGES[-1]:
            self.bar.update(progress.done - self.bar.n)


class TrainingProgress(Callback):
    """Shows a run: a bar over all steps in a terminal, and a line an epoch everywhere.

    Args:
        config: Of the run.
        lines: Print at most about this many lines; 0 prints one for every epoch.
    """

    def __init__(self, config: TrainConfig, lines: int = 0) -> None:
        self.config = config
        self.every = max(1, config.epochs // lines) if lines else 1
        self.bar: tqdm[Any] | None = None

    def on_step(self, step: int, total_steps: int) -> None:
        """Advance the bar."""
        if not interactive():
            return
        if self.bar is None:
            self.bar = tqdm(total=total_steps, initial=step - 1, desc=self.config.variant, unit="step")
        self.bar.update(step - self.bar.n)
        if step == total_steps:
            self.bar.close()

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> None:
        """Print the epoch's line."""
        if record["epoch"] % self.every and record["epoch"] != self.config.epochs:
            return
        tqdm.write(
            f"{self.config.variant}  epoch {record['epoch']:>3}/{self.config.epochs}"
            f"  {record['images_seen']:>9,} images  {record['images_per_second']:>7,.0f} a second"
            f"  loss_g {record['loss_g_mean']:8.3f}  loss_d {record['loss_d_mean']:8.3f}"
            f"  score real {record['score_real_mean']:7.3f} fake {record['score_fake_mean']:7.3f}"
            + "".join(f"  {key} {value:.4f}" for key, value in record.items() if is_distance(key))
        )
        sys.stdout.flush()
