"""Scores while a generator trains: a callback that measures every so many epochs, and names the best snapshot."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import MetricCard, require_alike
from artgan_lib.evaluation.features import Extractor, features_of
from artgan_lib.evaluation.metrics import frechet_distance, kernel_distance, moments
from artgan_lib.evaluation.protocols import SUBSET
from artgan_lib.gan.models import AnyGenerator
from artgan_lib.gan.sampling import sample
from artgan_lib.gan.training import Callback
from artgan_lib.gan.updates import Networks
from artgan_lib.images import fingerprint
from artgan_lib.runlog import write_json

CARD = "metric_card.json"
"""File in a run's folder: what the numbers of its log were measured with."""


class Measuring(Callback):
    """Measures two distances every so many epochs, and writes their card into the run's folder.

    In the log they bear the names of the card: `kid_768` and `fid_768`, say. `score` is the kernel distance again,
    whose lowest value names the best snapshot: it has no bias, so it can be trusted with few pictures. The Fréchet
    distance is left out where there are no more pictures than dimensions. What is measured is
    pictures 0 to `count - 1` of the run's seed, so a resumed run measures the same as an uninterrupted one, and
    `artgan evaluate` the same again.

    Args:
        real: Pictures to compare with, uint8 (M, 64, 64, 3), held out if there are such.
        extractor: From `load_extractor`.
        every: Epochs between two measurements; the run's last epoch is measured, too.
        epochs: Of the run.
        count: Generated pictures.
        seed: The run's.
        about_real: What the card says of them.
        progress: Told how many of the real pictures are looked at before the run begins.

    Raises:
        ArtganError: If a number is too small.
    """

    def __init__(
        self,
        real: np.ndarray,
        extractor: Extractor,
        *,
        every: int,
        epochs: int,
        count: int = 2000,
        seed: int = 0,
        about_real: str = "real pictures",
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        if every < 1:
            raise ArtganError(f"measurements need a number of epochs between them that is at least 1, not {every}")
        if min(count, len(real)) < 2:
            raise ArtganError(f"scores need at least two pictures on either side, not {min(count, len(real))}")
        self.extractor, self.every, self.epochs, self.count, self.seed = extractor, every, epochs, count, seed
        self.card = MetricCard(
            protocol="standard",
            real=about_real,
            real_hash=fingerprint(real),
            real_count=len(real),
            fake=f"pictures 0 to {count - 1:,} of the run's seed",
            fake_hash="",
            fake_count=count,
            seed=seed,
            frechet=min(count, len(real)) > extractor.dim,
            **extractor.provenance,
        )
        self._real = features_of(real, extractor, progress)
        self._moments = moments([self._real])

    def on_start(self, run_dir: Path, step: int) -> None:
        """Write the card, or check it against that of a run that goes on.

        Raises:
            ArtganError: If the run was measured otherwise before.
        """
        path = run_dir / CARD
        if step and path.is_file():
            try:
                former = MetricCard.from_dict(json.loads(path.read_text(encoding="utf-8")))
            except ValueError:
                raise ArtganError(f"{path} is damaged; remove it to go on") from None
            try:
                require_alike([former, self.card])
            except ArtganError as error:
                raise ArtganError(f"{run_dir} was measured otherwise so far: {error}") from None
        write_json(path, self.card.to_dict())

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> Mapping[str, float] | None:
        """Measure, if the epoch is due."""
        if record["epoch"] % self.every and record["epoch"] != self.epochs:
            return None
        return self.measure(networks.painter)

    def measure(self, generator: AnyGenerator) -> dict[str, float]:
        """Return the distances by the card's names, and `score`; no Fréchet distance of too few pictures."""
        # Pictures of an epoch are seen once, so their features are not kept.
        features = np.concatenate(list(self.extractor.batches([sample(generator, self.seed, self.count)])))
        kernel = kernel_distance(self._real, features, size=SUBSET, seed=self.seed).mean
        found = {self.card.kernel_name: kernel, "score": kernel}
        if self.card.frechet:
            found[self.card.name] = frechet_distance(self._moments, moments([features]))
        return found
