"""The card of a number: all that it was measured with, so that only numbers made alike are put side by side."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.features import EXTRACTORS

FEW = 10_000
"""Pictures on a side below which a Fréchet distance carries a large bias, and its card a warning."""

PAPER_FID = "fid_paper"
"""The Fréchet distance by the paper's protocol, which shares a scale with no other."""

_MAY_DIFFER = ("fake", "fake_hash", "floor_hash", "seed", "skipped")
_KERNEL, _FRECHET = ("kid", "kernel_distance"), ("fid", "frechet_distance")


@dataclass(frozen=True)
class MetricCard:
    """What a number was measured with.

    Raises:
        ArtganError: On construction, if a Fréchet distance is among the numbers with no more images than dimensions.
    """

    protocol: str  # standard or paper
    extractor: str
    layer: str
    weights: str | None  # SHA-256
    resizer: str
    real: str  # which pictures
    real_hash: str
    real_count: int
    fake: str
    fake_hash: str
    fake_count: int
    seed: int
    versions: dict[str, str]
    split: str = "all"  # of the real pictures
    floor: str = ""  # which other real pictures
    floor_hash: str = ""
    floor_count: int = 0
    left_out: int = 0  # real pictures that nearly stand among the others, too
    size: int = 64  # side of the pictures, before the resizer
    frechet: bool = True  # whether a Fréchet distance is among the numbers
    skipped: tuple[str, ...] = ()  # styles with too few pictures, and how many they have

    def __post_init__(self) -> None:
        dim, fewest = int(self.layer), min(self.real_count, self.fake_count)
        if self.frechet and fewest <= dim:
            raise ArtganError(f"{self.name}: {too_few(fewest, dim)}")

    @property
    def name(self) -> str:
        """The Fréchet distance's name, and its key in logs and files: `fid` on the Inception of 2015 at 2048 features.

        A shallower layer adds its dimensions (`fid_768`), and other networks have a `frechet_distance_...` of their
        own: such values lie on other scales.
        """
        return PAPER_FID if self._is_the_papers else self._named("fid", "frechet_distance")

    @property
    def kernel_name(self) -> str:
        """The kernel distance's name and key: `kid`, `kid_768`, `kernel_distance_...`."""
        return self._named("kid", "kernel_distance")

    @property
    def _is_the_papers(self) -> bool:
        return (self.protocol, self.extractor, self.layer) == ("paper", "inception-imagenet", "2048")

    def _named(self, on_inception: str, elsewhere: str) -> str:
        if self.extractor == "inception-2015":
            return on_inception if self.layer == "2048" else f"{on_inception}_{self.layer}"
        return f"{elsewhere}_{self.extractor.replace('-', '_')}_{self.layer}"

    @property
    def warnings(self) -> list[str]:
        """What a reader has to know, in sentences."""
        fewest = min(self.real_count, self.fake_count)
        told = []
        if self.extractor not in EXTRACTORS:
            told.append(f"measured with {self.extractor}, a network that is no longer included")
        if self.frechet and fewest < FEW:
            told.append(f"measured on {fewest:,} images; below {FEW:,} {self.name} is clearly biased upwards")
        if self.skipped:
            told.append(f"styles with too few pictures, skipped: {', '.join(self.skipped)}")
        return told

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain JSON values, names and warnings included."""
        told = {"name": self.name, "kernel_name": self.kernel_name, "warnings": self.warnings}
        return dataclasses.asdict(self) | told

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MetricCard":
        """Read a card back from a file of scores.

        Raises:
            ArtganError: If it is none of this version.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        try:
            told = {name: value for name, value in values.items() if name in known}
            return cls(**told | {"skipped": tuple(told["skipped"])})
        except (TypeError, KeyError, ValueError):
            raise ArtganError("this card was written by another version of artgan; measure again") from None


def is_kernel_distance(score: str) -> bool:
    """Tell whether a score of this name is a kernel distance, on whatever features."""
    return score.startswith(_KERNEL)


def is_distance(score: str) -> bool:
    """Tell whether a score of this name is a kernel or a Fréchet distance, whose names tell their features."""
    return score.startswith(_KERNEL + _FRECHET)


def too_few(count: int, dim: int) -> str:
    """Say why there is no Fréchet distance: a covariance needs more images than dimensions."""
    return f"too few images ({count:,}; this layer needs more than {dim:,})"


def require_alike(cards: Sequence[MetricCard]) -> None:
    """Check that numbers may stand in one table.

    Raises:
        ArtganError: If two cards differ in anything but what was measured; the difference is named.
    """
    for card in cards[1:]:
        for field in dataclasses.fields(MetricCard):
            one, other = getattr(cards[0], field.name), getattr(card, field.name)
            if field.name == "versions":  # a card of an older release may lack a library that was not noted then
                one, other = ({name: of[name] for name in one if name in other} for of in (one, other))
            if field.name not in _MAY_DIFFER and one != other:
                raise ArtganError(f"these numbers cannot be compared: {field.name} is {one!r} and {other!r}")
