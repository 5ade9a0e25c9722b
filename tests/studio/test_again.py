import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from artgan_lib import ArtganError, ConvertingSettings, GenerationJob, build_models, export_generator, preset
from artgan_lib.images import read_metadata
from artgan_lib.shipped import best_generator, shipped_generators
from artgan_lib.studio.again import origin_of, settings_like
from artgan_lib.studio.pipeline import versions
from artgan_lib.studio.settings import EnhancingSettings, GenerationSettings


def paint(
    model: Path, folder: Path, generation: GenerationSettings, upscaler: str = "lanczos", **converting: object
) -> list[Path]:
    enhancing = EnhancingSettings(256, upscaler)
    return GenerationJob(generation, enhancing, ConvertingSettings(**converting), folder, device="cpu").run().pictures


def noted(picture: Path, target: Path, change: dict[str, Any]) -> Path:
    """The same picture, whose file says something else of it."""
    with Image.open(picture) as image:
        told = json.loads(image.info["artgan"])
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

    def told(upscaler: str) -> list[str]:
        again = settings_like(picture, model, upscaler)
        job = GenerationJob(again.generation, again.enhancing, again.converting, tmp_path / "not used", device="cpu")
        return again.differences + again.enlarger_differences(job.enlarger)

    (difference,) = told("auto")
    assert difference.startswith("upscaler_sha256 ")
    assert told(str(own)) == []
    assert settings_like(picture, model, str(own)).enhancing.upscaler == str(own)


@pytest.mark.usefixtures("installed_networks")
def test_what_the_default_enlarged_is_made_again_by_the_same_copies(model: Path, tmp_path: Path) -> None:
    (picture,) = paint(model, tmp_path / "run", GenerationSettings(model, 1), "auto")
    again = settings_like(picture, model)
    assert again.enhancing.upscaler == read_metadata(picture)["upscaler"] == "RealESRGAN_x4plus-fp16"
    job = GenerationJob(again.generation, again.enhancing, again.converting, tmp_path / "again", device="cpu")
    assert again.enlarger_differences(job.enlarger) == []
    (copy,) = job.run().pictures
    with Image.open(copy) as one, Image.open(picture) as other:
        assert np.array_equal(one, other)


def test_a_network_of_ones_own_has_to_be_named(model: Path, tmp_path: Path) -> None:
    (picture,) = paint(model, tmp_path / "run", GenerationSettings(model, 1))
    other = noted(picture, tmp_path / "other.png", {"upscaler": "mine+bicubic"})
    with pytest.raises(ArtganError, match=r"was enlarged by a network of your own, mine\+bicubic; name its file"):
        settings_like(other, model)


def test_the_generator_of_a_picture_is_found_among_those_that_came(model: Path, tmp_path: Path) -> None:
    shipped = [one.path for one in shipped_generators()]
    (picture,) = paint(shipped[-1], tmp_path / "run", GenerationSettings(shipped[-1], 1))
    assert shipped[-1] != best_generator()
    assert origin_of(picture).model == settings_like(picture).generation.model == shipped[-1]
    (foreign,) = paint(model, tmp_path / "foreign", GenerationSettings(model, 1))
    with pytest.raises(ArtganError, match=r"was painted by another model, generator\.safetensors; name that by"):
        origin_of(foreign)
