"""Watches a run for collapse while it trains: signals into its log, the last good state kept, one line of advice.

What the signals are is left to `signals`, what they mean to `rule`.
"""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.collapse.rule import CollapseEvent, CollapseRule, read_rule
from artgan_lib.evaluation.collapse.signals import COUNT, Reference
from artgan_lib.gan.checkpoints import export_generator
from artgan_lib.gan.sampling import sample
from artgan_lib.gan.training import Callback
from artgan_lib.gan.updates import Networks

GOOD_GENERATOR = "generator-good.safetensors"
GOOD_CHECKPOINT = "good.pt"
LOOK_EVERY = 2048
"""Images between two looks at least, so that looking costs little beside training."""

SURE = 0.9
"""Saturation from which a judge leaves its generator little to learn from."""


_logger = logging.getLogger(__name__)


class CollapseWatch(Callback):
    """Looks at pictures of fixed noise every epoch, or every few short ones, and tells when they collapse.

    The log gets `diversity`, `pairwise`, `duplicates`, `style_entropy` (with labels), `saturation` (of a discriminator)
    and `collapsed`, 0 or 1. The run's folder gets `generator-good.safetensors`, the exported network of the newest
    epoch that was in order, and when an event starts `checkpoints/good.pt`, the newest checkpoint from before it, to
    start from. The player itself is watched, not its average, which hides a short collapse and at the start shows the
    first weights.

    Args:
        config: Of the run.
        images: The real pictures it trains on, uint8 (N, 64, 64, 3).
        labels: Their styles, whole numbers; None where there are none.
        every: Epochs between two looks; 0 takes as many as `LOOK_EVERY` images make.
        stop: Whether an event that starts ends the run.
        count: Pictures looked at.
        tell: Gets the line of advice; the log of Python by default.

    Raises:
        ArtganError: If there are too few real pictures to compare with, or `every` is negative.
    """

    def __init__(
        self,
        config: TrainConfig,
        images: np.ndarray,
        labels: np.ndarray | None = None,
        *,
        every: int = 0,
        stop: bool = False,
        count: int = COUNT,
        tell: Callable[[str], None] = _logger.warning,
    ) -> None:
        if every < 0:
            raise ArtganError(f"pictures are looked at every so many epochs, not every {every}")
        self.config, self.ends_run, self.tell = config, stop, tell
        self.every = every or -(-LOOK_EVERY // (config.steps_per_epoch * config.batch_size))
        self._real = (images, labels, count)
        self._reference: Reference | None = None
        self.rule = CollapseRule()

    def on_start(self, run_dir: Path, step: int) -> None:
        """Read what the run's log tells of epochs before, so that an event goes on after a stop."""
        self.run_dir, self.stop = run_dir, ""
        self.rule = _rule_so_far(run_dir / "log.jsonl")

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float] | None:
        """Look, keep what is good, and tell of an event that starts."""
        if record["epoch"] % self.every:
            return None
        signals = self.look(networks)
        saturation = self._saturation(record)
        was, since = self.rule.collapsed, self.rule.in_order_since
        collapsed = self.rule.hear(record["epoch"], record["step"], record["images_seen"], signals)
        if collapsed and not was:
            self._event_starts(self.rule.events[-1], saturation, since)
        elif was and not collapsed:
            self.tell(f"epoch {record['epoch']}: the pictures are varied again")
        if self.rule.in_order_since is not None:
            origin = {"step": record["step"], "images_seen": record["images_seen"], "epoch": record["epoch"]}
            export_generator(self.run_dir / GOOD_GENERATOR, networks.painter, self.config, origin | signals)
        return signals | ({} if saturation is None else {"saturation": saturation}) | {"collapsed": float(collapsed)}

    def look(self, networks: Networks) -> dict[str, float]:
        """Measure pictures of fixed noise."""
        images, labels, count = self._real
        if self._reference is None:
            self._reference = Reference(images, labels, count=count, seed=self.config.seed)
        pictures = sample(networks.generator, self.config.seed, self._reference.count)
        found = self._reference.signals(pictures)._asdict()
        return {name: value for name, value in found.items() if value is not None}

    def _saturation(self, record: dict[str, Any]) -> float | None:
        """How sure the judge is: mean score of real pictures less that of painted ones; a critic has no such bound."""
        return record["score_real_mean"] - record["score_fake_mean"] if self.config.loss == "bce" else None

    def _event_starts(self, event: CollapseEvent, saturation: float | None, since: int | None) -> None:
        newest = sorted((self.run_dir / "checkpoints").glob("step_*.pt"))
        kept = ""
        if newest and since is not None and int(newest[-1].stem.removeprefix("step_")) >= since:
            kept = f"; go on from before by --init-from {_keep(newest[-1], newest[-1].with_name(GOOD_CHECKPOINT))}"
        what = "the pictures have collapsed" if event.varied_before else "the pictures have not become varied"
        line = (
            f"epoch {event.start_epoch}: {what} ({event.signal.replace('_', ' ')} "
            f"{event.value:.2f}, alarming from {event.threshold:.2f}); {advice(self.config, event.signal, saturation)}"
        )
        self.tell(line + kept)
        if self.ends_run:
            self.stop = line


def advice(config: TrainConfig, signal: str, saturation: float | None = None) -> str:
    """Name the knob to turn first: what differs from what is known to train, the likeliest cause first.

    Args:
        config: Of the run that collapsed.
        signal: Which one started the event.
        saturation: Of its judge, 0 to 1; None for a critic.
    """
    bce = config.loss == "bce"
    usual = 4e-4  # the highest rate at which the paper's variants trained at a quarter of their width here
    if not bce and config.gradient_correction == "none":
        return "a critic without bounds: set gradient_correction=penalty"
    if config.latent_dim < 16:
        return f"latent_dim={config.latent_dim} leaves little to vary: set latent_dim=100"
    if config.generator_normalization == "none":
        return "set generator_normalization=batch, without which this generator hardly learns"
    if config.lr > usual or config.optimizer == "sgd":
        wanted = 2e-4 if bce else 1e-4
        return f"lower lr from {config.lr:g} to {wanted:g}" if config.optimizer == "adam" else "set optimizer=adam"
    if bce and config.judge_updates > 1:
        return f"the judge learns {config.judge_updates} times a step: set judge_updates=1"
    if saturation is not None and saturation > SURE:
        return f"the judge is sure of nearly every picture: lower lr from {config.lr:g} to {config.lr / 4:g}"
    if bce and config.judge_normalization == "none":
        return "set judge_normalization=batch"
    if signal == "style_entropy" and config.batch_size < 128:
        return f"some styles are gone: raise batch_size from {config.batch_size}"
    if bce:
        return "take loss=wasserstein with its penalty (--variant wgan-gp), or lower lr"
    return f"lower lr from {config.lr:g} to {config.lr / 4:g}"


def _rule_so_far(log: Path) -> CollapseRule:
    try:
        return read_rule(log)
    except ArtganError:  # nothing logged yet, or not watched so far
        return CollapseRule()


def _keep(checkpoint: Path, kept: Path) -> Path:
    """Keep a checkpoint under another name, by a link where the disk knows links."""
    beside = kept.with_name(f".{kept.name}")
    beside.unlink(missing_ok=True)
    try:
        os.link(checkpoint, beside)
    except OSError:
        shutil.copyfile(checkpoint, beside)
    beside.replace(kept)
    return kept
