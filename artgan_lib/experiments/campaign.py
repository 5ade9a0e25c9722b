"""The campaign: the paper's three variants trained on real paintings by a fixed plan, as far as the minutes go.

Owns the plans and whose turn it is. A run by itself is left to `gan.training`, what is taken out of its checkpoints to
`experiments.harvest`.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from artgan_lib.config import TrainConfig, known
from artgan_lib.errors import ArtganError
from artgan_lib.gan.training import Callback, TrainResult, train
from artgan_lib.gan.updates import Networks
from artgan_lib.presets import preset

ORDER = ("wgan-gp", "dcgan", "dcgan-wi")
"""Whose turn it is first: the paper's main model, then what is cheap."""

# What differs from the paper's presets. `cpu`: a quarter of the width and a length for some 150 minutes of a processor
# core a variant, the same for all three; so few images need smaller batches and a higher rate to make enough of them.
# `paper`: its width and length. `smoke`: for tests. Epochs of the first are a picture short of a round number, since
# the author's code makes one update more than fit.
# fmt: off
_TABLES: dict[str, dict[str, tuple[Any, Any, Any]]] = {
    "cpu": {
        #                     wgan-gp  dcgan   dcgan-wi
        "width":             (16,      16,     16),
        "batch_size":        (32,      32,     32),
        "lr":                (4e-4,    4e-4,   4e-4),
        "images_per_epoch":  (3_999,   3_999,  3_999),
        "epochs":            (100,     100,    100),
        "checkpoint_every":  (5,       5,      5),
        "ema_half_life":     (22_170,  22_170, 22_170),
    },
    "paper": {
        "ema_half_life":     (22_170,  22_170, 22_170),
    },
    "smoke": {
        "width":             (2,       2,      2),
        "latent_dim":        (8,       8,      8),
        "batch_size":        (4,       4,      4),
        "images_per_epoch":  (11,      11,     11),
        "epochs":            (2,       3,      2),
        "checkpoint_every":  (1,       1,      1),
        "ema_half_life":     (32,      32,     32),
    },
}
# fmt: on
PLANS = tuple(_TABLES)


def plan(name: str, seed: int = 0) -> dict[str, TrainConfig]:
    """Return the config of each variant, in the order of training.

    Raises:
        ArtganError: If there is no such plan.
    """
    table = _TABLES[known(name, PLANS, "plan")]
    return {
        variant: preset(variant, seed=seed, **{field: row[column] for field, row in table.items()})
        for column, variant in enumerate(ORDER)
    }


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
    keep_every: int = 1,
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
        keep_every: Of the checkpoints every so many-th stays.

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
        result = train(
            config,
            images,
            Path(folder) / variant,
            device=device,
            callbacks=[*callbacks(config), Deadline(end)],
            keep_every=keep_every,
        )
        yield result
        if not result.finished:
            return
