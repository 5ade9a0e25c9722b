"""Samples by recipe: `gan.sampling` for images that are blends of others, in the same micro-batches."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from artgan_lib.gan.models import AnyGenerator
from artgan_lib.gan.sampling import MICRO_BATCH, class_weights, generate
from artgan_lib.studio.recipes import Recipe

Styles = dict[str, float]
"""Classes by name with their weights."""


def paint_recipes(
    generator: AnyGenerator,
    recipes: Iterable[Recipe],
    *,
    truncation: float | None = None,
    styles: Styles | None = None,
) -> np.ndarray:
    """Sample images by their recipes, uint8, shape (number of recipes, S, S, 3)."""
    return np.concatenate(list(paint_batches(generator, recipes, truncation=truncation, styles=styles)))


def paint_batches(
    generator: AnyGenerator,
    recipes: Iterable[Recipe],
    *,
    truncation: float | None = None,
    styles: Styles | None = None,
) -> Iterator[np.ndarray]:
    """Sample as `paint_recipes` does, but hand the images over a micro-batch at a time, at most 16."""
    places: list[int] = []
    vectors = np.zeros((MICRO_BATCH, generator.latent_dim), np.float32)
    classes = np.zeros((MICRO_BATCH, len(generator.classes)), np.float32)
    for recipe in recipes:
        place = recipe.slot % MICRO_BATCH
        if place in places:  # taken: paint what there is, and begin anew
            yield _paint(generator, vectors, classes)[places]
            places = []
        places.append(place)
        vectors[place] = recipe.vector(generator.latent_dim, truncation)
        weights = _class_weights(generator, recipe, styles)
        if weights is not None:
            classes[place] = weights
    if places:
        yield _paint(generator, vectors, classes)[places]


def _class_weights(generator: AnyGenerator, recipe: Recipe, styles: Styles | None) -> np.ndarray | None:
    """Return the class weights of a blend: the weighted mean of those of its points, or the styles asked for."""
    rows = [class_weights(generator, seed, [index], styles) for seed, index, _ in recipe.points]
    found = [row[0] for row in rows if row is not None]
    return np.average(found, axis=0, weights=[weight for _, _, weight in recipe.points]) if found else None


def _paint(generator: AnyGenerator, vectors: np.ndarray, classes: np.ndarray) -> np.ndarray:
    device = next(generator.parameters()).device
    z, weights = (torch.from_numpy(values.copy()).to(device) for values in (vectors, classes))
    return generate(generator, z, weights if generator.classes else None)
