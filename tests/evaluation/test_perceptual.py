from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from artgan_lib import ArtganError
from artgan_lib.evaluation.perceptual import load_squeezenet, perceptual_distance

_CHANNELS = [(64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128)]  # in, squeezed, expanded (each half)
_CHANNELS += [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """SqueezeNet 1.1 with random weights, in the layout of the real file."""
    rng = torch.Generator().manual_seed(0)
    tensors = {"conv.weight": torch.randn(64, 3, 3, 3, generator=rng) * 0.2, "conv.bias": torch.zeros(64)}
    for number, (before, narrow, wide) in enumerate(_CHANNELS):
        for part, shape in (
            ("squeeze", (narrow, before, 1, 1)),
            ("expand1", (wide, narrow, 1, 1)),
            ("expand3", (wide, narrow, 3, 3)),
        ):
            fan = shape[1] * shape[2] * shape[3]
            tensors[f"fire.{number}.{part}.weight"] = torch.randn(shape, generator=rng) * (2 / fan) ** 0.5
            tensors[f"fire.{number}.{part}.bias"] = torch.randn(shape[0], generator=rng) * 0.1
    path = tmp_path / "squeezenet.safetensors"
    save_file(tensors, path)
    return path


def test_features_are_those_of_torchvisions_squeezenet(weights: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    theirs = torchvision.models.squeezenet1_1(weights=None).features.eval()
    ours = load_squeezenet(weights)
    values = {name: getattr(ours, name.replace(".", "_")) for name in ("conv.weight", "conv.bias")}
    state = {f"0.{kind}": values[f"conv.{kind}"] for kind in ("weight", "bias")}
    places = [index for index, layer in enumerate(theirs) if type(layer).__name__ == "Fire"]
    for number, place in enumerate(places):
        for part, name in (("squeeze", "squeeze"), ("expand1", "expand1x1"), ("expand3", "expand3x3")):
            for kind in ("weight", "bias"):
                state[f"{place}.{name}.{kind}"] = getattr(ours, f"fire_{number}_{part}_{kind}")
    theirs.load_state_dict(state)
    images = torch.rand(2, 3, 64, 64)
    x = (images - ours.mean) / ours.std
    expected = []
    for index, layer in enumerate(theirs):
        x = layer(x)
        if isinstance(layer, nn.ReLU) or (index in places and places.index(index) in (1, 3, 5, 7)):
            expected.append(x)
    found = ours(images)
    assert len(found) == len(expected) == 5
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_picture_is_no_distance_from_itself_and_little_from_its_neighbour(weights: Path) -> None:
    network = load_squeezenet(weights)
    images = torch.rand(2, 3, 64, 64)
    assert perceptual_distance(network, images, images).tolist() == [0, 0]
    near = perceptual_distance(network, images, (images + 0.02 * torch.randn(2, 3, 64, 64)).clamp(0, 1))
    far = perceptual_distance(network, images, images.flip(0))
    assert (near > 0).all()
    assert (near < far / 3).all()


def test_what_is_not_the_network_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match=r"squeezenet1_1.safetensors is not to be had; put it into a folder"):
        load_squeezenet()
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ArtganError, match=r"x.safetensors is not SqueezeNet 1.1 \(KeyError\)"):
        load_squeezenet(tmp_path / "x.safetensors")


def test_blur_is_told_from_noise_by_the_real_network(shared_weights: Path) -> None:
    """What PSNR likes better, a blurred picture, is further away to the network than a slightly noisy one."""
    network = load_squeezenet(shared_weights / "squeezenet1_1.safetensors")
    rng = np.random.default_rng(0)
    texture = torch.from_numpy(rng.random((1, 3, 64, 64)).astype(np.float32))
    blurred = nn.functional.avg_pool2d(texture, 5, 1, 2)
    noisy = (texture + 0.1 * torch.randn(1, 3, 64, 64)).clamp(0, 1)
    assert perceptual_distance(network, texture, blurred) > 2 * perceptual_distance(network, texture, noisy)
