"""Scores of generated pictures against real ones, each beside its floor: real pictures against other real ones.

A floor is measured by the same protocol on as many pictures, so it says what a perfect generator would get. Owns the
two protocols, `standard` and the `paper`'s; how a distance is computed is left to `metrics`.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.cards import MetricCard, too_few
from artgan_lib.evaluation.features import Extractor, features_of
from artgan_lib.evaluation.metrics import Moments, frechet_distance, kernel_distance, manifold_scores, moments
from artgan_lib.evaluation.reference import Labelled
from artgan_lib.images import fingerprint, truncated

SUBSET = 1000
"""Pictures in a subset of the kernel distance; fewer if there are fewer."""

NEIGHBOURS = 5
MANIFOLD_COUNT = 5000
"""Pictures on a side for precision, recall, density and coverage at most: their time grows with the square."""

FEWEST_OF_A_STYLE = 100
"""Pictures, on every side, below which a style is skipped."""

PAPER_COUNT = 3000
"""Pictures on either side in the paper's protocol."""

SCORES = ("precision", "recall", "density", "coverage")
"""The scores beside the two distances; of these, higher is better."""

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Score:
    """A number, what real pictures get, and how far it may be off where that is known."""

    name: str
    value: float | None  # None: too few pictures
    floor: float | None
    sd: float | None = None
    better: str = "lower"  # or higher
    note: str = ""  # why there is no value


@dataclass(frozen=True)
class Evaluation:
    """All scores of one set of pictures, with the card they share."""

    scores: list[Score]
    card: MetricCard
    styles: dict[str, list[Score]] = field(default_factory=dict)  # where scores by style were asked for

    def to_dict(self) -> dict[str, Any]:
        """Return scores and card as plain JSON values."""
        told: dict[str, Any] = {"scores": _plain(self.scores), "card": self.card.to_dict()}
        if self.styles:
            told["styles"] = {style: _plain(scores) for style, scores in self.styles.items()}
        return told


def evaluate(
    fake: np.ndarray,
    real: np.ndarray,
    others: np.ndarray,
    extractor: Extractor,
    *,
    about_fake: str = "generated pictures",
    about_real: str = "real pictures",
    about_floor: str = "other real pictures",
    split: str = "all",
    left_out: int = 0,
    seed: int = 0,
    progress: Progress = lambda what, done: None,
) -> Evaluation:
    """Score generated pictures by the standard protocol.

    Of a Fréchet distance that needs more images than there are, the score's note says so; the others are given.

    Args:
        fake: Generated pictures, uint8 (N, H, W, 3).
        real: Real pictures to compare with, uint8 (M, H, W, 3).
        others: Real pictures that are not among `real`, for the floor; as many as `fake`, if there are so many.
        extractor: From `load_extractor`.
        about_fake: What the card says of them.
        about_real: What the card says of them.
        about_floor: What the card says of them.
        split: What the card says of them.
        left_out: What the card says of real pictures that the caller has left out.
        seed: Of the subsets of the kernel distance.
        progress: Told which pictures are looked at and how many are done.

    Raises:
        ArtganError: If a side has too few pictures for any score.
    """
    others = others[: len(fake)]
    fewest = min(len(fake), len(real), len(others))
    if fewest <= NEIGHBOURS:
        raise ArtganError(
            f"scores need more than {NEIGHBOURS} images on every side; there are {len(fake):,} generated, "
            f"{len(real):,} real and {len(others):,} other real ones for the floor"
        )
    card = MetricCard(
        protocol="standard",
        real=about_real,
        real_hash=fingerprint(real),
        real_count=len(real),
        fake=about_fake,
        fake_hash=fingerprint(fake),
        fake_count=len(fake),
        seed=seed,
        split=split,
        floor=about_floor,
        floor_hash=fingerprint(others),
        floor_count=len(others),
        left_out=left_out,
        size=real.shape[1],
        frechet=min(len(real), len(fake)) > extractor.dim,
        **extractor.provenance,
    )
    sets = {"generated": fake, "real": real, "other real": others}
    found = {name: features_of(images, extractor, functools.partial(progress, name)) for name, images in sets.items()}
    return Evaluation(_scores(card, found["real"], found["generated"], found["other real"]), card)


def evaluate_by_style(
    whole: Evaluation,
    fake: Labelled,
    real: Labelled,
    others: Labelled,
    extractor: Extractor,
    *,
    progress: Progress = lambda what, done: None,
) -> Evaluation:
    """Add scores against each style's real pictures: of the same style's, or of all, where they have no style.

    A kernel distance has no bias, so a style needs `FEWEST_OF_A_STYLE` pictures; a Frechet distance is told only where
    a style has more pictures than the extractor has dimensions. Other styles are skipped, and the card names them.

    Args:
        whole: From `evaluate`, of all the pictures.
        fake: What is scored.
        real: To compare with.
        others: For the floor.
        extractor: From `load_extractor`.
        progress: Told which pictures are looked at and how many are done.

    Raises:
        ArtganError: If the real pictures have no styles, or none has enough pictures.
    """
    if real.styles is None or others.styles is None:
        raise ArtganError("scores by style need real pictures in folders by style; prepare them so")
    found, skipped = {}, []
    for style in sorted(set(real.styles.tolist())):
        sets = [real.of(style), fake.of(style), others.of(style)[: len(fake.of(style))]]
        fewest = min(map(len, sets))
        if fewest < FEWEST_OF_A_STYLE:
            skipped.append(f"{style} ({fewest})")
            continue
        of_sets = (features_of(images, extractor, functools.partial(progress, style)) for images in sets)
        found[style] = _scores(whole.card, *of_sets)
    if not found:
        raise ArtganError(f"no style has {FEWEST_OF_A_STYLE} pictures on every side: {', '.join(skipped)}")
    return Evaluation(whole.scores, dataclasses.replace(whole.card, skipped=tuple(skipped)), found)


def evaluate_as_paper(
    fake: np.ndarray,
    real: np.ndarray,
    others: np.ndarray | None,
    extractor: Extractor,
    *,
    about_fake: str = "generated pictures",
    about_real: str = "training pictures",
    about_floor: str = "",
    split: str = "all",
    seed: int = 0,
    progress: Progress = lambda what, done: None,
) -> Evaluation:
    """Score generated pictures by the paper's FID protocol, step by step as its author's code has it.

    Training pictures are drawn with replacement, as many as are generated; all become 8 bits by truncation; resizing
    is the extractor's; then `np.cov` and the real part of `scipy.linalg.sqrtm`.

    Args:
        fake: Generated pictures, uint8 (N, 64, 64, 3), already truncated; the paper took `PAPER_COUNT`.
        real: All training pictures.
        others: Other real pictures, for the floor; None takes training pictures that were not drawn.
        extractor: `inception-imagenet`, from `load_extractor`.
        about_fake: What the card says of them.
        about_real: What the card says of them.
        about_floor: What the card says of them.
        split: What the card says of them.
        seed: Of the draws.
        progress: Told which pictures are looked at and how many are done.

    Raises:
        ArtganError: If there are too few different pictures for the extractor's dimensions.
    """
    rng, count = np.random.default_rng(seed), len(fake)
    drawn = rng.integers(len(real), size=count)
    if others is None:
        about_floor = "those that were not drawn"
        others = real[np.setdiff1d(np.arange(len(real)), drawn)]
    again = rng.integers(len(others), size=count) if len(others) else np.zeros(0, int)
    different = min(len(np.unique(drawn)), len(np.unique(again)))
    if different <= extractor.dim:
        raise ArtganError(f"drawn with replacement, there are {too_few(different, extractor.dim)}")
    sets = {"generated": fake, "real": truncated(real[drawn]), "other real": truncated(others[again])}
    card = MetricCard(
        protocol="paper",
        real=f"{about_real}, {count:,} drawn with replacement",
        real_hash=fingerprint(real),
        real_count=count,
        fake=about_fake,
        fake_hash=fingerprint(fake),
        fake_count=count,
        seed=seed,
        split=split,
        floor=f"{about_floor}, {count:,} drawn with replacement",
        floor_hash=fingerprint(others),
        floor_count=count,
        size=real.shape[1],
        **extractor.provenance,
    )
    found = {
        name: _numpy_moments(features_of(images, extractor, functools.partial(progress, name)))
        for name, images in sets.items()
    }
    value, floor = (frechet_distance(found["real"], found[name], "sqrtm") for name in ("generated", "other real"))
    return Evaluation([Score(card.name, value, floor)], card)


def _numpy_moments(features: np.ndarray) -> Moments:
    return Moments(len(features), features.mean(0), np.cov(features, rowvar=False))


def _compare(real: np.ndarray, fake: np.ndarray, seed: int) -> dict[str, float | None]:
    kernel = kernel_distance(real, fake, size=SUBSET, seed=seed)
    count = min(len(real), len(fake), MANIFOLD_COUNT)  # as many on either side: neighbourhoods shrink with their number
    rng = np.random.default_rng(seed)  # not the first ones: pictures often lie in order of their styles
    some_real, some_fake = (every[rng.choice(len(every), count, replace=False)] for every in (real, fake))
    manifold = manifold_scores(some_real, some_fake, NEIGHBOURS)
    distance = None
    if min(len(real), len(fake)) > real.shape[1]:
        distance = frechet_distance(moments([real]), moments([fake]))
    return {"frechet": distance, "kernel": kernel.mean, "kernel_sd": kernel.sd, **manifold._asdict()}


def _scores(card: MetricCard, real: np.ndarray, fake: np.ndarray, others: np.ndarray) -> list[Score]:
    """Make the scores of features, shape (n, dim) each."""
    mine, floor = (_compare(real, features, card.seed) for features in (fake, others))
    note = too_few(min(len(real), len(fake)), real.shape[1]) if mine["frechet"] is None else ""
    distances = [
        Score(card.name, mine["frechet"], floor["frechet"], note=note),
        Score(card.kernel_name, mine["kernel"], floor["kernel"], mine["kernel_sd"]),
    ]
    return distances + [Score(name, mine[name], floor[name], better="higher") for name in SCORES]


def _plain(scores: Sequence[Score]) -> dict[str, Any]:
    return {score.name: {**vars(score)} for score in scores}
