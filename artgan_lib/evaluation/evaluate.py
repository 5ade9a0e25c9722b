"""Scores of generated pictures against real ones, each beside its floor: real pictures against other real ones.

A floor is measured by the same protocol on as many pictures, so it says what a perfect generator would get.
"""

import functools
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from artgan_lib.downloads import cache_dir
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import MetricCard, measured_with
from artgan_lib.evaluation.extractors import Extractor
from artgan_lib.evaluation.metrics import frechet_distance, kernel_distance, manifold_scores, moments
from artgan_lib.images import fingerprint
from artgan_lib.runlog import write_atomic

SUBSET = 1000
"""Pictures in a subset of the kernel distance; fewer if there are fewer."""

NEIGHBOURS = 5
MANIFOLD_COUNT = 5000
"""Pictures on a side for precision, recall, density and coverage at most: their time grows with the square."""


@dataclass(frozen=True)
class Score:
    """A number, what real pictures get, and how far it may be off where that is known."""

    name: str
    value: float
    floor: float
    sd: float | None = None
    better: str = "lower"  # or higher


@dataclass(frozen=True)
class Evaluation:
    """All scores of one set of pictures, with the card they share."""

    scores: list[Score]
    card: MetricCard

    def to_dict(self) -> dict[str, Any]:
        """Return scores and card as plain JSON values."""
        scores = {score.name: {**vars(score)} for score in self.scores}
        return {"scores": scores, "card": self.card.to_dict()}


def evaluate(
    fake: np.ndarray,
    real: np.ndarray,
    others: np.ndarray,
    extractor: Extractor,
    *,
    about_fake: str = "generated pictures",
    about_real: str = "real pictures",
    seed: int = 0,
    progress: Callable[[str, int], None] = lambda what, done: None,
) -> Evaluation:
    """Score generated pictures by the standard protocol.

    Args:
        fake: Generated pictures, uint8 (N, H, W, 3).
        real: Real pictures to compare with, uint8 (M, H, W, 3).
        others: Real pictures that are not among `real`, for the floor; as many as `fake`, if there are so many.
        extractor: From `load_extractor`.
        about_fake: What the card says of them.
        about_real: What the card says of them.
        seed: Of the subsets of the kernel distance.
        progress: Told which pictures are looked at and how many are done.

    Raises:
        ArtganError: If there are too few pictures for the extractor's dimensions.
    """
    others = others[: len(fake)]
    card = MetricCard(
        protocol="standard",
        real=about_real,
        real_hash=fingerprint(real),
        real_count=len(real),
        fake=about_fake,
        fake_hash=fingerprint(fake),
        fake_count=len(fake),
        seed=seed,
        **measured_with(extractor),
    )
    if len(others) <= extractor.dim:
        raise ArtganError(
            f"the floor needs more than {extractor.dim} real pictures beside the {len(real):,} to compare with, and "
            f"there are {len(others):,}; prepare more, or choose a layer of fewer dimensions"
        )
    sets = {"generated": fake, "real": real, "other real": others}
    found = {
        name: features_of(images, extractor, functools.partial(progress, name), keep=name != "generated")
        for name, images in sets.items()
    }
    mine = _compare(found["real"], found["generated"], seed)
    floor = _compare(found["real"], found["other real"], seed)
    names = {"frechet": card.name, "kernel": card.name.replace("FID", "KID").replace("FD", "KD")}
    scores = [
        Score(names["frechet"], mine["frechet"], floor["frechet"]),
        Score(names["kernel"], mine["kernel"], floor["kernel"], mine["kernel_sd"]),
    ]
    scores += [Score(name, mine[name], floor[name], better="higher") for name in _MANIFOLD]
    return Evaluation(scores, card)


_MANIFOLD = ("precision", "recall", "density", "coverage")


def features_of(
    images: np.ndarray, extractor: Extractor, progress: Callable[[int], None] = lambda done: None, *, keep: bool = False
) -> np.ndarray:
    """Return the features of pictures, float32 (N, dim).

    Args:
        images: uint8 (N, H, W, 3).
        extractor: From `load_extractor`.
        progress: Told how many are done.
        keep: Keep them in the user's cache, by what is in the pictures and the network, and take them from there.
    """
    name = f"{fingerprint(images)} {extractor.name} {extractor.layer} {extractor.sha256} {extractor.resizer}"
    path = cache_dir() / "features" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.npy"
    if keep and path.is_file():
        try:
            stored: np.ndarray = np.load(path, allow_pickle=False)
            if stored.shape == (len(images), extractor.dim) and np.isfinite(stored).all():
                return stored
        except (ValueError, OSError, EOFError):
            path.unlink(missing_ok=True)
    features = np.concatenate(list(extractor.batches([images], progress)))
    if keep:
        buffer = io.BytesIO()
        np.save(buffer, features)
        write_atomic(path, buffer.getvalue())
    return features


def _compare(real: np.ndarray, fake: np.ndarray, seed: int) -> dict[str, float]:
    kernel = kernel_distance(real, fake, size=SUBSET, seed=seed)
    count = min(len(real), len(fake), MANIFOLD_COUNT)  # as many on either side: neighbourhoods shrink with their number
    manifold = manifold_scores(real[:count], fake[:count], NEIGHBOURS)
    distance = frechet_distance(moments([real]), moments([fake]))
    return {"frechet": distance, "kernel": kernel.mean, "kernel_sd": kernel.sd, **manifold._asdict()}
