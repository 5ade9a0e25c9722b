from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from artgan_lib import ArtganError, load_generator, load_upscaler, processor, sample, synthetic_paintings
from artgan_lib.shipped import best_generator
from artgan_lib.studio import networks
from artgan_lib.studio.networks import narrow_within


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def test_narrowing_leaves_both_ends_and_their_weights_as_they_were() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU(4), nn.Conv2d(4, 4, 3), nn.PReLU(4), nn.Conv2d(4, 3, 3))
    ends = [network[0].weight.clone(), network[4].weight.clone()]
    seen: list[torch.dtype] = []
    for layer in network:
        layer.register_forward_pre_hook(lambda layer, arguments: seen.append(arguments[0].dtype))
    narrow_within(network, torch.bfloat16)
    assert network(torch.zeros(1, 3, 9, 9)).dtype == torch.float32
    assert seen == [torch.float32, torch.bfloat16, torch.bfloat16, torch.bfloat16, torch.bfloat16]
    assert [layer.weight.dtype for layer in network] == [torch.float32, *[torch.bfloat16] * 3, torch.float32]
    assert torch.equal(network[0].weight, ends[0])
    assert torch.equal(network[4].weight, ends[1])


@pytest.fixture
def pictures() -> list[np.ndarray]:
    return [*synthetic_paintings(8, seed=3)[0][6:], *sample(load_generator(best_generator())[0], 7, 2)]


@pytest.mark.parametrize("name", ["realesr-general-x4v3", "realesr-animevideov3"])
def test_bfloat16_changes_nothing_that_can_be_seen(
    name: str, pictures: list[np.ndarray], shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    monkeypatch.setattr(networks, "has_bfloat16", lambda: True)
    narrow = load_upscaler(name, download=False)
    exact = load_upscaler(name, download=False, precision="float32")
    assert (narrow.precision, exact.precision) == ("bfloat16", "float32")
    apart = [
        np.abs(one.astype(int) - other)
        for one, other in zip(narrow.batch_to_size(pictures, 256), exact.batch_to_size(pictures, 256), strict=True)
    ]
    assert max(difference.mean() for difference in apart) < 0.5
    assert min(psnr(difference, np.zeros(1)) for difference in apart) > 48
    assert max(difference.max() for difference in apart) > 0  # or it was not narrow at all


def test_a_picture_in_bfloat16_is_the_same_alone_and_among_others(
    pictures: list[np.ndarray], shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    monkeypatch.setattr(networks, "has_bfloat16", lambda: True)
    upscaler = load_upscaler(download=False)
    together = upscaler.batch_to_size(pictures, 256)
    assert all(np.array_equal(upscaler.to_size(one, 256), big) for one, big in zip(pictures, together, strict=True))


def test_float32_is_taken_where_bfloat16_would_be_slow_or_was_not_looked_at(
    shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    monkeypatch.setattr(networks, "has_bfloat16", lambda: False)
    assert load_upscaler(download=False).precision == "float32"
    monkeypatch.setattr(networks, "has_bfloat16", lambda: True)
    assert load_upscaler(str(shared_weights / "realesr-general-x4v3.pth")).precision == "float32"
    assert load_upscaler("bicubic").precision is None


def test_a_processor_without_a_list_of_its_abilities_has_no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False}, raising=False)
    assert not processor.has_bfloat16()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert processor.has_bfloat16()
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not processor.has_bfloat16()


def test_where_bfloat16_overflows_the_picture_comes_from_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bright(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(*(nn.Conv2d(3, 3, 1, bias=False) for _ in range(3)))
            for layer in self.layers:
                nn.init.dirac_(layer.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            narrow = self.layers[1].weight.dtype == torch.bfloat16
            return self.layers(x) / (0.0 if narrow else 1.0)

    class Model:
        scale, architecture = 1, type("", (), {"id": "Compact"})
        supports_half = supports_bfloat16 = False

        def __init__(self) -> None:
            self.model = Bright()

        def float(self) -> "Model":
            return self

        def eval(self) -> "Model":
            return self

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            return self.model(x)

    monkeypatch.setattr(networks, "has_bfloat16", lambda: True)
    picture = synthetic_paintings(1)[0]
    enlarge = networks.Network(Model(), torch.device("cpu"), half=True)  # type: ignore[arg-type]
    assert enlarge.precision == "bfloat16"
    np.testing.assert_allclose(enlarge(picture), picture, atol=1e-3)


def test_an_unknown_precision_is_told() -> None:
    with pytest.raises(ArtganError, match="is auto or float32, not 'int8'"):
        load_upscaler("bicubic", precision="int8")
