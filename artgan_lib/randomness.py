"""Every random number of the library comes from a named seed, through the two functions of this module.

No state is carried from one draw to the next: what is drawn for a step or a picture depends on its seed and number
alone, so a resumed run goes on with the same stream and a picture does not depend on how many are asked for.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def step_rng(seed: int, step: int) -> "torch.Generator":
    """Return the source of all random numbers of one training step, on the CPU."""
    import torch

    state = int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(state)


def latents(seed: int, indices: Iterable[int], dim: int) -> np.ndarray:
    """Draw the latent vectors of pictures by number.

    Args:
        seed: 0 to 2**31 - 1.
        indices: Numbers of the pictures; each one's vector depends on the seed and its number alone.
        dim: Length of a vector.

    Returns:
        float32, shape (number of pictures, dim), independent N(0, 1).
    """
    rows = [np.random.default_rng((seed, index)).standard_normal(dim, dtype=np.float32) for index in indices]
    return np.stack(rows) if rows else np.empty((0, dim), np.float32)
