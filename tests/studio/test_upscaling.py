import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from artgan_lib import ArtganError, load_upscaler, synthetic_paintings
from artgan_lib.experiments.enlarger import EnlargerConfig, build_enlarger, export_enlarger
from artgan_lib.studio import upscaling


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
    upscaler = load_upscaler(download=False)
    enlarged = upscaler.to_size(picture, 256)
    assert enlarged.shape == (256, 256, 3)
    # The picture is still the same: averaged back, it differs by a few grey values, and it is sharper than bicubic.
    back = enlarged.reshape(64, 4, 64, 4, 3).mean((1, 3))
    assert np.abs(back - picture).mean() < 6
    bicubic = load_upscaler("bicubic").to_size(picture, 256)
    edges = [np.abs(np.diff(image.astype(float), axis=1)).max(1).mean() for image in (enlarged, bicubic)]
    assert edges[0] > edges[1]


def test_without_weights_and_network_the_way_out_is_named() -> None:
    with pytest.raises(ArtganError, match=r"is not on this machine; .* ARTGAN_WEIGHTS_DIR .*--upscaler bicubic"):
        load_upscaler(download=False)


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
    with pytest.raises(ArtganError, match="no upscaler 'magic'; there are auto, bicubic, lanczos, artgan-x4, realesr"):
        load_upscaler("magic")
    with pytest.raises(ArtganError, match="pictures come at 64, 256, 1024 pixels, not at 512"):
        upscaling.passes(512)


def test_a_picture_that_is_not_finite_is_refused(picture: np.ndarray, shared_weights: Path, tmp_path: Path) -> None:
    state = torch.load(shared_weights / "realesr-general-x4v3.pth", weights_only=True)
    next(iter(state["params"].values())).fill_(float("nan"))
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(ArtganError, match="not finite"):
        load_upscaler(str(tmp_path / "broken.pth")).enlarge(picture)


def test_our_own_enlarger_is_taken_where_it_is_asked_for_and_not_in_the_place_of_another(
    picture: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ArtganError, match="or take --upscaler bicubic"):
        load_upscaler("auto", download=False)
    with pytest.raises(ArtganError, match="no upscaler 'artgan-x4'"):
        load_upscaler("artgan-x4")
    config = EnlargerConfig(features=2, convolutions=1)
    path = export_enlarger(tmp_path / "artgan-x4.safetensors", build_enlarger(config), {})
    monkeypatch.setattr("artgan_lib.studio.upscaling.ENLARGER", path)
    own = load_upscaler("artgan-x4", download=False)
    assert (own.name, own.scale) == ("artgan-x4", 4)
    assert own.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert own.to_size(picture, 256).shape == (256, 256, 3)
    with pytest.raises(ArtganError, match="or take --upscaler bicubic"):
        load_upscaler("auto", download=False)
