"""Where a run stands, and the line of the log that an epoch makes of it."""

from dataclasses import dataclass, fields
from typing import Any

import torch

from artgan_lib.config import TrainConfig
from artgan_lib.gan.updates import LOG_KEYS


@dataclass
class Clock:
    """Where a run stands, beside its networks: what a checkpoint keeps of the loop."""

    sums: torch.Tensor  # of the epoch's values so far, shape (6,)
    step: int = 0
    seconds: float = 0.0
    best: dict[str, Any] | None = None  # step, epoch and score of the best checkpoint
    images_before: int = 0  # seen by the networks before this run began, see `gan.warm_start`
    started_from: str | None = None  # name of the run or file that this run began with
    warm_up: int = 0  # first steps in which the discriminator learns alone

    @classmethod
    def read(cls, state: dict[str, Any], device: torch.device) -> "Clock":
        """Take the clock out of a checkpoint."""
        clock = cls(**{field.name: state[field.name] for field in fields(cls)})
        clock.sums = clock.sums.to(device)
        return clock

    def images_seen(self, config: TrainConfig) -> int:
        """Return how many real images the networks have seen, those before this run included."""
        return self.images_before + self.step * config.batch_size

    def advance(self, values: torch.Tensor, seconds: float) -> None:
        """Count a step and its values; nothing waits for the device."""
        self.step += 1
        self.sums += values
        self.seconds = seconds


def epoch_record(epoch: int, clock: Clock, config: TrainConfig, values: torch.Tensor) -> dict[str, Any]:
    """Make an epoch's line: the values of its last batch, as the paper plots, and means over it."""
    images_seen, mean = clock.images_seen(config), clock.sums / config.steps_per_epoch
    record: dict[str, Any] = {"epoch": epoch, "step": clock.step, "images_seen": images_seen}
    record |= dict(zip(LOG_KEYS, values.tolist(), strict=True))
    record |= {f"{key}_mean": value for key, value in zip(LOG_KEYS, mean.tolist(), strict=True)}
    record |= {
        "seconds": round(clock.seconds, 3),
        "images_per_second": round(clock.step * config.batch_size / clock.seconds, 1),
    }
    return record
