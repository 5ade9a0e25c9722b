import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artgan_lib import (
    ArtganError,
    ConvertingSettings,
    EnhancingSettings,
    GenerationJob,
    GenerationSettings,
    load_generator,
    read_metadata,
    sample,
)
from artgan_lib.images import FORMATS
from artgan_lib.studio.interfaces import STAGES, Progress
from artgan_lib.studio.pipeline import JobResult
from artgan_lib.studio.store import read_run


def job(model: Path, folder: Path, count: int = 3, size: int = 64, **converting: object) -> GenerationJob:
    return GenerationJob(
        GenerationSettings(model, count, seed=7),
        EnhancingSettings(size, "bicubic"),
        ConvertingSettings(**converting),
        folder,
        device="cpu",
        download=False,
    )


def pixels(result: JobResult) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in result.pictures]


def test_pictures_on_the_disk_are_those_of_the_generator(model: Path, tmp_path: Path) -> None:
    result = job(model, tmp_path / "out").run()
    assert np.array_equal(pixels(result), sample(load_generator(model)[0], 7, 3))
    assert [path.name for path in result.pictures] == [f"seed7_00{i}_64px.png" for i in range(3)]


@pytest.mark.parametrize("size", [256, 1024])
def test_same_seed_same_picture_whatever_the_count_and_size(size: int, model: Path, tmp_path: Path) -> None:
    few = job(model, tmp_path / "few", count=1, size=size).run()
    many = job(model, tmp_path / "many", count=18 if size == 256 else 2, size=size).run()
    assert pixels(few)[0].shape == (size, size, 3)
    assert few.pictures[0].read_bytes() == many.pictures[0].read_bytes()


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_carries_its_recipe(image_format: str, model: Path, tmp_path: Path) -> None:
    result = job(model, tmp_path, count=2, image_format=image_format).run()
    with Image.open(result.pictures[1]) as image:
        assert image.format == image_format.upper()
    recipe = read_metadata(result.pictures[1])
    assert (recipe["seed"], recipe["number"], recipe["size"], recipe["upscaler"]) == (7, 1, 64, None)
    assert recipe["model"] == model.name
    assert len(recipe["model_sha256"]) == 64


def test_contact_sheet_and_manifest(model: Path, tmp_path: Path) -> None:
    result = job(model, tmp_path, count=5, size=256, grid=True).run()
    assert result.grid is not None
    with Image.open(result.grid) as sheet:
        assert sheet.size == (3 * 258 + 2, 2 * 258 + 2)
    manifest = json.loads(result.manifest.read_text())
    assert manifest["complete"]
    assert [image["number"] for image in manifest["images"]] == [0, 1, 2, 3, 4, None]
    assert manifest["generation"] | {"recipes": []} == {
        "model": model.name,
        "count": 5,
        "seed": 7,
        "recipes": [],
        "truncation": None,
        "style": None,
    }
    assert (read_run(tmp_path).count, len(read_run(tmp_path).pictures)) == (5, 6)  # the sheet is no picture
    assert [image["recipe"] for image in manifest["images"]] == ["7:0", "7:1", "7:2", "7:3", "7:4", None]
    assert all((tmp_path / image["file"]).is_file() for image in manifest["images"])
    assert tuple(manifest["stage_seconds"]) == STAGES


@pytest.fixture
def in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enlarge two pictures at once, however many cores there are."""
    monkeypatch.setattr("artgan_lib.studio.upscaling.BATCH_CPU", 2)


@pytest.mark.usefixtures("in_pairs")
def test_progress_counts_every_picture_in_every_stage(model: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    job(model, tmp_path, count=20, size=256).run(heard.append)
    assert Counter(progress.stage for progress in heard) == dict.fromkeys(STAGES, 20)
    for stage in STAGES:
        assert [progress.done for progress in heard if progress.stage == stage] == list(range(1, 21))
    # The first picture is stored before the third is enlarged.
    order = [progress[:3] for progress in heard]
    assert order.index((STAGES[3], 1, 20)) < order.index((STAGES[1], 3, 20))
    # The time left is known from the first stored picture on, and in the end nothing is left.
    stored = order.index((STAGES[3], 1, 20))
    assert [number for number, progress in enumerate(heard) if progress.seconds_left is None] == list(range(stored))
    assert heard[-1].seconds_left == 0


@pytest.mark.usefixtures("in_pairs")
@pytest.mark.parametrize("stage", STAGES)
def test_cancel_at_any_stage_leaves_whole_pictures_and_a_true_manifest(stage: str, model: Path, tmp_path: Path) -> None:
    running = job(model, tmp_path, count=20, size=256)

    def cancel(progress: Progress) -> None:
        if progress[:3] == (stage, 4, 20):
            running.cancel()

    result = running.run(cancel)
    assert result.cancelled
    # Pictures that are enlarged are finished; those that are only painted, the pair of 3 and 4, are not.
    assert len(result.pictures) == (2 if stage == STAGES[0] else 4)
    assert all(picture.shape == (256, 256, 3) for picture in pixels(result))
    manifest = json.loads(result.manifest.read_text())
    assert not manifest["complete"]
    assert [image["file"] for image in manifest["images"]] == [path.name for path in result.pictures]


def test_a_full_disk_leaves_whole_pictures_and_a_true_manifest(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from artgan_lib.studio.store import ResultsStore

    put = ResultsStore.put

    def full(store: ResultsStore, name: str, content: bytes, entry: dict[str, Any]) -> Path:
        if "_002_" in name:
            raise OSError(28, "No space left on device", name)
        return put(store, name, content, entry)

    monkeypatch.setattr(ResultsStore, "put", full)
    with pytest.raises(OSError, match="No space left"):
        job(model, tmp_path).run()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert [image["number"] for image in manifest["images"]] == [0, 1]


@pytest.mark.parametrize("count", [0, -1, 101])
def test_too_few_or_too_many_are_refused(count: int, model: Path) -> None:
    with pytest.raises(ArtganError, match=f"a run paints 1 to 100 pictures, not {count}"):
        GenerationSettings(model, count)


def test_other_settings_out_of_range_are_refused(model: Path) -> None:
    with pytest.raises(ArtganError, match="the seed must lie in 0 to 2147483647, not -1"):
        GenerationSettings(model, seed=-1)
    with pytest.raises(ArtganError, match="pictures come at 64, 256, 1024 pixels, not at 65"):
        EnhancingSettings(65)
    with pytest.raises(ArtganError, match="no picture format 'gif'"):
        ConvertingSettings("gif")


def test_what_can_be_refused_is_refused_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    wanting = GenerationJob(
        GenerationSettings(model),
        EnhancingSettings(256, "RealESRGAN_x4plus"),
        ConvertingSettings(),
        out,
        device="cpu",
        download=False,
    )
    with pytest.raises(ArtganError, match="--upscaler bicubic"):
        wanting.run()
    with pytest.raises(ArtganError, match="there is no model"):
        job(tmp_path / "nothing", out).run()
    assert not out.exists()
