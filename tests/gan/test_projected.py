"""The modern pair: each part against a closed form, one step against the same step written out, exact resume."""

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan_lib import ArtganError, Callback, TrainConfig, load_generator, preset, sample, train
from artgan_lib.gan.augment import diffaugment
from artgan_lib.gan.checkpoints import load_checkpoint, measure_statistics
from artgan_lib.gan.losses import hinge_loss
from artgan_lib.gan.models import build_models
from artgan_lib.gan.projected import (
    ON_SPHERE,
    ConditionalBatchNorm2d,
    ProjectedDiscriminator,
    SkipGenerator,
    UpsampleConv2d,
    pair_std,
)
from artgan_lib.gan.updates import Networks, build_networks, draw_batch, update_alternating
from artgan_lib.randomness import latents

CPU = torch.device("cpu")
STYLES = ("baroque", "cubism", "ukiyo_e")


def small(**settings: Any) -> TrainConfig:
    return preset("projected", "smoke", **{"width": 4, "latent_dim": 8, "batch_size": 4, "feature_size": 32} | settings)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (48, 64, 64, 3), dtype=np.uint8), rng.integers(0, 3, 48)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_upsampling_is_nearest_neighbour_then_a_convolution() -> None:
    layer = UpsampleConv2d(3, 5).double()
    x = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    plain = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), layer.weight, padding=1)
    torch.testing.assert_close(layer(x), plain)


def test_upsampling_a_constant_has_no_checkerboard() -> None:
    inside = UpsampleConv2d(3, 5)(torch.ones(1, 3, 8, 8))[..., 1:-1, 1:-1]
    torch.testing.assert_close(inside, inside.mean((2, 3), keepdim=True).expand_as(inside))


def test_pairs_that_are_equal_have_no_deviation_and_others_half_their_difference() -> None:
    x = torch.zeros(5, 2, 1, 1)
    x[2, 0], x[3, 0] = 1.0, 5.0
    std = pair_std(x)[:, 0, 0, 0]
    torch.testing.assert_close(
        std, torch.tensor([1e-4, 1e-4, (2 + 1e-4) / 2, (2 + 1e-4) / 2, 0.0]), rtol=1e-3, atol=1e-6
    )


def test_conditional_batch_norm_starts_as_batch_norm_and_mixes_classes_linearly() -> None:
    norm, x = ConditionalBatchNorm2d(3, 2), torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(norm(x, torch.eye(2)[[0, 1] * 4]), nn.BatchNorm2d(3)(x))
    nn.init.normal_(norm.by_class.weight)
    norm.eval()
    one, other, mixed = (norm(x, torch.tensor([row]).expand(8, 2)) for row in ([1.0, 0], [0, 1.0], [0.25, 0.75]))
    torch.testing.assert_close(mixed, 0.25 * one + 0.75 * other)


def test_several_gpus_share_their_batch_statistics_and_keep_the_classes() -> None:
    norm = nn.SyncBatchNorm.convert_sync_batchnorm(ConditionalBatchNorm2d(3, 2))
    assert isinstance(norm.normalize, nn.SyncBatchNorm)
    assert norm.by_class.weight.shape == (6, 2)


def test_hinge_loss_in_closed_form() -> None:
    assert hinge_loss(torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])).item() == pytest.approx(0.25 + 0.5)


@pytest.mark.parametrize("side", [32, 64, 128])
@pytest.mark.parametrize("classes", [(), STYLES])
def test_every_size_and_condition(side: int, classes: tuple[str, ...]) -> None:
    config = small(image_size=side, classes=classes)
    generator, discriminator = build_models(config)
    weights = torch.eye(3)[[0, 2]] if classes else None
    images = generator(torch.randn(2, 8), weights)
    assert images.shape == (2, 3, side, side)
    assert images.abs().max() <= 1
    scores = discriminator.eval()(images, weights)
    assert scores.shape == (2,)
    logits = discriminator.logits(discriminator.features(images), weights)
    mean = sum(w * value.mean(1) for w, value in zip(discriminator.weights, logits, strict=True))
    torch.testing.assert_close(scores, mean)
    assert sum(discriminator.weights) == pytest.approx(1)


def test_the_size_of_the_released_networks() -> None:
    generator, discriminator = build_models(preset("projected", classes=tuple("abcdefg")))
    assert parameters(generator) == 2_383_619
    assert 1_000_000 < parameters(discriminator) < 1_300_000
    assert (parameters(generator) + parameters(discriminator)) * 2 < 8e6  # both at half precision


def test_latent_vectors_lie_on_the_sphere_and_truncated_ones_inside() -> None:
    generator = SkipGenerator(small(latent_dim=128)).eval().requires_grad_(False)
    z = torch.from_numpy(latents(0, range(64), 128))
    assert (z.norm(dim=1) > ON_SPHERE * 128**0.5).all()
    torch.testing.assert_close(generator(z), generator(3 * z))
    spread = [
        float(generator(torch.from_numpy(latents(0, range(64), 128, cut))).std(0).mean()) for cut in (None, 1, 0.3)
    ]
    assert spread[0] > 1.1 * spread[1]
    assert spread[1] > 1.1 * spread[2]
    inside = z * (0.3 * 128**0.5 / z.norm(dim=1, keepdim=True))
    assert not torch.allclose(generator(inside), generator(z), atol=1e-3)


def test_initial_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one, other = build_models(small(seed=3)), build_models(small(seed=3))
    for mine, theirs in zip(one, other, strict=True):
        for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
            assert torch.equal(a, b)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.equal(build_models(small(seed=4))[0].to_rgb.weight, one[0].to_rgb.weight)


def written_out(config: TrainConfig, networks: Networks, batch: Any) -> tuple[Tensor, Tensor]:
    """The step in PyTorch's plainest words, on copies."""
    generator, discriminator = copy.deepcopy(networks.generator), copy.deepcopy(networks.judge)
    adam = [
        torch.optim.Adam(network.parameters(), lr=config.lr, betas=(0.0, 0.99), eps=1e-7)
        for network in (generator, discriminator)
    ]
    fake = diffaugment(generator(batch.z_generator, batch.classes), batch.augment[0, 1], config.diffaugment)
    real = diffaugment(batch.real, batch.augment[0, 0], config.diffaugment)

    def logits(images: Tensor) -> list[Tensor]:
        return discriminator.logits(discriminator.features(images), batch.classes)

    share = (1 - config.pixel_weight) / 4
    weights = [share] * 4 + [config.pixel_weight]
    loss_d = sum(
        w * (F.relu(1 - r).mean() + F.relu(1 + f).mean())
        for w, r, f in zip(weights, logits(real), logits(fake.detach()), strict=True)
    )
    loss_d.backward()
    adam[1].step()
    loss_g = sum(-w * f.mean() for w, f in zip(weights, logits(fake), strict=True))
    adam[0].zero_grad()
    loss_g.backward()
    adam[0].step()
    return torch.cat([p.detach().flatten() for p in generator.parameters()]), loss_d.detach()


def test_one_step_is_the_discriminators_update_then_the_generators_against_it(data: Any) -> None:
    config = small(classes=STYLES)
    networks = build_networks(config, CPU)
    batch = draw_batch(config, data[0], 0, CPU, labels=torch.from_numpy(data[1]))
    expected, loss_d = written_out(config, networks, batch)
    values = update_alternating(config, networks, batch)
    found = torch.cat([p.detach().flatten() for p in networks.generator.parameters()])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(values[1], loss_d, rtol=1e-5, atol=1e-5)
    assert values[4:].isnan().all()


def test_batches_are_sorted_by_class_and_flipped_by_half(data: Any) -> None:
    config, labels = small(classes=STYLES, batch_size=16, diffaugment=()), torch.from_numpy(data[1])
    batch = draw_batch(config, data[0], 3, CPU, labels=labels)
    plain = draw_batch(dataclasses.replace(config, flip=False), data[0], 3, CPU, labels=labels)
    assert batch.classes.argmax(1).tolist() == sorted(batch.classes.argmax(1).tolist())
    same = (batch.real == plain.real).all((1, 2, 3))
    flipped = (batch.real == plain.real.flip(3)).all((1, 2, 3))
    assert (same | flipped).all()
    assert 3 <= flipped.sum() <= 13
    assert batch.augment is None


def test_the_average_has_its_half_life_in_images() -> None:
    config = small(ema_half_life=1000, batch_size=8)
    networks = build_networks(config, CPU)
    weight, average = networks.generator.to_rgb.weight, networks.painter.to_rgb.weight
    with torch.no_grad():
        weight.fill_(0.0)
        networks.average.update_parameters(networks.generator)  # the first one is copied
        weight.fill_(1.0)
        networks.average.update_parameters(networks.generator)
    # After one image batch of 8 the half-life is a tenth of 8 images, so that a batch is ten half-lives.
    torch.testing.assert_close(average, torch.full_like(average, 1 - 0.5**10))
    networks.average.n_averaged.fill_(100_000)
    before = float(average.detach().flatten()[0])
    with torch.no_grad():
        weight.fill_(0.0)
        for _ in range(125):  # 1000 images, once the ramp is over
            networks.average.update_parameters(networks.generator)
    assert float(average.detach().flatten()[0]) == pytest.approx(before / 2, rel=1e-4)


def test_statistics_are_those_of_the_weights_that_they_are_measured_for() -> None:
    generator = SkipGenerator(small(classes=STYLES))
    measure_statistics(generator, batches=4, batch_size=16)
    first = [block.norm.normalize.running_var.clone() for block in generator.blocks.values()]
    measure_statistics(generator, batches=4, batch_size=16)
    for before, block in zip(first, generator.blocks.values(), strict=True):
        assert torch.equal(before, block.norm.normalize.running_var)
    assert generator.training


class StopAt(Callback):
    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
        self.stop = "enough" if record["epoch"] == self.epoch else ""
        return {}


def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    data: Any, tmp_path: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    config = small(images_per_epoch=8)
    how = {"labels": data[1], "classes": STYLES, "device": "cpu"}
    train(config, data[0], tmp_path / "whole", **how)
    train(config, data[0], tmp_path / "parts", callbacks=[StopAt(1)], **how)
    assert train(config, data[0], tmp_path / "parts", **how).finished
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    exported = [tmp_path / name / "generator.safetensors" for name in ("whole", "parts")]
    assert exported[0].read_bytes() == exported[1].read_bytes()
    generator, header = load_generator(exported[0])
    assert header["config"]["classes"] == list(STYLES)
    assert generator.class_counts.tolist() == np.bincount(data[1]).tolist()
    assert sample(generator, 0, 3, styles={"cubism": 1.0}).shape == (3, 64, 64, 3)
    state = load_checkpoint(tmp_path / "whole" / "checkpoints" / "step_000000006.pt")
    assert not any("network" in name or "spread" in name for name in state["networks"]["judge"])  # nothing frozen


def test_classes_without_images_are_left_out_and_without_labels_there_are_none(data: Any, tmp_path: Path) -> None:
    config, how = small(images_per_epoch=4, epochs=1), {"device": "cpu"}
    train(config, data[0], tmp_path / "gap", labels=data[1] * 2, classes=("a", "-", "b", "-", "c"), **how)
    assert load_generator(tmp_path / "gap" / "generator.safetensors")[0].classes == ("a", "b", "c")
    train(config, data[0], tmp_path / "none", **how)
    assert load_generator(tmp_path / "none" / "generator.safetensors")[0].classes == ()


def test_labels_that_do_not_fit_are_refused(data: Any, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="each of the 48 images one of 2 classes"):
        train(small(), data[0], tmp_path, labels=data[1], classes=("a", "b"))


@pytest.mark.parametrize("variant", ["dcgan", "wgan-gp"])
def test_diffaugment_goes_with_the_papers_variants(variant: str, data: Any, tmp_path: Path) -> None:
    config = preset(variant, "smoke", width=2, latent_dim=8, batch_size=4, images_per_epoch=4, epochs=1)
    train(config, data[0], tmp_path / "plain", device="cpu")
    augmented = dataclasses.replace(config, diffaugment=("color", "translation", "cutout"))
    train(augmented, data[0], tmp_path / "augmented", device="cpu")
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("plain", "augmented")]
    assert logs[0] != logs[1]


def test_spectral_norm_bounds_every_layer_of_a_dcgan_discriminator() -> None:
    config = preset(
        "wgan-gp", "smoke", loss="hinge", gradient_correction="none", judge_normalization="none", spectral_norm=True
    )
    _, judge = build_models(config)
    for _ in range(30):
        judge(torch.randn(2, 3, 64, 64))
    layers = [layer for layer in judge.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)
    assert len(layers) == 5
    assert isinstance(build_models(small())[1], ProjectedDiscriminator)
