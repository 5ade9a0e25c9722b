import math

import pytest
import torch
from torch import Tensor, nn

from artgan_lib import build_models, gradient_penalty, preset
from artgan_lib.gan.losses import discriminator_loss, non_saturating_loss, wasserstein_estimate


class Linear(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight


class Quadratic(nn.Module):
    """Score = |x|^2 / 2, so the gradient is x itself."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).square().sum(1) / 2


def test_cross_entropies_in_closed_form() -> None:
    real, fake = torch.tensor([0.0, 2.0]), torch.tensor([0.0, -1.0])
    softplus = [math.log1p(math.exp(value)) for value in (0.0, -2.0, 0.0, -1.0)]
    assert discriminator_loss(real, fake).item() == pytest.approx(sum(softplus[:2]) / 2 + sum(softplus[2:]) / 2)
    assert non_saturating_loss(fake).item() == pytest.approx((math.log(2) + math.log1p(math.e)) / 2)


def test_an_undecided_discriminator_costs_twice_log_two() -> None:
    # A sum of the two halves, not their mean, as the author has it.
    zeros = torch.zeros(8)
    assert discriminator_loss(zeros, zeros).item() == pytest.approx(2 * math.log(2))


def test_wasserstein_estimate() -> None:
    assert wasserstein_estimate(torch.tensor([3.0, 5.0]), torch.tensor([1.0, 0.0])).item() == 3.5


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_penalty_of_a_linear_critic_in_closed_form(length: float) -> None:
    weight = torch.randn(3 * 4 * 4, dtype=torch.float64)
    critic = Linear(weight / weight.norm() * length)
    images = torch.rand(2, 5, 3, 4, 4, dtype=torch.float64)
    penalty = gradient_penalty(critic, images[0], images[1], torch.rand(5, dtype=torch.float64))
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-12)
    # d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|
    (slope,) = torch.autograd.grad(penalty, critic.weight)
    torch.testing.assert_close(slope, 2 * (length - 1) * critic.weight.detach() / length)


def test_penalty_is_taken_at_the_point_between() -> None:
    real, fake = torch.full((1, 3, 2, 2), 1.0), torch.full((1, 3, 2, 2), -1.0)
    for mix, value in ((0.0, 1.0), (0.5, 0.0), (0.75, -0.5)):
        norm = abs(value) * math.sqrt(12)
        assert gradient_penalty(Quadratic(), real, fake, torch.tensor([mix])).item() == pytest.approx((norm - 1) ** 2)


def test_no_gradient_of_the_penalty_reaches_the_generator() -> None:
    fake = torch.rand(2, 3, 2, 2, requires_grad=True)
    penalty = gradient_penalty(Linear(torch.ones(12)), torch.rand(2, 3, 2, 2), fake, torch.rand(2))
    assert torch.autograd.grad(penalty, fake, allow_unused=True) == (None,)


def test_batches_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="must have one shape"):
        gradient_penalty(Quadratic(), torch.rand(2, 3, 2, 2), torch.rand(3, 3, 2, 2), torch.rand(2))


def test_penalty_of_a_real_critic_against_finite_differences() -> None:
    """Both derivatives of the paper's critic: the slope in the picture, and the penalty's slope in a weight."""
    _, critic = build_models(preset("wgan-gp", "smoke", width=2))
    critic.double()
    rng = torch.Generator().manual_seed(3)
    real, fake = torch.rand(2, 1, 3, 64, 64, generator=rng, dtype=torch.float64) * 2 - 1
    mix, tiny = torch.tensor([0.3], dtype=torch.float64), 1e-6
    between = torch.lerp(real, fake, 0.3)

    (slope,) = torch.autograd.grad(critic(between.requires_grad_()).sum(), between)
    penalty = gradient_penalty(critic, real, fake, mix)
    assert penalty.item() == pytest.approx((slope.norm().item() - 1) ** 2)
    with torch.no_grad():
        direction = torch.randn(between.shape, generator=rng, dtype=torch.float64)
        rise = (critic(between + tiny * direction) - critic(between - tiny * direction)).item() / (2 * tiny)
    assert (slope * direction).sum().item() == pytest.approx(rise, rel=1e-5)

    weight = critic.body[3].weight  # of a convolution followed by a norm
    (by_weight,) = torch.autograd.grad(penalty, weight)
    change = torch.randn(weight.shape, generator=rng, dtype=torch.float64) * 0.02
    penalties = []
    for sign in (1, -1):
        weight.data.add_(sign * tiny * change)
        penalties.append(gradient_penalty(critic, real, fake, mix).item())
        weight.data.sub_(sign * tiny * change)
    assert (by_weight * change).sum().item() == pytest.approx((penalties[0] - penalties[1]) / (2 * tiny), rel=1e-4)
