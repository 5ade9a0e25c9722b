"""One step of each variant against the same step written out plainly."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan_lib import TrainConfig, preset
from artgan_lib.gan.updates import (
    LOG_KEYS,
    Batch,
    Networks,
    build_networks,
    draw_batch,
    update_in_turn,
    update_together,
)

CPU = torch.device("cpu")


def setup(variant: str, **settings: object) -> tuple[TrainConfig, Networks, Batch]:
    config = preset(variant, "smoke", width=2, latent_dim=8, batch_size=4, **settings)
    images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    return config, build_networks(config, CPU), draw_batch(config, images, 0, CPU)


def plain_adam(config: TrainConfig, network: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), lr=config.lr, betas=(config.beta1, config.beta2), eps=1e-7)


def assert_equal_weights(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for (name, mine), (_, theirs) in zip(one.named_parameters(), other.named_parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, msg=name, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("variant", ["dcgan", "dcgan-wi"])
def test_dcgan_moves_both_networks_by_gradients_from_before_either_moved(variant: str) -> None:
    config, networks, batch = setup(variant)
    generator, judge = copy.deepcopy(networks.generator), copy.deepcopy(networks.judge)
    values = update_together(config, networks, batch)

    optimizer_g, optimizer_d = plain_adam(config, generator), plain_adam(config, judge)
    fake = generator(batch.z_generator)
    real_score, fake_score = judge(batch.real), judge(fake.detach())
    loss_d = -F.logsigmoid(real_score).mean() - F.logsigmoid(-fake_score).mean()
    loss_g = -F.logsigmoid(judge(fake)).mean()
    loss_g.backward()
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_g.step()
    optimizer_d.step()

    assert_equal_weights(networks.generator, generator)
    assert_equal_weights(networks.judge, judge)
    logged = dict(zip(LOG_KEYS, values.tolist(), strict=True))
    assert logged["loss_d"] == pytest.approx(loss_d.item(), rel=1e-5)
    assert logged["loss_g"] == pytest.approx(loss_g.item(), rel=1e-5)
    assert logged["score_real"] == pytest.approx(real_score.sigmoid().mean().item(), rel=1e-5)
    assert np.isnan(logged["gradient_penalty"])
    assert np.isnan(logged["wasserstein"])


def test_wgan_gp_moves_the_generator_first_then_the_critic_five_times_on_the_same_pictures() -> None:
    config, networks, batch = setup("wgan-gp")
    generator, critic = copy.deepcopy(networks.generator), copy.deepcopy(networks.judge)
    values = update_in_turn(config, networks, batch)

    optimizer_g, optimizer_d = plain_adam(config, generator), plain_adam(config, critic)
    loss_g = critic(batch.real).mean().detach() - critic(generator(batch.z_generator)).mean()
    loss_g.backward()
    optimizer_g.step()

    def penalty_of(fake: Tensor, mix: Tensor) -> Tensor:
        share = mix[:, None, None, None]
        points = ((1 - share) * batch.real + share * fake).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        return ((slopes.square().sum((1, 2, 3)).sqrt() - 1) ** 2).mean()

    for z, mix in zip(batch.z_judge, batch.mix, strict=True):
        fake = generator(z).detach()
        penalty = penalty_of(fake, mix)
        gap = critic(batch.real).mean() - critic(fake).mean()
        optimizer_d.zero_grad()
        (10 * penalty - gap).backward()
        optimizer_d.step()

    assert_equal_weights(networks.generator, generator)
    assert_equal_weights(networks.judge, critic)
    logged = dict(zip(LOG_KEYS, values.tolist(), strict=True))
    assert logged["loss_g"] == pytest.approx(loss_g.item(), abs=1e-5)
    assert logged["wasserstein"] == pytest.approx(gap.item(), abs=1e-5)
    assert logged["loss_d"] == pytest.approx((10 * penalty - gap).item(), abs=1e-4)


def test_a_step_without_learning_rate_of_one_network_leaves_it_alone() -> None:
    config, networks, batch = setup("dcgan")
    for still, moving, optimizer in (
        (networks.judge, networks.generator, networks.optimizer_d),
        (networks.generator, networks.judge, networks.optimizer_g),
    ):
        before = [copy.deepcopy(list(network.parameters())) for network in (still, moving)]
        rate, optimizer.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"], 0.0
        update_together(config, networks, batch)
        optimizer.param_groups[0]["lr"] = rate
        assert all(torch.equal(a, b) for a, b in zip(before[0], still.parameters(), strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(before[1], moving.parameters(), strict=True))


def test_pictures_are_drawn_with_replacement_and_by_step() -> None:
    config = preset("wgan-gp", "smoke", batch_size=8)
    images = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 64, 64, 3), np.uint8)
    batches = [draw_batch(config, images, step, CPU) for step in (0, 0, 1)]
    assert batches[0].real.shape == (8, 3, 64, 64)  # more than there are
    assert torch.equal(batches[0].real, batches[1].real)
    assert not torch.equal(batches[0].z_generator, batches[2].z_generator)
    assert not torch.equal(batches[0].z_judge[0], batches[0].z_judge[1])


@pytest.mark.parametrize("correction", ["clip-weights", "clip-norm", "none"])
def test_other_gradient_corrections(correction: str) -> None:
    config, networks, batch = setup("wgan-gp", gradient_correction=correction)
    values = update_in_turn(config, networks, batch)
    assert values[LOG_KEYS.index("gradient_penalty")].isnan()
    largest = max(parameter.abs().max().item() for parameter in networks.judge.parameters())
    assert (largest <= config.clip_weights) == (correction == "clip-weights")
