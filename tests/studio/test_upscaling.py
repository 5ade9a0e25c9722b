import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from artgan_lib import ArtganError, load_upscaler, synthetic_paintings
from artgan_lib.studio import upscaling
from artgan_lib.studio.ncnn_weights import PACKAGED
from artgan_lib.studio.upscaling import Upscaler, available


@pytest.fixture
def picture() -> np.ndarray:
    return synthetic_paintings(8, seed=3)[0][7]


def test_bicubic_is_pillows_and_goes_four_times_a_pass(picture: np.ndarray) -> None:
    upscaler = load_upscaler("bicubic")
    assert np.array_equal(upscaler.to_size(picture, 64), picture)
    once = np.asarray(Image.fromarray(picture).resize((256, 256), Image.Resampling.BICUBIC))
    assert np.array_equal(upscaler.to_size(picture, 256), once)
    twice = np.asarray(Image.fromarray(once).resize((1024, 1024), Image.Resampling.BICUBIC))
    assert np.array_equal(upscaler.to_size(picture, 1024), twice)


def test_real_weights_give_the_picture_at_every_size(
    picture: np.ndarray, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    upscaler = load_upscaler("realesr-general-x4v3", download=False)
    enlarged = upscaler.to_size(picture, 256)
    assert enlarged.shape == (256, 256, 3)
    # The picture is still the same: averaged back, it differs by a few grey values, and it is sharper than bicubic.
    back = enlarged.reshape(64, 4, 64, 4, 3).mean((1, 3))
    assert np.abs(back - picture).mean() < 6
    bicubic = load_upscaler("bicubic").to_size(picture, 256)
    edges = [np.abs(np.diff(image.astype(float), axis=1)).max(1).mean() for image in (enlarged, bicubic)]
    assert edges[0] > edges[1]


def test_without_weights_the_default_is_bicubic_and_says_so(picture: np.ndarray) -> None:
    upscaler = load_upscaler(download=False)
    assert np.array_equal(upscaler.to_size(picture, 256), load_upscaler("bicubic").to_size(picture, 256))
    assert re.match(r"Pictures are enlarged by bicubic .*: RealESRGAN_x4plus.pth is not on this mach", upscaler.note)
    assert not available("auto")
    with pytest.raises(ArtganError, match=r"is not on this machine; .* ARTGAN_WEIGHTS_DIR .*--upscaler bicubic"):
        load_upscaler("RealESRGAN_x4plus", download=False)


@pytest.mark.usefixtures("installed_networks")
def test_the_default_is_what_was_installed(picture: np.ndarray) -> None:
    upscaler = load_upscaler(download=False)
    assert (upscaler.name, upscaler.note) == ("RealESRGAN_x4plus-fp16", "")
    one, other = (PACKAGED[f"{name}-fp16"].sha256 for name in ("RealESRGAN_x4plus", "realesr-animevideov3"))
    assert upscaler.about(1) == {"upscaler": "RealESRGAN_x4plus-fp16", "upscaler_sha256": one}
    both = "RealESRGAN_x4plus-fp16+realesr-animevideov3-fp16"
    assert upscaler.about(2) == {"upscaler": both, "upscaler_sha256": f"{one}+{other}"}
    crop = picture[:16, :16]
    first = load_upscaler("RealESRGAN_x4plus", download=False).enlarge(crop)
    assert np.array_equal(upscaler.to_size(crop, 256), first)
    second = load_upscaler("realesr-animevideov3", download=False).enlarge(first)
    assert np.array_equal(upscaler.to_size(crop, 1024), second)
    assert np.array_equal(load_upscaler(both, download=False).to_size(crop, 1024), second)
    assert np.abs(first.reshape(16, 4, 16, 4, 3).mean((1, 3)) - crop).mean() < 8  # the picture is still the same


@pytest.mark.usefixtures("installed_networks")
def test_a_file_of_the_user_comes_before_what_was_installed(
    picture: np.ndarray, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = load_upscaler("realesr-animevideov3", download=False)
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    own = load_upscaler("realesr-animevideov3", download=False)
    assert (copy.name, own.name) == ("realesr-animevideov3-fp16", "realesr-animevideov3")
    sha256 = hashlib.sha256((shared_weights / "realesr-animevideov3.pth").read_bytes()).hexdigest()
    assert own.about(1)["upscaler_sha256"] == sha256 != copy.about(1)["upscaler_sha256"]
    apart = np.abs(own.enlarge(picture).astype(int) - copy.enlarge(picture))
    assert apart.max() <= 3  # of 255, by the rounding of weights
    assert load_upscaler("realesr-animevideov3-fp16", download=False).sha256 == copy.sha256


def test_two_upscalers_follow_one_another(picture: np.ndarray) -> None:
    upscaler = load_upscaler("lanczos+bicubic")
    once = load_upscaler("lanczos").to_size(picture, 256)
    assert np.array_equal(upscaler.to_size(picture, 256), once)
    assert np.array_equal(upscaler.to_size(picture, 1024), load_upscaler("bicubic").enlarge(once))
    assert (upscaler.about(1)["upscaler"], upscaler.about(2)["upscaler"]) == ("lanczos", "lanczos+bicubic")
    twice = Upscaler("twice", 2, lambda images: images.repeat(2, 1).repeat(2, 2).astype(np.float32))
    with pytest.raises(ArtganError, match="lanczos enlarges by 4 and twice by 2"):
        load_upscaler("lanczos").followed_by(twice)


def test_a_batch_gives_what_pictures_give_alone(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upscaling, "BATCH_CPU", 2)
    pictures = [picture, picture[::-1].copy(), picture.transpose(1, 0, 2).copy()]
    together = load_upscaler("bicubic").batch_to_size(pictures, 256)
    for one, enlarged in zip(pictures, together, strict=True):
        assert np.array_equal(load_upscaler("bicubic").to_size(one, 256), enlarged)


@pytest.mark.parametrize("content", [b"", b"not a network", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_network_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(ArtganError, match=r"net\.pth is not an upscaling network"):
        load_upscaler(str(path))


def test_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("code was run",)

    torch.save({"params": Hostile()}, tmp_path / "net.pth")
    with pytest.raises(ArtganError, match="is not an upscaling network"):
        load_upscaler(str(tmp_path / "net.pth"))


def test_unknown_names_and_sizes_are_told() -> None:
    with pytest.raises(ArtganError, match="no upscaler 'magic'; there are auto, bicubic, lanczos, RealESRGAN_x4plus, "):
        load_upscaler("magic")
    with pytest.raises(ArtganError, match="pictures come at 64, 256, 1024 pixels, not at 512"):
        upscaling.passes(512)


def test_a_picture_that_is_not_finite_is_refused(picture: np.ndarray, shared_weights: Path, tmp_path: Path) -> None:
    state = torch.load(shared_weights / "realesr-general-x4v3.pth", weights_only=True)
    next(iter(state["params"].values())).fill_(float("nan"))
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(ArtganError, match="not finite"):
        load_upscaler(str(tmp_path / "broken.pth")).enlarge(picture)
