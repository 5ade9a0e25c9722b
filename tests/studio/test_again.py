import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from artgan_lib import ArtganError, ConvertingSettings, GenerationJob, build_models, export_generator, preset
from artgan_lib.images import read_metadata
from artgan_lib.studio.again import settings_like
from artgan_lib.studio.pipeline import versions
from artgan_lib.studio.settings import EnhancingSettings, GenerationSettings


def paint(
    model: Path, folder: Path, generation: GenerationSettings, upscaler: str = "lanczos", **converting: object
) -> list[Path]:
    enhancing = EnhancingSettings(256, upscaler)
    return GenerationJob(generation, enhancing, ConvertingSettings(**converting), folder, device="cpu").run().pictures


def noted(picture: Path, target: Path, change: dict[str, Any], without: tuple[str, ...] = ()) -> Path:
    """The same picture, whose file says something else of it."""
    with Image.open(picture) as image:
        told = {name: value for name, value in json.loads(image.info["artgan"]).items() if name not in without}
        info = PngImagePlugin.PngInfo()
        info.add_text("artgan", json.dumps(told | change))
        image.save(target, pnginfo=info)
    return target


@pytest.mark.parametrize(
    "converting", [{}, {"image_format": "jpeg"}, {"image_format": "webp"}, {"image_format": "webp", "lossless": True}]
)
def test_a_picture_says_how_it_is_made_again_in_every_format(
    converting: dict[str, object], model: Path, tmp_path: Path
) -> None:
    wanted = GenerationSettings(model, seed=7, recipes=("7:3", "7:3*0.5+9:1*0.5"), truncation=1.5)
    for picture in paint(model, tmp_path / "first", wanted, **converting):
        again = settings_like(picture, model)
        assert again.differences == []
        job = GenerationJob(again.generation, again.enhancing, again.converting, tmp_path / picture.stem, device="cpu")
        (copy,) = job.run().pictures
        assert copy.suffix == picture.suffix
        with Image.open(copy) as one, Image.open(picture) as other:
            assert np.array_equal(one, other)


def test_other_versions_are_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (picture,) = paint(model, tmp_path, GenerationSettings(model, 1))
    monkeypatch.setattr("artgan_lib.studio.again.versions", lambda: versions() | {"torch": "99.0"})
    (difference,) = settings_like(picture, model).differences
    assert difference.startswith("torch ")
    assert difference.endswith(" -> 99.0")


def test_what_cannot_be_made_again_is_told(model: Path, tmp_path: Path) -> None:
    (picture,) = paint(model, tmp_path / "run", GenerationSettings(model, 1))
    config = preset("dcgan", "smoke", seed=4)
    other = export_generator(tmp_path / "other.safetensors", build_models(config)[0], config, {"step": 0})
    with pytest.raises(ArtganError, match=r"was painted by another model, generator\.safetensors; name that by"):
        settings_like(picture, other)
    with pytest.raises(ArtganError, match="there is no model"):
        settings_like(picture, tmp_path / "nothing")
    Image.new("RGB", (8, 8)).save(tmp_path / "foreign.png")
    with pytest.raises(ArtganError, match="does not say how it was made"):
        settings_like(tmp_path / "foreign.png", model)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ArtganError, match="is not a picture that can be read"):
        settings_like(tmp_path / "text.png", model)


@pytest.mark.parametrize("change", [{"seed": "x"}, {"size": 65}, {"recipe": "nonsense"}, {"seed": -1}, {"upscaler": 5}])
def test_a_forged_recipe_is_refused(change: dict[str, object], model: Path, tmp_path: Path) -> None:
    (picture,) = paint(model, tmp_path / "run", GenerationSettings(model, 1))
    with pytest.raises(ArtganError):
        settings_like(noted(picture, tmp_path / "forged.png", change), model)


def test_another_network_of_the_same_name_is_told(
    model: Path, shared_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own" / "realesr-general-x4v3.pth"
    own.parent.mkdir()
    own.write_bytes((shared_weights / "realesr-animevideov3.pth").read_bytes())
    (picture,) = paint(model, tmp_path / "run", GenerationSettings(model, 1), str(own))
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    (difference,) = settings_like(picture, model).differences
    assert difference.startswith("upscaler_sha256 ")
    assert settings_like(picture, model, str(own)).differences == []
    assert settings_like(picture, model, str(own)).enhancing.upscaler == str(own)


def test_a_picture_enlarged_in_half_precision_is_made_again_so_or_the_difference_is_told(
    model: Path, shared_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))

    def told(picture: Path, able: bool, upscaler: str = "auto") -> tuple[str, list[str]]:
        """What is set for the picture, and what is told of precision, where the processor is able or not."""
        monkeypatch.setattr("artgan_lib.studio.networks.has_bfloat16", lambda: able)
        again = settings_like(picture, model, upscaler)
        job = GenerationJob(again.generation, again.enhancing, again.converting, tmp_path / "not used", device="cpu")
        return again.enhancing.precision, again.differences + again.enlarger_differences(job.enlarger)

    for able in (True, False):
        monkeypatch.setattr("artgan_lib.studio.networks.has_bfloat16", lambda able=able: able)
        paint(model, tmp_path / str(able), GenerationSettings(model, 1), "auto")
    (narrow,), (exact,) = ([*(tmp_path / str(able)).glob("*.png")] for able in (True, False))
    changed = ["upscaler_precision bfloat16 -> float32"]
    assert told(narrow, True) == ("auto", [])
    assert told(narrow, False) == ("auto", changed)
    assert told(narrow, True, str(shared_weights / "realesr-general-x4v3.pth")) == ("auto", changed)
    assert told(exact, True) == told(exact, False) == ("float32", [])


def test_what_ncnn_enlarged_is_so_again_or_it_is_told(
    model: Path, shared_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    monkeypatch.setattr("artgan_lib.studio.networks.has_bfloat16", lambda: False)
    (picture,) = paint(model, tmp_path / "run", GenerationSettings(model, 1), "auto")
    assert read_metadata(picture)["backend"] == "ncnn"
    assert read_metadata(picture)["ncnn"] == version("ncnn")

    def told(picture: Path) -> list[str]:
        again = settings_like(picture, model)
        job = GenerationJob(again.generation, again.enhancing, again.converting, tmp_path / "not used", device="cpu")
        return again.enlarger_differences(job.enlarger)

    old = noted(picture, tmp_path / "old.png", {"backend": "spandrel", "ncnn": None})
    assert told(picture) == told(old) == []
    later = noted(picture, tmp_path / "later.png", {"ncnn": "2.0"})
    assert told(later) == [f"ncnn 2.0 -> {version('ncnn')}"]
    monkeypatch.setitem(sys.modules, "ncnn", None)  # what import takes for "there is none"
    assert told(picture)[0] == "backend ncnn -> spandrel"
    assert told(old) == []
    assert settings_like(old, model).enhancing.backend == "spandrel"


@pytest.mark.parametrize(
    ("about", "precision"),
    [
        ({"device": "cpu", "upscaler_sha256": "0"}, "float32"),
        ({"device": "mps", "upscaler_sha256": "0"}, "float32"),
        ({"device": "cuda", "upscaler_sha256": "0"}, "auto"),
        ({"device": "cuda", "upscaler_sha256": None}, None),
    ],
)
def test_what_pictures_were_enlarged_in_before_that_was_noted(
    about: dict[str, str | None], precision: str | None, model: Path, tmp_path: Path
) -> None:
    (picture,) = paint(model, tmp_path / "run", GenerationSettings(model, 1))
    again = settings_like(noted(picture, tmp_path / "old.png", about, without=("upscaler_precision", "backend")), model)
    assert again.enlarger["upscaler_precision"] == precision
    assert again.enhancing.backend == ("spandrel" if about["upscaler_sha256"] else "auto")
    assert again.enhancing.precision == ("float32" if precision == "float32" else "auto")
