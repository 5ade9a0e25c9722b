"""Fewer multiplications, the same convolution."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan_lib.gan.models import same_padding
from artgan_lib.gan.winograd import TILE, Tiles, Weights, convolve, convolve_transposed, cook_toom


def plain(x: Tensor, weight: Tensor) -> Tensor:
    before, after = same_padding(weight.shape[-1])
    return F.conv2d(F.pad(x, (before, after, before, after)), weight, None, 2)


def drawn(kernel: int, kind: torch.dtype, side: int = 16) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(kernel)
    x = torch.randn(3, 6, side, side, generator=rng, dtype=kind)
    return x.requires_grad_(), torch.randn(5, 6, kernel, kernel, generator=rng, dtype=kind).requires_grad_()


@pytest.mark.parametrize("taps", [1, 2, 3])
def test_products_of_values_are_a_correlation(taps: int) -> None:
    rng = np.random.default_rng(taps)
    x, w = rng.standard_normal(TILE + taps - 1), rng.standard_normal(taps)
    pixels, weights, results = cook_toom(taps)
    np.testing.assert_allclose(results @ ((weights @ w) * (pixels @ x)), np.correlate(x, w), atol=1e-12)


@pytest.mark.parametrize("kernel", [3, 4, 5])
def test_results_and_first_derivatives_are_those_of_the_convolution(kernel: int) -> None:
    x, weight = drawn(kernel, torch.float64)
    before, _ = same_padding(kernel)
    theirs, ours = plain(x, weight), convolve(x, weight, before)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    g = torch.randn_like(theirs)
    gradients = (torch.autograd.grad(y, (x, weight), g) for y in (ours, theirs))
    for mine, expected in zip(*gradients, strict=True):
        assert mine.is_contiguous() or mine.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(mine, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kernel", [3, 4, 5])
@pytest.mark.parametrize("side", [8, 16])
def test_the_way_back_is_the_transpose(kernel: int, side: int) -> None:
    x, weight = drawn(kernel, torch.float64, side)
    before, _ = same_padding(kernel)
    y = torch.randn(3, 5, side // 2, side // 2, dtype=torch.float64)
    back = convolve_transposed(y, weight, before)
    assert back.shape == x.shape
    (expected,) = torch.autograd.grad(plain(x, weight), x, y)
    torch.testing.assert_close(back, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close((back * x).sum(), (convolve(x, weight, before) * y).sum())


def test_second_derivatives_are_right() -> None:
    x = torch.randn(1, 2, 8, 8, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradgradcheck(lambda x, weight: convolve(x, weight, 1), (x, weight))
    y = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradgradcheck(lambda y, weight: convolve_transposed(y, weight, 1), (y, weight))


@pytest.mark.parametrize("kernel", [4, 5])
def test_few_digits_are_lost(kernel: int) -> None:
    """In float32, with as many channels as the layers have that go this way."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(4, 256, 16, 16, generator=rng)
    weight = torch.randn(64, 256, kernel, kernel, generator=rng)
    exact = plain(x.double(), weight.double())
    apart = (convolve(x, weight, same_padding(kernel)[0]) - exact).abs().max() / exact.abs().max()
    assert 1e-8 < apart < 2e-5


@pytest.mark.parametrize(("kernel", "saved"), [(5, 400 / 121), (4, 256 / 100), (3, 144 / 81)])
def test_how_many_products_there_are(kernel: int, saved: float) -> None:
    x, weight = drawn(kernel, torch.float32)
    points, tiles, _ = Tiles(kernel, 16, 1).forward(x.detach()).shape
    assert Weights(kernel).forward(weight.detach()).shape == (points, 6, 5)
    assert points == (kernel + 6) ** 2
    assert kernel**2 * 3 * 8 * 8 / (points * tiles) == pytest.approx(saved)
