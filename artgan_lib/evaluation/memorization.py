"""Whether a generator repeats its training pictures: nearest neighbours in feature space.

A distance to training means nothing by itself, so it stands beside that of held-out pictures, which nobody can have
learnt by heart: a generator that copies comes nearer to its training pictures than they do.
"""

from typing import NamedTuple

import numpy as np
import scipy.spatial.distance
import scipy.stats

from artgan_lib.errors import ArtganError

_CHUNK = 512


class Neighbours(NamedTuple):
    """The nearest of other vectors, nearest first."""

    indices: np.ndarray  # int (N, k)
    distances: np.ndarray  # float64 (N, k), Euclidean


def nearest(features: np.ndarray, others: np.ndarray, k: int = 1) -> Neighbours:
    """Find the nearest of other vectors for each.

    Args:
        features: Shape (N, dim).
        others: Shape (M, dim).
        k: How many, at most M.

    Raises:
        ArtganError: If there are fewer than k others.
    """
    if not 1 <= k <= len(others):
        raise ArtganError(f"{k} neighbours cannot be found among {len(others)} pictures")
    others = np.asarray(others, np.float64)
    indices, distances = [], []
    for start in range(0, len(features), _CHUNK):
        apart = scipy.spatial.distance.cdist(np.asarray(features[start : start + _CHUNK], np.float64), others)
        order = np.argsort(apart, axis=1, kind="stable")[:, :k]
        indices.append(order)
        distances.append(np.take_along_axis(apart, order, axis=1))
    return Neighbours(np.concatenate(indices), np.concatenate(distances))


class Memorization(NamedTuple):
    """Distances to the nearest training picture, of generated and of held-out pictures."""

    generated: float  # median
    held_out: float  # median
    nearer: float  # probability that a generated picture lies nearer than a held-out one; copies push it to 1
    suspicious: float  # share of generated pictures nearer than all but 1 % of the held-out ones


def memorization(generated: np.ndarray, held_out: np.ndarray) -> Memorization:
    """Compare how near generated and held-out pictures lie to training pictures.

    `nearer` is the two-sample statistic of Meehan et al. 2020 (Mann and Whitney's U over the number of pairs). One half
    says: as near as new paintings. Pictures far from any painting push it to 0, so it speaks of copying alone, not of
    quality.

    Args:
        generated: Distances to the nearest training picture, shape (N,).
        held_out: The same of pictures that were not trained on, shape (M,).
    """
    pairs = len(generated) * len(held_out)
    nearer = float(scipy.stats.mannwhitneyu(held_out, generated).statistic) / pairs
    suspicious = float((generated < np.quantile(held_out, 0.01)).mean())
    return Memorization(float(np.median(generated)), float(np.median(held_out)), nearer, suspicious)
