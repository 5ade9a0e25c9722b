"""Image generation: pictures from a trained generator and a seed (interfaces IGME, IGS and IGDT of Fig. 2).

A picture is named by its seed and its number. It is the same picture whatever the count, since numbers are painted
in fixed micro-batches and always at the same place in one. BatchNorm runs in eval mode.
"""

from collections.abc import Iterator

import numpy as np
import torch

from artgan_lib.gan.models import Generator, paint
from artgan_lib.randomness import latents

MICRO_BATCH = 16
"""Pictures painted at once. Kernels may round differently for other batch sizes, so it is not for the user to set."""


def sample(generator: Generator, seed: int, count: int, start: int = 0) -> np.ndarray:
    """Paint pictures number `start` to `start + count - 1` of a seed.

    Args:
        generator: From `load_generator` or a training run; its mode is put back afterwards.
        seed: 0 to 2**31 - 1.
        count: At least 1.
        start: Number of the first picture.

    Returns:
        uint8, shape (count, 64, 64, 3).
    """
    return np.concatenate(list(sample_batches(generator, seed, count, start)))


def sample_batches(generator: Generator, seed: int, count: int, start: int = 0) -> Iterator[np.ndarray]:
    """Paint as `sample` does, but hand the pictures over a micro-batch at a time, shape (at most 16, 64, 64, 3)."""
    device = next(generator.parameters()).device
    end = start + count
    for first in range(start - start % MICRO_BATCH, end, MICRO_BATCH):
        noise = torch.from_numpy(latents(seed, range(first, first + MICRO_BATCH), generator.latent_dim))
        images = paint(generator, noise.to(device))
        yield images[max(start - first, 0) : end - first]
