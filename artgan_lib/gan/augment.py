"""DiffAugment: random changes of real and generated images alike, through which gradients flow (Zhao et al. 2020).

A discriminator that only ever sees augmented images cannot memorise a small data set, and since generated images go
through the same differentiable changes, the generator does not learn to paint them. The random numbers come in as an
argument, so that a step can be repeated and divided among processes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

UNIFORMS = 7
"""Uniform random numbers in [0, 1) that one image takes: brightness, saturation, contrast, then two each for
translation and cutout."""

TRANSLATION = 1 / 8  # of the side, the furthest shift in either direction
CUTOUT = 1 / 2  # of the side, the side of the square that is blanked


def diffaugment(images: Tensor, uniforms: Tensor, policies: tuple[str, ...]) -> Tensor:
    """Augment images, each by its own random numbers.

    Args:
        images: In [-1, 1], shape (N, 3, H, W); colours may leave that range.
        uniforms: In [0, 1), shape (N, 7), see `UNIFORMS`.
        policies: Names of `POLICIES`; they are applied in the order of that table.

    Returns:
        Images of the same shape, with their graph; the same images if there is no policy.
    """
    for name, augment in POLICIES.items():
        if name in policies:
            images = augment(images, uniforms)
    return images


def jitter_color(images: Tensor, uniforms: Tensor) -> Tensor:
    """Shift brightness by up to half, scale saturation by 0 to 2 and contrast by 0.5 to 1.5, all uniformly."""
    brightness, saturation, contrast = uniforms[:, :3, None, None].unbind(1)
    images = images + (brightness - 0.5)[:, None]
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (2 * saturation)[:, None]
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (0.5 + contrast)[:, None]


def translate(images: Tensor, uniforms: Tensor) -> Tensor:
    """Shift by whole pixels, at most an eighth of the side in each direction; what is uncovered is 0."""
    down, right = (_shift(images.shape[side], uniforms[:, 3 + axis]) for axis, side in enumerate((2, 3)))
    # Multiplying by shifted identity matrices has a deterministic gradient, which indexing lacks on a GPU.
    return torch.einsum("nij,ncjk,nlk->ncil", down, images, right)


def cut_out(images: Tensor, uniforms: Tensor) -> Tensor:
    """Set a square of half the side to 0; its centre may lie anywhere, so that part of it may lie outside."""
    rows, columns = (_inside(images.shape[side], uniforms[:, 5 + axis]) for axis, side in enumerate((2, 3)))
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


POLICIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "color": jitter_color,
    "translation": translate,
    "cutout": cut_out,
}
"""The policies of the paper, by the names that it gives them."""


def _shift(side: int, uniform: Tensor) -> Tensor:
    """Return matrices (N, side, side) that shift a column of pixels, each by its own whole number."""
    furthest = round(side * TRANSLATION)
    offset = (uniform * (2 * furthest + 1)).floor() - furthest
    place = torch.arange(side, device=uniform.device)
    return (place[:, None] - place[None, :] == offset[:, None, None]).to(uniform)


def _inside(side: int, uniform: Tensor) -> Tensor:
    """Tell which of the places along a side lie inside the square, shape (N, side)."""
    square = round(side * CUTOUT)
    start = (uniform * (side + 1 - square % 2)).floor() - square // 2
    place = torch.arange(side, device=uniform.device)[None]
    return (place >= start[:, None]) & (place < start[:, None] + square)
