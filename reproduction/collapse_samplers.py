"""Samplers that stand in for generators: what they paint, and how much of it is collapsed, is known.

They draw on pictures that fall into ten modes, the synthetic looks or ten clusters of real paintings. Each sampler has
a hand of its own, as poor as a young generator's: blurred, noisy, pale, gridded or coarse. So a poor picture by itself
is no sign of collapse. Calibrating a rule on them is left to `collapse_calibration`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.cluster.vq
import scipy.ndimage

from artgan_lib.data.synthetic import SYNTHETIC_CLASSES, synthetic_paintings
from artgan_lib.evaluation.collapse.signals import COUNT, Reference

MODES = len(SYNTHETIC_CLASSES)
KINDS = {
    "healthy": "all modes",
    "5 of 10 modes": "half of them",
    "2 of 10 modes": "two of them",
    "1 of 10 modes": "one of them",
    "near-duplicates": "one to sixteen pictures, shifted and lit a little differently",
    "colour only": "one to three pictures in ever other colours",
    "slow drift": "healthy at first, then ever more near-duplicates",
    "sudden fall": "healthy, collapsed to near-duplicates or colour only, healthy again",
}
"""Kinds of sampler, and what they paint."""

HANDS = ("clean", "blurred", "noisy", "pale", "gridded", "coarse")
_Paint: TypeAlias = Callable[[int, np.random.Generator], np.ndarray]
_Finish: TypeAlias = Callable[[np.ndarray, np.random.Generator], np.ndarray]
_STILL = 4  # epochs of a sampler that stays as it is
_FALL = (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
_DRIFT = tuple(np.linspace(0, 1, 9))
_BASIS = (15, 60)  # principal components that a coarse hand knows, at least and at most


@dataclass(frozen=True)
class World:
    """Pictures to draw on and their modes, and other ones of the same kind to compare with."""

    name: str
    images: np.ndarray  # uint8 (N, 64, 64, 3)
    modes: np.ndarray  # (N,), 0 to 9
    reference: Reference
    mean: np.ndarray  # of the pictures, flat
    basis: np.ndarray  # their principal components, (60, 64 x 64 x 3)


def synthetic_world(pictures: int = 3000, *, count: int = COUNT, seed: int = 0) -> World:
    """Draw the ten looks: each is a mode and a style."""
    images, labels = synthetic_paintings(2 * pictures, seed=seed)
    half = (np.arange(len(images)) // MODES) % 2 == 0
    return _world("synthetic looks", images, half, labels, labels, count, seed)


def painted_world(
    images: np.ndarray, styles: np.ndarray, pictures: int = 6000, *, count: int = COUNT, seed: int = 0
) -> World:
    """Take real paintings: their modes are ten clusters by colours on a grid of 4 x 4, their styles are as given."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[: 2 * pictures])
    images, styles = np.asarray(images[chosen]), styles[chosen]
    seen = scipy.cluster.vq.whiten(images.reshape(len(images), 4, 16, 4, 16, 3).mean((2, 4)).reshape(len(images), -1))
    modes = scipy.cluster.vq.kmeans2(seen, MODES, minit="++", rng=seed)[1]
    half = np.random.default_rng(seed + 1).random(len(images)) < 0.5
    return _world("real paintings", images, half, modes, styles, count, seed)


@dataclass(frozen=True)
class Sampler:
    """Paints epoch after epoch from a world, by a seed of its own."""

    world: World
    kind: str  # of KINDS
    hand: str  # of HANDS
    half: int  # 0 sets thresholds, 1 judges them
    seed: int

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the pictures that is collapsed, by epoch."""
        moving = {"healthy": (0.0,) * _STILL, "slow drift": _DRIFT, "sudden fall": _FALL}
        return moving.get(self.kind, (1.0,) * _STILL)

    def epochs(self) -> Iterator[np.ndarray]:
        """Paint each epoch's pictures, uint8 (count, 64, 64, 3)."""
        rng = np.random.default_rng(self.seed)
        count, finish = self.world.reference.count, self._hand(rng)
        fallen = str(rng.choice(["near-duplicates", "colour only"])) if self.kind == "sudden fall" else self.kind
        collapsed = self._collapsed("near-duplicates" if fallen == "slow drift" else fallen, rng)
        for share in self.shares:
            few = round(share * count)
            healthy = self.world.images[_drawn(np.arange(len(self.world.images)), count - few, rng)]
            yield finish(np.concatenate([healthy, collapsed(few, rng)]), rng)

    def _collapsed(self, kind: str, rng: np.random.Generator) -> _Paint:
        images, modes = self.world.images, self.world.modes
        if kind.endswith("modes"):
            left = rng.choice(np.unique(modes), int(kind.split()[0]), replace=False)
            pool = np.flatnonzero(np.isin(modes, left))
            return lambda n, rng: images[_drawn(pool, n, rng)]
        few = images[rng.integers(len(images), size=rng.integers(1, 17 if kind == "near-duplicates" else 4))]
        vary = _shifted if kind == "near-duplicates" else _recoloured
        return lambda n, rng: vary(few[rng.integers(len(few), size=n)], rng)

    def _hand(self, rng: np.random.Generator) -> _Finish:
        strength, grid = rng.random(), rng.normal(size=(1, 8, 8, 3))
        components = self.world.basis[: round(_BASIS[0] + strength * (_BASIS[1] - _BASIS[0]))]

        def finish(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            values = pictures.astype(np.float32)
            if self.hand == "blurred":
                sigma = 0.5 + 2 * strength
                values = scipy.ndimage.gaussian_filter(values, (0, sigma, sigma, 0))
            elif self.hand == "noisy":
                values += rng.normal(0, 5 + 25 * strength, values.shape)
            elif self.hand == "pale":
                values = 128 + (values - 128) * (0.4 + 0.5 * strength)
            elif self.hand == "gridded":
                values += np.tile((5 + 20 * strength) * grid, (1, 8, 8, 1))
            elif self.hand == "coarse":
                flat = values.reshape(len(values), -1) - self.world.mean
                values = (flat @ components.T @ components + self.world.mean).reshape(values.shape)
            return np.clip(np.rint(values), 0, 255).astype(np.uint8)

        return finish


def samplers(world: World, healthy: int, others: int, seed: int = 0) -> list[Sampler]:
    """Return so many healthy samplers and so many of each other kind, every hand in turn, half and half."""
    made: list[Sampler] = []
    for kind in KINDS:
        for number in range(healthy if kind == "healthy" else others):
            hand, half = HANDS[number % len(HANDS)], number // len(HANDS) % 2
            made.append(Sampler(world, kind, hand, half, seed + len(made)))
    return made


def _world(
    name: str, images: np.ndarray, half: np.ndarray, modes: np.ndarray, styles: np.ndarray, count: int, seed: int
) -> World:
    flat = images[half][:1000].reshape(min(1000, int(half.sum())), -1).astype(np.float32)
    mean = flat.mean(0)
    values, vectors = np.linalg.eigh((flat - mean) @ (flat - mean).T)  # of pictures: fewer than pixels
    kept = slice(-1, -1 - min(_BASIS[1], len(flat) - 1), -1)
    basis = (vectors[:, kept] / np.sqrt(values[kept])).T @ (flat - mean)
    reference = Reference(images[~half], styles[~half], count=count, seed=seed)
    return World(name, images[half], modes[half], reference, mean, basis.astype(np.float32))


def _drawn(pool: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw without replacement where there are enough, so that no picture is twice there by chance."""
    drawn: np.ndarray = rng.choice(pool, count, replace=len(pool) < count)
    return drawn


def _shifted(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift each by up to two pixels and change its light by up to a tenth."""
    values = np.empty_like(pictures)
    for number, (down, across) in enumerate(rng.integers(-2, 3, (len(pictures), 2))):
        values[number] = np.roll(pictures[number], (int(down), int(across)), (0, 1))
    return np.clip(values * rng.uniform(0.9, 1.1, (len(values), 1, 1, 1)), 0, 255).astype(np.uint8)


def _recoloured(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn and stretch each one's colours, and change its light, and leave what it shows."""
    n, values = len(pictures), pictures.astype(np.float32) / 255
    grey = values.mean(3, keepdims=True)
    colour = (values - grey) * rng.uniform(-1, 1.5, (n, 1, 1, 1))
    values = (grey + colour) * rng.uniform(0.5, 1.3, (n, 1, 1, 3)) + rng.uniform(-0.2, 0.2, (n, 1, 1, 3))
    recoloured: np.ndarray = (255 * values.clip(0, 1)).astype(np.uint8)
    return recoloured
