"""Does it matter how the first weights are drawn? Runs that differ in nothing else, over several seeds.

The paper's DCGAN-WI changes kernel, head and initial weights at once, so it cannot tell. Owns the plan and the
runs; what they show is left to `ablation_results`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.features import load_extractor
from artgan_lib.evaluation.metrics import vendi_score
from artgan_lib.gan.sampling import sample
from artgan_lib.gan.training import Callback, TrainResult, train
from artgan_lib.gan.updates import Networks
from artgan_lib.presets import preset
from artgan_lib.runlog import read_log

SCHEMES = ("glorot-uniform", "glorot-normal", "normal", "uniform")
"""The paper's, as `TrainConfig.initial_weights` names them; the first is that of its DCGAN."""

QUARTER = {"width": 16, "batch_size": 32, "lr": 4e-4, "images_per_epoch": 1599}
"""A size that a processor can do: a quarter of the paper's width; 50 updates, 1,600 images, an epoch."""

PICTURES = 256
"""Pictures of fixed noise of which the variety is measured each epoch."""


@dataclass(frozen=True)
class Planned:
    """One run of the ablation."""

    scheme: str
    seed: int
    config: TrainConfig

    @property
    def name(self) -> str:
        """Of the run's folder."""
        return f"{self.config.variant}_{self.scheme}_seed{self.seed}"


def plan_ablation(base: str = "dcgan", seeds: Iterable[int] = range(3), images: int = 64_000) -> list[Planned]:
    """Plan the runs: seed by seed, so that a plan cut short is still balanced.

    Runs of one seed see the same pictures in the same order and the same noise; they differ in the first weights.

    Args:
        base: The variant that is kept but for its initial weights.
        seeds: One run of each scheme for each.
        images: Seen by each run, rounded down to whole epochs.

    Raises:
        ArtganError: If there is no such variant, or not one epoch fits.
    """
    settings: dict[str, Any] = dict(QUARTER)
    epoch = preset(base, **settings).steps_per_epoch * settings["batch_size"]
    if images < epoch:
        raise ArtganError(f"a run of the ablation sees at least one epoch of {epoch:,} images, not {images:,}")
    settings |= {"epochs": images // epoch, "checkpoint_every": max(1, images // epoch // 8)}
    return [
        Planned(scheme, seed, preset(base, **settings, initial_weights=scheme, seed=seed))
        for seed in seeds
        for scheme in SCHEMES
    ]


def run_ablation(
    plan: Sequence[Planned],
    images: np.ndarray,
    folder: Path | str,
    *,
    device: str = "auto",
    callbacks: Callable[[Planned], Sequence[Callback]] = lambda planned: (),
) -> Iterator[tuple[Planned, TrainResult]]:
    """Train every run that is not yet done, each in a folder of its own name; the same call goes on.

    Args:
        plan: From `plan_ablation`.
        images: uint8 (N, 64, 64, 3).
        folder: Of all runs.
        device: As `train` takes it.
        callbacks: What looks on at a run.

    Yields:
        Each run and where it has come to; after one that was interrupted, nothing more.
    """
    for planned in plan:
        path = Path(folder) / planned.name
        if is_done(path, planned.config):  # even where its checkpoints were thrown away
            continue
        result = train(planned.config, images, path, device=device, callbacks=callbacks(planned), keep_every=0)
        yield planned, result
        if not result.finished:
            return


def is_done(path: Path, config: TrainConfig) -> bool:
    """Tell whether a run has come to its end."""
    if not (path / "generator.safetensors").exists() or not (path / "log.jsonl").exists():
        return False
    log = read_log(path / "log.jsonl")
    return not log.empty and int(log["step"].iloc[-1]) == config.total_steps


class Variety(Callback):
    """Logs `vendi_ratio`: how many different pictures a generator paints, over as many as real ones count for.

    Both are Vendi scores of 256 pictures by their colours in a grid of 16 x 16 blocks (`random-projection`), the
    generated ones from the same noise each epoch. One is the variety of paintings, towards zero they are all alike.

    Args:
        config: Of the run.
        real: Pictures to compare with, uint8 (N, 64, 64, 3), at least 256.
    """

    def __init__(self, config: TrainConfig, real: np.ndarray) -> None:
        self.extractor = load_extractor("random-projection")
        chosen = np.sort(np.random.default_rng(config.seed).choice(len(real), PICTURES, replace=False))
        self.real = vendi_score(self.extractor.run(real[chosen]))
        self.seed = config.seed

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
        """Count."""
        pictures = sample(networks.painter, self.seed, PICTURES)
        return {"vendi_ratio": vendi_score(self.extractor.run(pictures)) / self.real}
