"""Distances between two sets of feature vectors, in float64, as pure functions.

Which network the features come from, and how many there must be, is left to the other modules of this room.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.spatial.distance
import scipy.stats

from artgan_lib.errors import ArtganError


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of feature vectors, and how many there were."""

    count: int
    mean: np.ndarray  # float64 (dim,)
    covariance: np.ndarray  # float64 (dim, dim), unbiased as np.cov's


def moments(batches: Iterable[np.ndarray]) -> Moments:
    """Gather mean and covariance in one pass, whatever the size of the batches (Chan et al. 1979).

    Args:
        batches: Feature vectors, shape (n, dim) each.

    Raises:
        ArtganError: If there are fewer than two vectors.
    """
    count, mean, scatter = 0, np.zeros(0), np.zeros((0, 0))
    for batch in batches:
        values = np.asarray(batch, dtype=np.float64)
        if not len(values):
            continue
        if not count:
            mean, scatter = np.zeros(values.shape[1]), np.zeros((values.shape[1],) * 2)
        own_mean = values.mean(0)
        centred, shift = values - own_mean, own_mean - mean
        scatter += centred.T @ centred + np.outer(shift, shift) * count * len(values) / (count + len(values))
        mean += shift * len(values) / (count + len(values))
        count += len(values)
    if count < 2:
        raise ArtganError("a covariance needs at least two pictures")
    return Moments(count, mean, scatter / (count - 1))


def frechet_distance(one: Moments, other: Moments, root: str = "eigenvalues") -> float:
    """Return the Frechet distance of two normal distributions, the FID of their features (Heusel et al. 2017, eq. 6).

    Args:
        one: Moments of the first set.
        other: Of the second.
        root: `eigenvalues` takes the trace of the square root from the eigenvalues of a symmetric product, which is
            stable; `sqrtm` is SciPy's matrix square root and its real part, as the paper's author took it.

    Raises:
        ArtganError: If the dimensions differ.
    """
    if one.mean.shape != other.mean.shape:
        raise ArtganError(f"features of {len(one.mean)} and {len(other.mean)} dimensions cannot be compared")
    apart = one.mean - other.mean
    if root == "sqrtm":
        trace = np.trace(np.real(scipy.linalg.sqrtm(one.covariance @ other.covariance)))
    else:
        # tr sqrt(A B) = tr sqrt(sqrt(A) B sqrt(A)), which is symmetric and has no negative eigenvalues but by rounding.
        values, vectors = np.linalg.eigh(one.covariance)
        half = vectors * np.sqrt(values.clip(0)) @ vectors.T
        trace = np.sqrt(np.linalg.eigvalsh(half @ other.covariance @ half).clip(0)).sum()
    return float(apart @ apart + np.trace(one.covariance) + np.trace(other.covariance) - 2 * trace)


class Kernel(NamedTuple):
    """A kernel distance over subsets."""

    mean: float
    sd: float  # over the subsets


def kernel_distance(
    one: np.ndarray, other: np.ndarray, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> Kernel:
    """Return the KID: the unbiased squared MMD with the kernel (x y / dim + 1)^3 (Binkowski et al. 2018, section 4).

    Args:
        one: Features, shape (n, dim).
        other: Features, shape (m, dim).
        subsets: How many are drawn, without replacement within each.
        size: Of a subset; at most the smaller set.
        seed: Of the draws.

    Raises:
        ArtganError: If a set has fewer than two vectors.
    """
    size = min(size, len(one), len(other))
    if size < 2:
        raise ArtganError("a kernel distance needs at least two pictures on either side")
    rng = np.random.default_rng(seed)
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    found = [
        _mmd(one[rng.choice(len(one), size, replace=False)], other[rng.choice(len(other), size, replace=False)])
        for _ in range(subsets)
    ]
    return Kernel(float(np.mean(found)), float(np.std(found)))


def _mmd(x: np.ndarray, y: np.ndarray) -> float:
    dim, n = x.shape[1], len(x)
    xx, yy, xy = ((a @ b.T / dim + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (n * (n - 1))
    return float(within - 2 * xy.mean())


class Manifold(NamedTuple):
    """How two sets cover one another; each from 0 to 1, density to above 1."""

    precision: float  # share of generated pictures within the real ones' manifold: quality
    recall: float  # share of real pictures within the generated ones' manifold: variety
    density: float  # how many real neighbourhoods hold a generated picture, on average, over k
    coverage: float  # share of real neighbourhoods that hold a generated picture


def manifold_scores(real: np.ndarray, fake: np.ndarray, k: int = 5) -> Manifold:
    """Compare two sets by the balls that reach to each vector's k-th neighbour.

    Precision and recall of Kynkaanniemi et al. 2019, density and coverage of Naeem et al. 2020.

    Args:
        real: Features, shape (n, dim).
        fake: Features, shape (m, dim).
        k: Neighbours, without the vector itself.

    Raises:
        ArtganError: If a set has no more than k vectors.
    """
    if min(len(real), len(fake)) <= k:
        raise ArtganError(f"{k} neighbours need more than {k} pictures on either side")
    real_radius, fake_radius = _radius(real, k), _radius(fake, k)
    apart = scipy.spatial.distance.cdist(np.asarray(real, np.float64), np.asarray(fake, np.float64))
    in_real = apart < real_radius[:, None]
    return Manifold(
        precision=float(in_real.any(0).mean()),
        recall=float((apart < fake_radius).any(1).mean()),
        density=float(in_real.sum(0).mean() / k),
        coverage=float((apart.min(1) < real_radius).mean()),
    )


def _radius(features: np.ndarray, k: int) -> np.ndarray:
    """Distance of each vector to its k-th neighbour; the nearest of all is the vector itself."""
    values = np.asarray(features, np.float64)
    found: np.ndarray = np.partition(scipy.spatial.distance.cdist(values, values), k, axis=1)[:, k]
    return found


def vendi_score(features: np.ndarray) -> float:
    """Return the effective number of different vectors, 1 to n (Friedman & Dieng 2023), by their cosine likeness."""
    values = np.asarray(features, np.float64)
    values = values / np.linalg.norm(values, axis=1, keepdims=True).clip(1e-12)
    # The n x n matrix of likenesses and the dim x dim one have the same eigenvalues but for zeros.
    small = values.T @ values if values.shape[1] < len(values) else values @ values.T
    shares = np.linalg.eigvalsh(small / len(values)).clip(0)
    return float(np.exp(scipy.stats.entropy(shares)))
