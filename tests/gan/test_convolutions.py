"""Our convolution is the library's, however often it is differentiated."""

import pytest
import torch
from torch.nn import functional as F

from artgan_lib.gan.convolutions import convolve, only_inputs
from artgan_lib.gan.losses import gradient_penalty
from artgan_lib.gan.models import build_models
from artgan_lib.presets import preset


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(
        *shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64
    ).requires_grad_()


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "side"), [(5, 2, 0, 7), (4, 2, 1, 6), (3, 2, 0, 6), (1, 1, 0, 2)]
)
def test_a_convolution_and_its_derivatives_are_those_of_the_library(
    kernel: int, stride: int, padding: int, side: int
) -> None:
    x, weight, bias = drawn(2, 3, side, side), drawn(4, 3, kernel, kernel), drawn(4)
    y = convolve(x, weight, bias, stride, padding)
    expected = F.conv2d(x, weight, bias, stride, padding)
    torch.testing.assert_close(y, expected)
    seeds = torch.cos(expected.detach())
    for mine, theirs in zip(
        torch.autograd.grad(y, (x, weight, bias), seeds),
        torch.autograd.grad(expected, (x, weight, bias), seeds),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)
    whole = lambda x, weight: convolve(x, weight, None, stride, padding).square()  # noqa: E731
    assert torch.autograd.gradcheck(whole, (x, weight))
    assert torch.autograd.gradgradcheck(whole, (x, weight))


def test_only_inputs_get_gradients_where_that_is_said_and_a_penalty_still_reaches_the_weights() -> None:
    x, weight = drawn(2, 3, 6, 6), drawn(4, 3, 4, 4)
    with only_inputs():
        for_x, for_weight = torch.autograd.grad(convolve(x, weight).sum(), (x, weight), allow_unused=True)
    assert for_x.shape == x.shape
    assert for_weight is None
    assert torch.autograd.grad(convolve(x, weight).sum(), weight)[0].shape == weight.shape

    critic = build_models(preset("wgan-gp", "smoke", width=3))[1].double()
    real, fake = (drawn(2, 3, 64, 64).detach().tanh() for _ in range(2))
    gradients = []
    for closed in (False, True):
        for index in (0, 3, 6, 9):
            critic.body[index].closed = closed
        penalty = gradient_penalty(critic, real, -fake, torch.tensor([0.2, 0.7], dtype=torch.float64))
        gradients.append(torch.autograd.grad(penalty, list(critic.body.parameters()), allow_unused=True))
    for plain, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, ours)
