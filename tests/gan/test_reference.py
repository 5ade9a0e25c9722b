"""The paper's networks written out plainly, by functions and literal numbers, against the library's.

The library's modules lend nothing but their weights, so a wrong slope, norm, padding or activation shows here.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan_lib import build_models, preset
from artgan_lib.gan.updates import LOG_KEYS, build_networks, draw_batch, update_in_turn, update_together


def weights(network: nn.Module) -> Iterator[Tensor]:
    """Parameters in the order of the layers; all are moved off their initial values, so that each one counts."""
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=rng))
    return iter([parameter.detach() for parameter in network.parameters()])


def batch_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (var + 0.001).sqrt() * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


def pixel_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    mean, var = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
    return (x - mean) / (var + 0.001).sqrt() * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


def up(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Keras' Conv2DTranspose, stride 2, same: the full transpose, cropped one before and the rest after."""
    full = F.conv_transpose2d(x, weight, bias, stride=2)
    side = 2 * x.shape[-1]
    return full[:, :, 1 : 1 + side, 1 : 1 + side]


def down(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Keras' Conv2D, stride 2, same: one pixel before, one (kernel 4) or two (kernel 5) after."""
    after = weight.shape[-1] - 3
    return F.conv2d(F.pad(x, (1, after, 1, after)), weight, bias, stride=2)


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def dcgan_generator(z: Tensor, w: Iterator[Tensor]) -> Tensor:
    x = F.conv_transpose2d(z[:, :, None, None], next(w))
    x = batch_norm(x, next(w), next(w)).clamp(min=0)
    for _ in range(3):
        x = batch_norm(up(x, next(w)), next(w), next(w)).clamp(min=0)
    return up(x, next(w)).tanh()


def wgan_generator(z: Tensor, w: Iterator[Tensor]) -> Tensor:
    x = (z @ next(w).T + next(w)).view(len(z), -1, 4, 4)
    x = batch_norm(x, next(w), next(w)).clamp(min=0)
    for _ in range(3):
        x = batch_norm(up(x, next(w), next(w)), next(w), next(w)).clamp(min=0)
    return up(x, next(w), next(w)).tanh()


def dcgan_judge(x: Tensor, w: Iterator[Tensor]) -> Tensor:
    for _ in range(4):
        x = leaky(batch_norm(down(x, next(w)), next(w), next(w)))
    x = F.conv2d(x, next(w)).flatten(1)
    return (x @ next(w).T + next(w))[:, 0]


def wgan_critic(x: Tensor, w: Iterator[Tensor]) -> Tensor:
    x = leaky(down(x, next(w), next(w)))
    for _ in range(3):
        x = leaky(pixel_norm(down(x, next(w), next(w)), next(w), next(w)))
    return (x.flatten(1) @ next(w).T + next(w))[:, 0]


NETWORKS = {
    "dcgan": (dcgan_generator, dcgan_judge),
    "dcgan-wi": (dcgan_generator, dcgan_judge),
    "wgan-gp": (wgan_generator, wgan_critic),
}


@pytest.mark.parametrize("variant", NETWORKS)
def test_networks_compute_what_the_reference_computes(variant: str) -> None:
    config = preset(variant, "smoke", width=4)
    generator, judge = build_models(config)
    plain_generator, plain_judge = NETWORKS[variant]
    z = torch.randn(5, config.latent_dim)
    images = plain_generator(z, weights(generator))
    torch.testing.assert_close(generator(z).detach(), images, rtol=1e-4, atol=1e-5)
    scores = plain_judge(images, weights(judge))
    torch.testing.assert_close(judge(images).detach(), scores, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", NETWORKS)
def test_presets_hold_every_value_of_the_paper(variant: str) -> None:
    common = {"width": 64, "generator_normalization": "batch", "generator_activation": "relu", "optimizer": "adam"}
    common |= {"judge_activation": "leaky-relu", "images_per_epoch": 60_000, "penalty_weight": 10.0}
    bce = {"latent_dim": 100, "fully_connected": False, "biases": False, "judge_normalization": "batch", "loss": "bce"}
    bce |= {"normalize_judge_input_layer": True, "gradient_correction": "none", "judge_updates": 1}
    bce |= {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999, "batch_size": 128}
    wgan = {"latent_dim": 128, "fully_connected": True, "biases": True, "judge_normalization": "layer"}
    wgan |= {"normalize_judge_input_layer": False, "gradient_correction": "penalty", "judge_updates": 5}
    wgan |= {"lr": 1e-4, "beta1": 0.0, "beta2": 0.9, "batch_size": 64, "loss": "wasserstein"}
    own = {
        "dcgan": bce | {"kernel_size": 4, "judge_head": "conv-1", "initial_weights": "glorot-uniform", "epochs": 260},
        "dcgan-wi": bce | {"kernel_size": 5, "judge_head": "conv-wide", "initial_weights": "normal", "epochs": 60},
        "wgan-gp": wgan | {"kernel_size": 5, "judge_head": "flatten", "initial_weights": "uniform", "epochs": 32},
    }
    expected = common | own[variant]
    values = preset(variant).to_dict()
    assert {name: values[name] for name in expected} == expected


def test_dcgan_wi_leaves_its_last_dense_layer_at_glorot() -> None:
    _, judge = build_models(preset("dcgan-wi"))
    convolution, dense = judge.body[3].weight, judge.head[-1].weight
    assert abs(convolution.std().item() / 0.02 - 1) < 0.02
    bound = (6 / (512 + 1)) ** 0.5
    assert dense.abs().max() <= bound
    assert abs(dense.std().item() / (bound / 3**0.5) - 1) < 0.1


@pytest.mark.parametrize("variant", ["dcgan", "wgan-gp"])
def test_scores_are_logged_after_the_sigmoid_or_as_they_are(variant: str) -> None:
    config = preset(variant, "smoke", width=2, batch_size=4, lr=1e-9)  # so small that the networks stand still
    images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    networks = build_networks(config, torch.device("cpu"))
    batch = draw_batch(config, images, 0, torch.device("cpu"))
    last_noise = batch.z_generator if variant == "dcgan" else batch.z_judge[-1]
    with torch.no_grad():
        real, fake = networks.judge(batch.real), networks.judge(networks.generator(last_noise))
    update = update_together if variant == "dcgan" else update_in_turn
    logged = dict(zip(LOG_KEYS, update(config, networks, batch).tolist(), strict=True))
    if variant == "dcgan":
        real, fake = real.sigmoid(), fake.sigmoid()
    assert logged["score_real"] == pytest.approx(real.mean().item(), abs=1e-5)
    assert logged["score_fake"] == pytest.approx(fake.mean().item(), abs=1e-5)
