"""Cheap signals of variety: what a set of generated pictures looks like beside as many real ones, without any weights.

A picture is seen from afar, by its colours and the direction of its strokes on a grid of 8 x 8 fields; both are scaled
by what real pictures of the set have. What a signal means for a run is left to `rule`.
"""

from typing import NamedTuple

import numpy as np
import scipy.spatial.distance
import scipy.stats

from artgan_lib.errors import ArtganError
from artgan_lib.evaluation.metrics import vendi_score

COUNT = 256
"""Pictures that are compared with as many real ones."""

FEWEST = 8
"""Real pictures below which nothing can be compared."""

_REFERENCE = 2048  # real pictures looked at
_DRAWS = 8  # sets of real pictures by which a signal is scaled
_FIELDS = 8  # a side
_DIRECTIONS = 6
_DIMS = 64  # principal directions kept of colours, and of strokes
_NEAR = 0.01  # share of real pictures that count as near-duplicates of another
_OPPONENT = np.array([[1 / 3, 1 / 3, 1 / 3], [0.5, -0.5, 0], [0.25, 0.25, -0.5]], np.float32).T


class Signals(NamedTuple):
    """How varied pictures are; real ones have 1, 1, about 0.01 and about 1."""

    diversity: float  # Vendi score over that of as many real pictures
    pairwise: float  # mean distance of two pictures over that of two real ones
    duplicates: float  # share of pictures nearer to another than 99 % of real ones are, 0 to 1
    style_entropy: float | None  # effective number of styles over that of real pictures; None without labels


class Reference:
    """Real pictures as the signals see them.

    Args:
        images: uint8, shape (N, 64, 64, 3); at most 2,048 of them are looked at.
        labels: Style of each, shape (N,), whole numbers; None, or one style alone, gives no `style_entropy`.
        count: Pictures that will be compared; fewer where there are fewer real ones.
        seed: Which real pictures.

    Raises:
        ArtganError: If there are fewer than `FEWEST` pictures.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray | None = None, *, count: int = COUNT, seed: int = 0
    ) -> None:
        if len(images) < FEWEST:
            raise ArtganError(f"signals of collapse need at least {FEWEST} real pictures, not {len(images)}")
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.permutation(len(images))[:_REFERENCE])
        views = [_colours(images[chosen]), _strokes(images[chosen])]
        self._scales = [_Scale.of(view) for view in views]
        real = self._scaled(views)
        self.count = min(count, len(real))
        draws = [real[rng.permutation(len(real))[: self.count]] for _ in range(_DRAWS)]
        self.diversity = float(np.mean([vendi_score(draw) for draw in draws]))
        self._pairwise = float(np.mean([scipy.spatial.distance.pdist(draw).mean() for draw in draws]))
        self._near = float(np.mean([np.quantile(_nearest(draw), _NEAR) for draw in draws]))
        self._styles: _Styles | None = None
        if labels is not None and len(np.unique(labels[chosen])) > 1:
            self._styles = _Styles.of(real, np.asarray(labels)[chosen])
            self._entropy = float(np.mean([self._styles.effective_number(draw) for draw in draws]))

    def signals(self, pictures: np.ndarray) -> Signals:
        """Measure generated pictures, uint8 (`count`, 64, 64, 3)."""
        seen = self.features(pictures)
        return Signals(
            diversity=vendi_score(seen) / self.diversity,
            pairwise=float(scipy.spatial.distance.pdist(seen).mean()) / self._pairwise,
            duplicates=float((_nearest(seen) < self._near).mean()),
            style_entropy=self._styles.effective_number(seen) / self._entropy if self._styles else None,
        )

    def features(self, pictures: np.ndarray) -> np.ndarray:
        """Return what is seen of pictures, float32 (n, 128 or fewer): mean 0 and variance 1 over real ones."""
        return self._scaled([_colours(pictures), _strokes(pictures)])

    def _scaled(self, views: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([scale(view) for scale, view in zip(self._scales, views, strict=True)], axis=1)


class _Scale(NamedTuple):
    """Principal directions of real pictures, each scaled to variance 1."""

    mean: np.ndarray
    directions: np.ndarray

    @classmethod
    def of(cls, view: np.ndarray) -> "_Scale":
        mean = view.mean(0)
        values, vectors = np.linalg.eigh(np.cov(view - mean, rowvar=False))
        kept = slice(-1, -1 - min(_DIMS, max(1, len(view) // 4)), -1)  # fewer where fewer pictures tell them
        return cls(mean, (vectors[:, kept] / np.sqrt(values[kept].clip(1e-9))).astype(np.float32))

    def __call__(self, view: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (view - self.mean) @ self.directions
        return scaled


class _Styles(NamedTuple):
    """A linear discriminant: the style whose mean is nearest, styles that are frequent first."""

    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, labels: np.ndarray) -> "_Styles":
        styles, counts = np.unique(labels, return_counts=True)
        means = np.stack([features[labels == style].mean(0) for style in styles])
        within = features - means[np.searchsorted(styles, labels)]
        covariance = within.T @ within / len(within) + 0.1 * np.eye(features.shape[1], dtype=np.float32)
        weights = np.linalg.solve(covariance, means.T)
        return cls(weights, np.log(counts / counts.sum()) - 0.5 * (means * weights.T).sum(1))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the number of each picture's style, in the order of the labels."""
        chosen: np.ndarray = (features @ self.weights + self.bias).argmax(1)
        return chosen

    def effective_number(self, features: np.ndarray) -> float:
        """Return the exponential of the entropy of the styles found."""
        shares = np.bincount(self(features), minlength=len(self.bias)) / len(features)
        return float(np.exp(scipy.stats.entropy(shares)))


def _colours(images: np.ndarray) -> np.ndarray:
    """Mean light and two opponent colours of each field, float32 (n, 192)."""
    return (_pooled(images.astype(np.float32), images.shape[1] // _FIELDS) @ _OPPONENT).reshape(len(images), -1)


def _strokes(images: np.ndarray) -> np.ndarray:
    """How much light changes in each of six directions, by field, float32 (n, 384); square roots, which tame edges."""
    light = _pooled(images.astype(np.float32), 2).mean(3)
    down, across = np.gradient(light, axis=(1, 2))
    direction = (np.arctan2(down, across) % np.pi * (_DIRECTIONS / np.pi)).astype(int) % _DIRECTIONS
    strength = np.hypot(down, across)[..., None] * (direction[..., None] == np.arange(_DIRECTIONS))
    fields: np.ndarray = np.sqrt(_pooled(strength.astype(np.float32), light.shape[1] // _FIELDS))
    return fields.reshape(len(images), -1)


def _pooled(images: np.ndarray, side: int) -> np.ndarray:
    n, height, width, channels = images.shape
    pooled: np.ndarray = images.reshape(n, height // side, side, width // side, side, channels).mean((2, 4))
    return pooled


def _nearest(features: np.ndarray) -> np.ndarray:
    """Distance of each vector to its nearest other."""
    apart = scipy.spatial.distance.squareform(scipy.spatial.distance.pdist(features))
    np.fill_diagonal(apart, np.inf)
    nearest: np.ndarray = apart.min(1)
    return nearest
