"""Image generation: pictures from a trained generator and their recipes (interfaces IGME, IGS and IGDT of Fig. 2).

A picture is the same whatever else is asked for, since all are painted in micro-batches of one size and a recipe has
its own place in one. BatchNorm runs in eval mode, with the statistics of training.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from artgan_lib.gan.models import Generator, paint
from artgan_lib.studio.recipes import Recipe, numbered

MICRO_BATCH = 16
"""Pictures painted at once. Kernels may round differently for other batch sizes, so it is not for the user to set."""


def sample(
    generator: Generator, seed: int, count: int, start: int = 0, *, truncation: float | None = None
) -> np.ndarray:
    """Paint pictures number `start` to `start + count - 1` of a seed.

    Args:
        generator: From `load_generator` or a training run; its mode is put back afterwards.
        seed: 0 to 2**31 - 1.
        count: At least 1.
        start: Number of the first picture.
        truncation: Largest size of a component of a latent vector; larger ones are drawn again. Less variety, and
            often fewer failures.

    Returns:
        uint8, shape (count, 64, 64, 3).
    """
    return paint_recipes(generator, numbered(seed, count, start), truncation=truncation)


def paint_recipes(generator: Generator, recipes: Iterable[Recipe], *, truncation: float | None = None) -> np.ndarray:
    """Paint pictures by their recipes, uint8, shape (number of recipes, 64, 64, 3)."""
    return np.concatenate(list(paint_batches(generator, recipes, truncation=truncation)))


def paint_batches(
    generator: Generator, recipes: Iterable[Recipe], *, truncation: float | None = None
) -> Iterator[np.ndarray]:
    """Paint as `paint_recipes` does, but hand the pictures over a micro-batch at a time, at most 16."""
    places: list[int] = []
    vectors = np.zeros((MICRO_BATCH, generator.latent_dim), np.float32)
    for recipe in recipes:
        place = recipe.slot % MICRO_BATCH
        if place in places:  # taken: paint what there is, and begin anew
            yield _paint(generator, vectors)[places]
            places = []
        places.append(place)
        vectors[place] = recipe.vector(generator.latent_dim, truncation)
    if places:
        yield _paint(generator, vectors)[places]


def _paint(generator: Generator, vectors: np.ndarray) -> np.ndarray:
    device = next(generator.parameters()).device
    return paint(generator, torch.from_numpy(vectors.copy()).to(device))
