"""The card of a number: all that it was measured with, so that only numbers made alike are put side by side."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.extractors import Extractor

FEW = 10_000
"""Pictures on a side below which a Frechet distance carries a large bias, and its card a warning."""

_MAY_DIFFER = ("fake", "fake_hash", "seed")


@dataclass(frozen=True)
class MetricCard:
    """What a number was measured with.

    Raises:
        ArtganError: On construction, if a Frechet distance is asked for with no more pictures than dimensions.
    """

    protocol: str
    extractor: str
    layer: str
    weights: str | None  # SHA-256
    resizer: str
    real: str  # which pictures, and of which split
    real_hash: str
    real_count: int
    fake: str
    fake_hash: str
    fake_count: int
    seed: int
    versions: dict[str, str]

    def __post_init__(self) -> None:
        dim, fewest = int(self.layer), min(self.real_count, self.fake_count)
        if fewest <= dim:
            raise ArtganError(
                f"{fewest} pictures are too few for a Frechet distance in {dim} dimensions: the covariance cannot be "
                f"told; take more than {dim}, or a layer of fewer dimensions"
            )

    @property
    def name(self) -> str:
        """The number's name: FID, with the layer unless it is the usual one."""
        usual = self.extractor == "inception-2015" and self.layer == "2048"
        return "FID" if usual else f"FID-{self.layer}" if self.extractor == "inception-2015" else f"FD-{self.extractor}"

    @property
    def warnings(self) -> list[str]:
        """What a reader has to know, in sentences."""
        fewest = min(self.real_count, self.fake_count)
        told = [f"measured on {fewest:,} pictures; under {FEW:,} the distance is too large by its bias"]
        return told if fewest < FEW else []

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain JSON values, warnings included."""
        return dataclasses.asdict(self) | {"name": self.name, "warnings": self.warnings}


def require_alike(cards: Sequence[MetricCard]) -> None:
    """Check that numbers may stand in one table.

    Raises:
        ArtganError: If two cards differ in anything but what was measured; the difference is named.
    """
    for card in cards[1:]:
        for field in dataclasses.fields(MetricCard):
            one, other = getattr(cards[0], field.name), getattr(card, field.name)
            if field.name not in _MAY_DIFFER and one != other:
                raise ArtganError(f"these numbers cannot be compared: {field.name} is {one!r} and {other!r}")


def measured_with(extractor: Extractor) -> dict[str, Any]:
    """Return the part of a card that the extractor tells."""
    return {
        "extractor": extractor.name,
        "layer": extractor.layer,
        "weights": extractor.sha256,
        "resizer": extractor.resizer,
        "versions": {package: _version(package) for package in ("artgan", "torch", "numpy", "scipy", "torch-fidelity")},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
