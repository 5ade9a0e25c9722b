"""Whatever makes a step faster gives what the plain step gives."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan_lib import ArtganError, Callback, TrainConfig, preset, train
from artgan_lib.gan import acceleration
from artgan_lib.gan.acceleration import PLAIN, WARM_UP, GraphedStep, Plan, arrange, build_step, choose_plan
from artgan_lib.gan.distributed import ALONE, World
from artgan_lib.gan.models import SameConv2d, SameConvTranspose2d
from artgan_lib.gan.patches import cut, lay
from artgan_lib.gan.updates import LOG_KEYS, Batch, Networks, build_networks, draw_batch

CPU = torch.device("cpu")
FAST = choose_plan(preset("wgan-gp"), ALONE)


def small(variant: str, **settings: Any) -> TrainConfig:
    return preset(variant, "smoke", **{"width": 3, "latent_dim": 8, "batch_size": 4} | settings)


def iterate(
    config: TrainConfig, plan: Plan, images: np.ndarray, steps: int, kind: torch.dtype = torch.float32
) -> tuple[Networks, Tensor]:
    networks = build_networks(config, CPU)
    for network in networks.modules:
        network.to(kind)
    arrange(networks, plan)
    step = build_step(config, networks, plan, ALONE)
    batches = (draw_batch(config, images, number, CPU) for number in range(steps))
    return networks, torch.stack([step(Batch(*(part.to(kind) for part in batch))) for batch in batches])


def test_what_a_processor_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    common = Plan(keep_memory=True, channels_last=True, closed=True, together=True)
    monkeypatch.setattr(acceleration, "has_only_avx2", lambda: True)
    assert choose_plan(preset("wgan-gp"), ALONE) == replace(common, winograd=True)
    assert choose_plan(preset("dcgan"), ALONE).winograd
    assert not choose_plan(preset("wgan-gp", kernel_size=3), ALONE).winograd
    # Few pictures do not earn what transforming the weights costs; a critic sees real and fake at once.
    few = (("dcgan", 24, 1, True), ("dcgan", 23, 1, False), ("wgan-gp", 12, 1, True), ("wgan-gp", 11, 1, False))
    for variant, batch, size, pays in (*few, ("dcgan", 64, 4, False)):
        config, world = preset(variant, batch_size=batch), replace(ALONE, size=size)
        assert choose_plan(config, world).winograd == pays
    assert choose_plan(preset("wgan-gp"), ALONE, precision="bf16") == replace(common, patches=True, precision="bf16")
    monkeypatch.setattr(acceleration, "has_only_avx2", lambda: False)
    assert choose_plan(preset("wgan-gp"), ALONE) == replace(common, patches=True)
    dcgan = choose_plan(preset("dcgan"), ALONE)
    assert not dcgan.together  # batch normalisation: scores depend on what else is judged
    assert not dcgan.patches
    assert not dcgan.closed  # nothing is differentiated twice
    assert not choose_plan(preset("wgan-gp", width=16), ALONE).patches
    assert choose_plan(preset("wgan-gp"), ALONE, fast=False) == PLAIN
    assert choose_plan(preset("wgan-gp"), ALONE, precision="tf32").precision == "float32"
    gpu = World(device=torch.device("cuda"))
    assert choose_plan(preset("wgan-gp"), gpu).graph
    assert choose_plan(preset("wgan-gp"), gpu).precision == "tf32"
    assert not choose_plan(preset("dcgan-clipped"), gpu).graph
    assert not choose_plan(preset("wgan-gp"), World(0, 2, torch.device("cuda"))).graph
    with pytest.raises(ArtganError, match="no precision 'float8'; there are float32, tf32, bf16"):
        choose_plan(preset("wgan-gp"), ALONE, precision="float8")  # type: ignore[arg-type]


def test_wide_layers_alone_go_by_winograds_algorithm() -> None:
    config = small("wgan-gp", width=16, kernel_size=5)
    networks = build_networks(config, CPU)
    arrange(networks, replace(FAST, winograd=True))
    layers = [layer for network in networks.modules for layer in network.modules()]
    kinds = SameConv2d, SameConvTranspose2d
    found = [(layer.in_channels, layer.out_channels) for layer in layers if getattr(layer, "by_winograd", False)]
    assert found == [(128, 64), (64, 128)]
    assert sum(isinstance(layer, kinds) for layer in layers) == 8


@pytest.mark.parametrize("way", ["patches", "winograd"])
@pytest.mark.parametrize("variant", ["dcgan", "wgan-gp", "wgan-clip", "dcgan-five-updates"])
def test_twenty_fast_steps_are_twenty_plain_steps_but_for_rounding(
    variant: str, way: str, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceleration, "WIDE", 1)  # all layers
    config = small(variant, kernel_size=5)
    ways = {"patches": way == "patches", "winograd": way == "winograd"}
    plan = replace(choose_plan(config, ALONE), closed=True, fused=True, **ways)
    # In double precision, since two players drive apart what differs in the last digit of single precision.
    (networks, plain), (others, fast) = (iterate(config, way, pictures, 20, torch.float64) for way in (PLAIN, plan))
    torch.testing.assert_close(fast, plain, rtol=1e-6, atol=1e-6, equal_nan=True)
    for one, other in zip(networks.modules, others.modules, strict=True):
        for (name, mine), theirs in zip(one.named_parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6, msg=name)
    single = [iterate(config, way, pictures, 2)[1] for way in (PLAIN, plan)]
    torch.testing.assert_close(*single, rtol=1e-3, atol=1e-3, equal_nan=True)


def test_patches_are_the_convolution_and_its_transpose_and_can_be_differentiated_twice() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 9, 9, generator=rng, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 75, 3, 3, generator=rng, dtype=torch.float64, requires_grad=True)
    by_channel = cut(x, 5).flatten(2).unflatten(1, (25, 3)).transpose(1, 2).flatten(1, 2)
    torch.testing.assert_close(by_channel, F.unfold(x, 5, stride=2))
    torch.testing.assert_close((cut(x, 5) * y).sum(), (x * lay(y, 5, 9)).sum())
    torch.autograd.gradcheck(lambda x: cut(x, 5), x)
    torch.autograd.gradgradcheck(lambda x: cut(x.square(), 5), x)
    torch.autograd.gradgradcheck(lambda y: lay(y.square(), 5, 9), y)


@pytest.mark.parametrize("kernel", [3, 4, 5])
@pytest.mark.parametrize("way", ["by_patches", "by_winograd"])
def test_layers_by_other_ways_are_the_same_layers(way: str, kernel: int) -> None:
    torch.manual_seed(kernel)
    for layer, side in ((SameConv2d(3, 4, kernel, bias=True), 8), (SameConvTranspose2d(3, 4, kernel, bias=True), 4)):
        x = torch.randn(2, 3, side, side)
        plain = layer(x)
        setattr(layer, way, True)
        torch.testing.assert_close(layer(x), plain, rtol=1e-5, atol=1e-5)


class StandIn:
    """What a CUDA graph does, by calling the function again."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def aside(self, call: Callable[[], Tensor]) -> Tensor:
        self.calls.append("aside")
        return call()

    def record(self, call: Callable[[], Tensor]) -> Tensor:
        self.calls.append("record")
        self._call, self._values = call, torch.zeros(len(LOG_KEYS))
        return self._values

    def replay(self) -> None:
        self.calls.append("replay")
        self._values.copy_(self._call())


@pytest.mark.parametrize("variant", ["dcgan", "wgan-gp"])
def test_a_recorded_step_reads_its_buffers_and_is_the_plain_step_bit_for_bit(
    variant: str, pictures: np.ndarray
) -> None:
    config = small(variant)
    plain, values = iterate(config, FAST, pictures, 6)
    networks, stand_in = build_networks(config, CPU), StandIn()
    arrange(networks, FAST)
    step = GraphedStep(build_step(config, networks, FAST, ALONE), stand_in)
    for number in range(6):
        batch = draw_batch(config, pictures, number, CPU)
        result = step(batch)
        for part in batch:
            part.fill_(float("nan"))  # what was copied must not be read again
        assert torch.equal(result.nan_to_num(), values[number].nan_to_num())
    assert stand_in.calls == ["aside"] * WARM_UP + ["record"] + ["replay"] * (6 - WARM_UP)
    for one, other in zip(plain.modules, networks.modules, strict=True):
        for mine, theirs in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
            assert torch.equal(mine, theirs)


def test_few_digits_stay_near_and_leave_the_penalty_alone(pictures: np.ndarray) -> None:
    config = small("wgan-gp", width=8)
    plans = FAST, choose_plan(config, ALONE, precision="bf16")
    plain, rough = (iterate(config, plan, pictures, 5)[1] for plan in plans)
    assert rough.dtype == torch.float32
    assert not torch.equal(plain, rough)
    torch.testing.assert_close(rough[:, :4], plain[:, :4], rtol=0.05, atol=0.05)
    penalty = LOG_KEYS.index("gradient_penalty")
    torch.testing.assert_close(rough[0, penalty], plain[0, penalty], rtol=0.02, atol=1e-3)


def test_a_plain_run_goes_on_fast_and_back(pictures: np.ndarray, tmp_path: Path, tiny: TrainConfig) -> None:
    class Once(Callback):
        def on_epoch(self, record: dict[str, Any], networks: Networks) -> dict[str, float]:
            self.stop = "enough"
            return {}

    first = train(tiny, pictures, tmp_path, device="cpu", callbacks=[Once()], fast=False)
    assert first.step == 4
    assert train(tiny, pictures, tmp_path, device="cpu").finished
