"""Sampling: images from a generator, each named by a seed and an index.

An image is the same whatever else is asked for, since all are computed in micro-batches of one size and each has its
own place in one. Batch normalisation uses the statistics of training.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from artgan_lib.errors import ArtganError
from artgan_lib.gan.models import AnyGenerator
from artgan_lib.images import to_uint8
from artgan_lib.randomness import latents, uniforms

MICRO_BATCH = 16
"""Images computed at once. Kernels may round differently for other batch sizes, so it is not for the user to set."""


@torch.no_grad()
def generate(
    generator: AnyGenerator, z: Tensor, classes: Tensor | None = None, *, truncate: bool = False
) -> np.ndarray:
    """Turn latent vectors into uint8 images (N, S, S, 3), in eval mode; the mode is put back afterwards.

    Args:
        generator: On any device.
        z: Latent vectors (N, latent_dim), on its device.
        classes: Class weights (N, number of classes) where it knows classes.
        truncate: Cut fractions off instead of rounding, as the paper's author did.
    """
    training = generator.training
    images = to_uint8(generator.eval()(z, classes), truncate=truncate)
    generator.train(training)
    return images


def sample(
    generator: AnyGenerator,
    seed: int,
    count: int,
    start: int = 0,
    *,
    truncation: float | None = None,
    styles: dict[str, float] | None = None,
    truncate: bool = False,
) -> np.ndarray:
    """Sample images number `start` to `start + count - 1` of a seed.

    Args:
        generator: From `load_generator` or a training run.
        seed: 0 to 2**31 - 1.
        count: At least 1.
        start: Index of the first image.
        truncation: Largest size of a component of a latent vector; larger ones are drawn again. Less variety, and
            often fewer failures.
        styles: Classes by name with their weights; several mix. By default each image draws one class, as often as
            the classes occur among the training images.
        truncate: Cut fractions off instead of rounding, as the paper's author did.

    Returns:
        uint8, shape (count, S, S, 3).
    """
    first = start - start % MICRO_BATCH  # so that every image keeps its place in a micro-batch
    last = start + count + -(start + count) % MICRO_BATCH
    batches = sample_batches(
        generator, seed, range(first, last), truncation=truncation, styles=styles, truncate=truncate
    )
    return np.concatenate(list(batches))[start - first :][:count]


def sample_batches(
    generator: AnyGenerator,
    seed: int,
    indices: Sequence[int],
    *,
    truncation: float | None = None,
    styles: dict[str, float] | None = None,
    truncate: bool = False,
) -> Iterator[np.ndarray]:
    """Sample images by their indices, a micro-batch at a time; the arguments are those of `sample`."""
    device = next(generator.parameters()).device
    for begin in range(0, len(indices), MICRO_BATCH):
        part = indices[begin : begin + MICRO_BATCH]
        z = torch.from_numpy(latents(seed, part, generator.latent_dim, truncation))
        weights = class_weights(generator, seed, part, styles)
        classes = None if weights is None else torch.from_numpy(weights).to(device)
        yield generate(generator, z.to(device), classes, truncate=truncate)


def class_weights(
    generator: AnyGenerator, seed: int, indices: Sequence[int], styles: dict[str, float] | None = None
) -> np.ndarray | None:
    """Return the class weights of images by their indices.

    Args:
        generator: Whose classes they are.
        seed: 0 to 2**31 - 1.
        indices: Of the images; each one's class depends on the seed and its index alone.
        styles: The same classes for all images, by name with their weights.

    Returns:
        float32, shape (number of images, number of classes), rows summing to 1; None if the generator knows no classes.

    Raises:
        ArtganError: If a style is unknown, or the weights are not positive.
    """
    names = generator.classes
    if styles:
        check_styles(names, styles)
        row = np.array([styles.get(name, 0.0) for name in names], np.float32)
        return np.tile(row / row.sum(), (len(indices), 1))
    if not names:
        return None
    share = generator.class_counts.double().cumsum(0).cpu().numpy()
    drawn = np.searchsorted(share / share[-1], uniforms(seed, indices), side="right")
    return np.eye(len(names), dtype=np.float32)[np.minimum(drawn, len(names) - 1)]


def parse_styles(text: str | None) -> dict[str, float] | None:
    """Read a style or a mixture of styles, such as `baroque` or `baroque*0.7+ukiyo_e*0.3`.

    Args:
        text: Names joined by `+`, each with a weight after `*`, which is 1 where it is left out. None or an empty text
            asks for no style in particular.

    Raises:
        ArtganError: If it is no such text.
    """
    if not text:
        return None
    styles: dict[str, float] = {}
    for part in text.split("+"):
        name, star, weight = part.strip().partition("*")
        try:
            styles[name.strip()] = float(weight) if star else 1.0
        except ValueError:
            raise ArtganError(f"{text!r} is no style; write a name, or baroque*0.7+ukiyo_e*0.3 to mix") from None
    return styles


def check_styles(known: Sequence[str], styles: dict[str, float]) -> None:
    """Refuse styles that a generator does not know.

    Raises:
        ArtganError: If a style is unknown, or a weight is not positive.
    """
    unknown = [style for style in styles if style not in known]
    if unknown:
        there = f"its styles are {', '.join(known)}" if known else "it was trained without styles; leave the style out"
        raise ArtganError(f"the model knows no style {unknown[0]!r}: {there}")
    if not all(0 < weight < float("inf") for weight in styles.values()):
        raise ArtganError(f"the weight of a style must be positive, not {min(styles.values()):g}")
