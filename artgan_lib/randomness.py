"""Every random number of the library comes from a named seed, through the functions of this module.

No state is carried from one draw to the next: what is drawn for a step or a picture depends on its seed and number
alone, so a resumed run goes on with the same stream and a picture does not depend on how many are asked for.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from artgan_lib.errors import ArtganError

if TYPE_CHECKING:
    import torch


def step_rng(seed: int, step: int) -> "torch.Generator":
    """Return the source of all random numbers of one training step, on the CPU."""
    import torch

    state = int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(state)


def check_seed(seed: int) -> int:
    """Return a seed that is one.

    Raises:
        ArtganError: If it lies outside 0 to 2**31 - 1.
    """
    if not 0 <= seed < 2**31:
        raise ArtganError(f"the seed must lie in 0 to {2**31 - 1}, not {seed}")
    return seed


def latents(seed: int, indices: Iterable[int], dim: int, truncation: float | None = None) -> np.ndarray:
    """Draw the latent vectors of pictures by number.

    Args:
        seed: 0 to 2**31 - 1.
        indices: Numbers of the pictures; each one's vector depends on the seed and its number alone.
        dim: Length of a vector.
        truncation: Components larger than this are drawn again until they are not; None draws once.

    Returns:
        float32, shape (number of pictures, dim), independent N(0, 1), or that cut at +- truncation.

    Raises:
        ArtganError: If truncation is too small to be reached by drawing.
    """
    if truncation is not None and not 0.05 <= truncation <= 100:
        raise ArtganError(f"truncation must lie in 0.05 to 100, not {truncation:g}")
    rows = []
    for index in indices:
        rng = np.random.default_rng((seed, index))
        row = rng.standard_normal(dim, dtype=np.float32)
        while truncation is not None and (outside := np.abs(row) > truncation).any():
            row[outside] = rng.standard_normal(int(outside.sum()), dtype=np.float32)
        rows.append(row)
    return np.stack(rows) if rows else np.empty((0, dim), np.float32)


def uniforms(seed: int, indices: Iterable[int]) -> np.ndarray:
    """Draw a number in [0, 1) for each image by index, independent of its latent vector.

    Args:
        seed: 0 to 2**31 - 1.
        indices: Of the images; each one's number depends on the seed and its index alone.

    Returns:
        float64, shape (number of images,).
    """
    return np.array([np.random.default_rng((seed, index, 1)).random() for index in indices])
