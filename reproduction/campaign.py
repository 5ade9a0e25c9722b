"""Trains the paper's three variants on real paintings by a fixed plan, as far as the minutes go.

    python -m reproduction.campaign --data CACHE --budget 150

Called again, it goes on where it stopped. What is released of the runs is left to `reproduction.release`.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from artgan_lib.config import TrainConfig, known
from artgan_lib.data.preprocessing import load_images
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.collapse.watch import CollapseWatch
from artgan_lib.gan.training import Callback, TrainResult, train
from artgan_lib.gan.updates import Networks
from artgan_lib.interface.progress import TrainingProgress
from artgan_lib.presets import preset

ORDER = ("wgan-gp", "dcgan", "dcgan-wi")
"""Whose turn it is first: the paper's main model, then what is cheap."""

# What differs from the paper's presets. `cpu`: a quarter of the width and a length for some 150 minutes of a processor
# core a variant; so few images need smaller batches and a higher rate to make enough of them. `paper`: its width and
# length. `smoke`: for tests. Epochs of the first are a picture short of a round number, since the author's code makes
# one update more than fit.
# fmt: off
PLANS: dict[str, dict[str, Any]] = {
    "cpu": {"width": 16, "batch_size": 32, "lr": 4e-4, "images_per_epoch": 3_999, "epochs": 100, "checkpoint_every": 5,
            "ema_half_life": 22_170},
    "paper": {"ema_half_life": 22_170},
    "smoke": {"width": 2, "latent_dim": 8, "batch_size": 4, "images_per_epoch": 11, "epochs": 2, "checkpoint_every": 1,
              "ema_half_life": 32},
}
# fmt: on


def plan(name: str, seed: int = 0) -> dict[str, TrainConfig]:
    """Return the config of each variant, in the order of training.

    Raises:
        ArtganError: If there is no such plan.
    """
    changes = PLANS[known(name, PLANS, "plan")]
    return {variant: preset(variant, seed=seed, **changes) for variant in ORDER}


class Deadline(Callback):
    """Ends a run at the last epoch that is done in time.

    Args:
        at: The time on the clock of `time.monotonic`.
    """

    def __init__(self, at: float) -> None:
        self.at = at
        self.began = 0.0

    def on_start(self, run_dir: Path, step: int) -> None:
        """Start the clock of an epoch."""
        self.began = monotonic()

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> None:
        """End the run if the next epoch would last too long."""
        now = monotonic()
        if now + (now - self.began) > self.at:
            self.stop = "the minutes are spent"
        self.began = now


def train_plan(
    configs: dict[str, TrainConfig],
    images: np.ndarray,
    folder: Path | str,
    minutes: float,
    *,
    device: str = "auto",
    callbacks: Callable[[TrainConfig], Sequence[Callback]] = lambda config: (),
) -> Iterator[TrainResult]:
    """Train what is missing, one variant after the other, each in the folder of its name.

    Call it again and it goes on where the minutes ended; what is done is left alone.

    Args:
        configs: From `plan`, all or some of it.
        images: uint8, shape (N, 64, 64, 3).
        folder: Of all runs.
        minutes: After so many no new epoch is begun that would end later.
        device: As of `gan.training.train`.
        callbacks: Returns more callbacks for a run.

    Yields:
        How far each run has come, until one could not be finished.

    Raises:
        ArtganError: If the minutes are negative, or a run's folder belongs to another plan, seed or collection.
    """
    if not 0 <= minutes < float("inf"):
        raise ArtganError(f"a budget is a number of minutes from 0, not {minutes:g}")
    end = monotonic() + minutes * 60
    for variant, config in configs.items():
        if monotonic() >= end:
            return
        told = [*callbacks(config), Deadline(end)]
        result = train(config, images, Path(folder) / variant, device=device, callbacks=told, keep_every=1)
        yield result
        if not result.finished:
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="CACHE", required=True, help="paintings to train on")
    parser.add_argument("--budget", type=float, default=150, metavar="MINUTES", help="of training (default 150)")
    parser.add_argument("--plan", choices=PLANS, default="cpu", help="default %(default)s")
    parser.add_argument("--only", metavar="VARIANT", choices=ORDER, action="append", help="one variant; repeatable")
    parser.add_argument("--runs", metavar="DIR", type=Path, default=Path("runs/campaign"), help="default %(default)s")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps or auto (default)")
    options = parser.parse_args(arguments)
    configs = {name: config for name, config in plan(options.plan).items() if name in (options.only or ORDER)}
    pictures = load_images(options.data)

    def callbacks(config: TrainConfig) -> list[Callback]:
        return [CollapseWatch(config, pictures.images, pictures.labels, tell=print), TrainingProgress(config)]

    for result in train_plan(
        configs, pictures.images, options.runs, options.budget, device=options.device, callbacks=callbacks
    ):
        config = configs[result.run_dir.name]
        seen = f"{result.step * config.batch_size:,} of {config.total_steps * config.batch_size:,} images"
        print(f"{config.variant}: {'done' if result.finished else 'stopped'}, {seen} -> {result.run_dir}", flush=True)


if __name__ == "__main__":
    main()
