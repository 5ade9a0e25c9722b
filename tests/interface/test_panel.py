"""The generation panel driven as an object: every control, limits, cancel at each stage, errors, threads."""

import errno
import io
import re
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from artgan_lib import ArtganError, load_generator, read_metadata, sample
from artgan_lib.interface import panel_settings
from artgan_lib.interface.panel import Panel
from artgan_lib.interface.panel_settings import Limits
from artgan_lib.interface.panel_texts import RefusalError
from artgan_lib.studio.interfaces import STAGES, Progress
from artgan_lib.studio.pipeline import GenerationJob
from artgan_lib.studio.store import ResultsStore


@pytest.fixture
def panel(model: Path, tmp_path: Path) -> Iterator[Panel]:
    made = Panel([model], tmp_path / "results", device="cpu", download=False)
    made.number.value, made.size.value = 3, 64
    yield made
    made.cancel()
    assert made.wait(30)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("panel-")]


def pixels(paths: list[Path]) -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def test_it_paints_what_its_settings_say(panel: Panel, model: Path) -> None:
    panel.seed.value = 9
    panel.generate(wait=True)
    assert panel.state == "done"
    assert np.array_equal(pixels(panel.pictures), sample(load_generator(model)[0], 9, 3))
    assert "3 pictures" in panel.status.line.value
    assert [tile.choose.description for tile in panel.gallery.tiles] == ["9:0", "9:1", "9:2"]


def test_every_control_reaches_the_settings(panel: Panel, model: Path, tmp_path: Path) -> None:
    panel.number.value, panel.seed.value, panel.variety.value = 5, 11, 1.0
    panel.size.value, panel.upscaler.value = 256, "lanczos"
    panel.format.value, panel.quality.value, panel.lossless.value, panel.sheet.value = "webp", 80, True, True
    panel.folder.value = str(tmp_path / "elsewhere")
    wanted = panel.settings.read()
    assert (wanted.generation.model, wanted.generation.count, wanted.generation.seed) == (model, 5, 11)
    assert (wanted.generation.truncation, wanted.generation.style) == (1.0, None)
    assert (wanted.enhancing.size, wanted.enhancing.upscaler) == (256, "lanczos")
    assert (wanted.converting.image_format, wanted.converting.quality) == ("webp", 80)
    assert wanted.converting.lossless
    assert wanted.converting.grid
    assert wanted.base == tmp_path / "elsewhere"
    panel.format.value = "jpeg"
    assert not panel.settings.read().converting.lossless
    panel.variety.value = 0.0
    assert panel.settings.read().generation.truncation is None


def test_what_does_not_matter_is_not_shown(panel: Panel) -> None:
    def shown(control: Any) -> bool:
        return bool(control.layout.display != "none")

    assert [shown(control) for control in (panel.upscaler, panel.quality, panel.lossless, panel.style)] == [False] * 4
    panel.size.value, panel.format.value = 256, "webp"
    assert [shown(control) for control in (panel.upscaler, panel.quality, panel.lossless)] == [True] * 3
    panel.lossless.value = True
    assert not shown(panel.quality)


def test_surprise_me_draws_another_seed(panel: Panel) -> None:
    seeds = set()
    for _ in range(5):
        panel.settings.surprise.click()
        seeds.add(panel.seed.value)
    assert len(seeds) > 1


def test_a_style_menu_is_there_for_models_that_know_styles_alone(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from artgan_lib.interface import panel_models

    load = panel_models.load_generator

    def knowing(path: Path) -> Any:
        generator, header = load(path)
        generator.classes, generator.class_counts = ("baroque", "realism"), torch.ones(2)
        return generator, header

    monkeypatch.setattr(panel_models, "load_generator", knowing)
    made = Panel([model], tmp_path, download=False)
    assert made.style.layout.display is None
    assert [name for _, name in made.style.options] == ["", "baroque", "realism"]
    made.style.value = "realism"
    assert made.settings.read().generation.style == "realism"
    assert "realism" in made.status.line.value


def test_the_estimate_is_told_before_the_start(panel: Panel) -> None:
    panel.size.value, panel.upscaler.value = 256, "bicubic"
    cost = panel.estimate()
    assert 0 < cost.seconds(3) < 60
    assert panel.status.estimate.value.startswith("About ")
    panel.number.value = 1
    panel.generate(wait=True)
    assert 0.3 < panel.pictures[0].stat().st_size / cost.picture_bytes < 3
    panel.quality.value, panel.format.value = 50, "jpeg"
    assert panel.status.estimate.value == "No estimate with these settings"  # none was measured for these
    panel.format.value = "png"


def test_it_measures_by_itself_once_it_is_displayed(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artgan_lib.interface.panel.display", lambda shown: None)
    panel._ipython_display_()
    panel.number.value = 2
    assert panel.wait(30)
    assert panel.status.estimate.value.startswith("About ")


def test_a_second_start_is_refused_while_one_runs(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    load = GenerationJob._load

    def slow(job: GenerationJob) -> Any:
        begun.set()
        go_on.wait(30)
        return load(job)

    monkeypatch.setattr(GenerationJob, "_load", slow)
    panel.generate()
    assert begun.wait(30)
    assert (panel.state, panel.status.paint.disabled, panel.status.cancel.disabled) == ("running", True, False)
    with pytest.raises(ArtganError, match="A run is going on"):
        panel.generate()
    panel.status.paint.click()  # a browser may send what its page does not offer
    assert "A run is going on" in panel.status.error.value
    go_on.set()
    assert panel.wait(30)
    assert (panel.state, len(panel.pictures)) == ("done", 3)


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_at_each_stage_keeps_whole_pictures(stage: str, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.number.value, panel.size.value, panel.upscaler.value = 20, 256, "bicubic"
    advance = panel._show_progress
    monkeypatch.setattr("artgan_lib.interface.panel_worker.REFRESH", -1.0)
    monkeypatch.setattr("artgan_lib.studio.upscaling.BATCH_CPU", 2)

    def cancel(progress: Progress, made: Any) -> None:
        advance(progress, made)
        if progress[:3] == (stage, 4, 20):
            panel.status.cancel.click()

    monkeypatch.setattr(panel, "_show_progress", cancel)
    panel.generate(wait=True)
    kept = 2 if stage == STAGES[0] else 4
    assert (panel.state, len(panel.pictures)) == ("cancelled", kept)
    assert all(picture.shape == (256, 256, 3) for picture in pixels(panel.pictures))
    assert f"{kept} of 20 kept" in panel.status.line.value
    panel.number.value = 1
    panel.generate(wait=True)  # and it can be used again
    assert panel.state == "done"


def test_thumbnails_and_the_bar_move_while_it_paints(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artgan_lib.interface.panel_worker.REFRESH", -1.0)
    seen: list[tuple[int, bool]] = []
    advance = panel._show_progress

    def look(progress: Progress, made: Any) -> None:
        advance(progress, made)
        seen.append((len(panel.gallery.tiles), 'aria-valuenow="1"' in panel.status.bar.value))

    monkeypatch.setattr(panel, "_show_progress", look)
    panel.generate(wait=True)
    assert {count for count, _ in seen} == {0, 1, 2, 3}
    assert any(one for _, one in seen)
    assert panel.status.bar.value == ""


def test_limits_hold_whatever_a_browser_sends(model: Path, tmp_path: Path) -> None:
    made = Panel([model], tmp_path / "own", limits=Limits(4, 256), confined=True, device="cpu", download=False)
    assert (made.number.high, [size for _, size in made.size.options]) == (4, [64, 256])
    made.number.high = 100
    made.number.value = 50
    with pytest.raises(RefusalError, match="at most 4 pictures, at most 256 pixels"):
        made.generate(wait=True)
    made.number.value, made.size.value = 1, 64
    made.folder.value = str(tmp_path / "foreign")
    assert made.folder.layout.display == "none"
    made.generate(wait=True)
    assert made.pictures[0].is_relative_to(tmp_path / "own")
    with pytest.raises(ArtganError):
        made.show_run("../../foreign")
    made.again_larger([made.gallery.tiles[0].shown], wait=True)
    with pytest.raises(RefusalError, match="largest size already"):
        made.again_larger([made.gallery.tiles[0].shown])


def test_missing_weights_are_told_in_one_sentence(
    panel: Panel, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "realesr-general-x4v3" not in panel.settings.upscalers  # it is not here and may not be fetched
    panel.settings.upscalers["realesr-general-x4v3"] = True  # it was here when the panel was made
    panel.upscaler.options = ["realesr-general-x4v3"]
    panel.size.value = 256
    panel.status.paint.click()
    assert panel.error is not None
    assert "is not on this machine; choose another one" in panel.status.error.value
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    panel.number.value = 1
    panel.generate(wait=True)
    assert read_metadata(panel.pictures[0])["upscaler"] == "realesr-general-x4v3"


def test_a_full_disk_keeps_whole_pictures_and_says_so(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    put = ResultsStore.put

    def full(store: ResultsStore, name: str, content: bytes, entry: dict[str, Any]) -> Path:
        if "_002_" in name:
            raise OSError(errno.ENOSPC, "No space left on device", name)
        return put(store, name, content, entry)

    monkeypatch.setattr(ResultsStore, "put", full)
    with pytest.raises(OSError, match="No space left"):
        panel.generate(wait=True)
    assert (panel.state, len(panel.pictures)) == ("failed", 2)
    assert "The disk is full" in panel.status.error.value
    assert "2 of 3 kept" in panel.status.line.value
    monkeypatch.undo()
    panel.generate(wait=True)
    assert (panel.state, panel.status.error.value) == ("done", "")


def test_a_folder_that_cannot_be_used_is_told(panel: Panel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    panel.folder.value = str(tmp_path / "file")
    with pytest.raises(ArtganError, match="is a file, or lies below one; name a folder"):
        panel.generate(wait=True)
    assert panel.state == "failed"
    panel.folder.value = " "
    panel.status.paint.click()
    assert "an empty path names nothing" in panel.status.error.value


def test_a_picture_whose_folder_was_deleted_is_told(panel: Panel) -> None:
    panel.generate(wait=True)
    for path in panel.pictures:
        path.unlink()
    panel.gallery.tiles[1].enlarge.click()
    assert "not on the disk any more: seed7_001_64px.png" in panel.status.error.value
    assert panel.gallery.open_at is None
    with pytest.raises(RefusalError, match="not on the disk"):
        panel.more_like([panel.gallery.tiles[0].shown])
    panel.gallery.zip.click()
    assert "cannot be packed" in panel.status.error.value
    panel.generate(wait=True)
    assert panel.state == "done"


def test_a_broken_model_is_listed_and_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "broken.safetensors").write_bytes(model.read_bytes()[:1000])
    (tmp_path / "models" / "whole.safetensors").write_bytes(model.read_bytes())
    made = Panel([tmp_path / "models"], tmp_path / "out", device="cpu", download=False)
    made.size.value, made.number.value = 64, 1
    assert made.model.options == ("whole", "broken")
    made.model.value = "broken"
    assert "cannot be read" in made.settings.card.value
    made.status.paint.click()
    assert "The model broken cannot be read; choose another one." in made.status.error.value
    assert "<details>" in made.status.error.value
    made.model.value = "whole"
    made.generate(wait=True)
    assert made.state == "done"
    (tmp_path / "models" / "whole.safetensors").unlink()  # deleted while the panel is open
    with pytest.raises(ArtganError, match="there is no model"):
        made.generate(wait=True)
    assert made.state == "failed"


def test_no_model_at_all_is_told(tmp_path: Path) -> None:
    made = Panel([tmp_path], tmp_path / "out")
    made.status.paint.click()
    assert "There is no model" in made.status.error.value


def test_a_defect_is_told_with_its_traceback_and_the_panel_goes_on(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(GenerationJob, "run", lambda job, on_progress: 1 / 0)
        panel.status.paint.click()
        assert panel.wait(30)
    assert panel.state == "failed"
    assert "Something failed that should not" in panel.status.error.value
    assert "ZeroDivisionError" in panel.status.error.value
    panel.generate(wait=True)
    assert panel.state == "done"


def test_one_picture_seen_large_tells_seed_and_settings(panel: Panel) -> None:
    panel.generate(wait=True)
    gallery = panel.gallery
    gallery.tiles[2].enlarge.click()
    assert (gallery.open_at, gallery.grid.layout.display, gallery.detail.layout.display) == (2, "none", None)
    for told in ("<dd>7, 2</dd>", "<dd>generator.safetensors</dd>", "<dd>64 × 64</dd>", "/seed7_002_64px.png</dd>"):
        assert told in gallery.facts.value.replace("<wbr>", "")
    assert 'download="seed7_002_64px.png"' in gallery.save.value
    gallery.next.click()
    assert gallery.open_at == 0
    gallery.previous.click()
    assert gallery.open_at == 2
    gallery.back.click()
    assert (gallery.open_at, gallery.grid.layout.display) == (None, None)


def test_more_like_this_paints_neighbours(panel: Panel) -> None:
    panel.generate(wait=True)
    panel.gallery.tiles[1].choose.value = True
    panel.more_like(panel.gallery.chosen(), seed=3, wait=True)
    recipes = [tile.shown.recipe or "" for tile in panel.gallery.tiles]
    assert len(recipes) == 8
    assert all(recipe.startswith("7:1*0.8+3:") for recipe in recipes)
    assert [tile.shown.name for tile in panel.gallery.tiles][:2] == ["№ 000", "№ 001"]


def test_chosen_pictures_again_larger_are_the_same_pictures(panel: Panel, model: Path) -> None:
    panel.upscaler.value = "bicubic"
    panel.generate(wait=True)
    panel.gallery.tiles[0].choose.value = panel.gallery.tiles[2].choose.value = True
    panel.gallery.larger.click()
    assert panel.wait(30)
    assert [read_metadata(path)["recipe"] for path in panel.pictures] == ["7:0", "7:2"]
    assert [picture.shape for picture in pixels(panel.pictures)] == [(256, 256, 3)] * 2
    small = [np.asarray(Image.fromarray(picture).reduce(4), int) for picture in pixels(panel.pictures)]
    assert np.abs(np.stack(small) - sample(load_generator(model)[0], 7, 3)[[0, 2]]).mean() < 4


def test_morph_makes_a_moving_picture_there_and_back(panel: Panel) -> None:
    panel.upscaler.value = "bicubic"
    panel.generate(wait=True)
    with pytest.raises(RefusalError, match="exactly two"):
        panel.morph([tile.shown for tile in panel.gallery.tiles])
    ends = pixels(panel.pictures)
    panel.morph([tile.shown for tile in panel.gallery.tiles[:2]], frames=4, wait=True)
    (film,) = panel.pictures
    with Image.open(film) as moving:
        assert moving.size == (256, 256)
        shown = []
        for frame in range(moving.n_frames):
            moving.seek(frame)
            shown.append(np.asarray(moving.convert("RGB").reduce(4), int))
        moving.load()
    assert np.abs(shown[0] - ends[0]).mean() < 6
    assert any(told.endswith("· morph") for told, _ in panel.gallery.runs.options)
    panel.gallery.tiles[0].enlarge.click()
    assert "data:image/webp" in panel.gallery.large.value
    assert panel.gallery.like_open.disabled  # of a moving picture there is no neighbour


def test_a_morph_can_be_cancelled(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.upscaler.value = "bicubic"
    panel.generate(wait=True)
    monkeypatch.setattr(panel.status, "advance", lambda progress, stored: panel.cancel())
    panel.morph([tile.shown for tile in panel.gallery.tiles[:2]], wait=True)
    assert (panel.state, panel.pictures) == ("cancelled", [])
    assert len(list(panel.settings.base.iterdir())) == 1  # nothing was stored


def test_all_pictures_go_into_one_zip(panel: Panel) -> None:
    panel.sheet.value = True
    panel.generate(wait=True)
    panel.gallery.zip.click()
    import base64

    _, _, rest = panel.gallery.link.value.partition("base64,")
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(rest.partition('"')[0]))).namelist()
    folder = panel.pictures[0].parent.name
    expected = {*(path.name for path in panel.pictures), "seed7_grid_64px.png", "manifest.json"}
    assert set(names) == {f"{folder}/{name}" for name in expected}
    assert "click()" in panel.gallery.script.outputs[0]["data"]["application/javascript"]


def test_earlier_runs_are_found_in_the_results_store(panel: Panel, model: Path) -> None:
    panel.generate(wait=True)
    first = panel.pictures
    panel.seed.value, panel.number.value = 8, 2
    panel.generate(wait=True)
    again = Panel([model], panel.settings.base, device="cpu", download=False)  # the next day
    told, folders = zip(*again.gallery.runs.options, strict=True)
    assert told[0] == "newest pictures (open for earlier ones)"
    assert "seed 8 · 2 pictures" in told[1]
    assert "seed 7 · 3 pictures" in told[2]
    again.gallery.runs.value = folders[2]
    assert again.pictures == first
    again.gallery.tiles[0].enlarge.click()
    assert "<dd>7, 0</dd>" in again.gallery.facts.value
    again.gallery.runs.value = ""
    assert again.pictures == []


def test_a_picture_of_a_model_that_is_not_listed_is_refused(panel: Panel, tmp_path: Path) -> None:
    panel.generate(wait=True)
    panel.settings.models.clear()
    with pytest.raises(RefusalError, match=r"a model that is not in the list, generator\.safetensors"):
        panel.more_like([panel.gallery.tiles[0].shown])


def test_it_speaks_another_language_at_once(panel: Panel) -> None:
    panel.generate(wait=True)
    panel.language.value = "uk"
    assert panel.status.paint.description == "Намалювати 3 картини"
    assert "Зроблено" in panel.status.line.value
    assert panel.gallery.tiles[0].enlarge.description == "Збільшити картину 7:0"
    panel.number.value = 21
    assert panel.status.paint.description == "Намалювати 21 картину"
    panel.language.value = "en"
    assert panel.status.paint.description == "Paint 21 pictures"


def test_networks_that_are_not_here_are_offered_only_where_they_may_be_fetched(model: Path, tmp_path: Path) -> None:
    offline = Panel([model], tmp_path, download=False)
    assert list(offline.settings.upscalers) == ["bicubic", "lanczos"]
    online = Panel([model], tmp_path, download=True)
    assert (online.upscaler.value, len(online.settings.upscalers)) == ("bicubic", 7)
    assert online.upscaler.options[-1][0].endswith(" ↓")
    assert "↓ is fetched first, once." in online.settings.size_hint.value
    assert "↓" not in offline.settings.size_hint.value
    assert panel_settings.Limits().count == 100


@pytest.mark.usefixtures("installed_networks")
def test_what_was_installed_is_offered_first_and_named_in_the_facts(model: Path, tmp_path: Path) -> None:
    panel = Panel([model], tmp_path, download=False)
    assert panel.upscaler.options[0] == ("Real-ESRGAN", "auto")
    assert [name for name, here in panel.settings.upscalers.items() if here] == [
        *("auto", "RealESRGAN_x4plus", "RealESRGAN_x4plus_anime_6B", "realesr-animevideov3", "bicubic", "lanczos")
    ]
    both = panel.texts.name("RealESRGAN_x4plus-fp16+realesr-animevideov3-fp16")
    assert both == "Real-ESRGAN x4plus + Real-ESRGAN, animation"


@pytest.mark.parametrize(
    ("typed", "told"), [(500, "500 is over the limit of 100"), (0, "0 is under the least, 1"), (-3, "-3 is")]
)
def test_a_number_beyond_its_limits_is_told_with_what_is_taken(panel: Panel, typed: int, told: str) -> None:
    assert panel.settings.number_hint.value == "100 at a time at most."
    panel.number.value = typed
    used = 100 if typed > 1 else 1
    assert panel.number.value == used
    assert f'role="alert">{told}' in panel.settings.number_hint.value
    assert f"so {used} is taken." in panel.settings.number_hint.value
    assert panel.status.paint.description == f"Paint {used} picture" + "s" * (used > 1)
    panel.language.value = "uk"
    assert f"тож узято {used}." in panel.settings.number_hint.value
    panel.language.value = "en"
    panel.number.set_state({"value": 7})  # by a browser
    assert panel.settings.number_hint.value == "100 at a time at most."
    panel.number.set_state({"value": typed})
    assert (panel.number.value, told in panel.settings.number_hint.value) == (used, True)


def test_seed_and_quality_tell_their_limits_as_well(panel: Panel) -> None:
    panel.seed.value = 2**31
    assert "2,147,483,648 is over the limit of 2,147,483,647" in panel.settings.seed_hint.value
    panel.seed.value = 5
    assert panel.settings.seed_hint.value.startswith("Same seed")
    panel.format.value, panel.quality.value = "jpeg", 101
    assert (panel.quality.value, panel.settings.quality_hint.layout.display) == (100, None)
    assert "101 is over the limit of 100, so 100 is taken." in panel.settings.quality_hint.value
    panel.format.value = "png"
    assert panel.settings.quality_hint.layout.display == "none"


def test_from_a_film_one_gets_back_to_its_pictures(panel: Panel) -> None:
    panel.upscaler.value = "bicubic"
    panel.generate(wait=True)
    first, gallery = panel.pictures, panel.gallery
    assert gallery.origin.layout.display == "none"
    panel.morph([tile.shown for tile in gallery.tiles[:2]], frames=4, wait=True)
    assert re.search(r"Film of 8 frames in \d+ s", panel.status.line.value)
    panel.language.value = "uk"
    assert "Фільм, кадрів: 8, за" in panel.status.line.value
    panel.language.value = "en"
    assert (gallery.origin.layout.display, gallery.origin.description) == (None, "Back to the pictures")
    gallery.origin.click()
    assert panel.pictures == first
    assert gallery.runs.value == first[0].parent.name  # the menu says so, too
    assert "Film" not in panel.status.line.value
    assert gallery.origin.layout.display == "none"
    gallery.runs.value = ""
    assert [path.suffix for path in panel.pictures] == [".webp"]
    assert gallery.origin.layout.display is None
    for path in [*first, first[0].parent / "manifest.json"]:
        path.unlink()
    gallery.origin.click()
    assert f"This run is not among the results any more: {first[0].parent.name}." in panel.status.error.value
    panel.generate(wait=True)
    assert "3 pictures in" in panel.status.line.value
    assert gallery.origin.layout.display == "none"


def test_a_run_that_was_deleted_leaves_the_menu_with_a_sentence(panel: Panel) -> None:
    panel.generate(wait=True)
    folder = panel.pictures[0].parent
    panel.generate(wait=True)
    newest = panel.pictures
    shutil.rmtree(folder)
    panel.gallery.runs.value = folder.name
    assert "not among the results any more" in panel.status.error.value
    panel.language.value = "uk"
    assert "Цієї роботи вже немає серед результатів" in panel.status.error.value
    panel.language.value = "en"
    assert panel.gallery.runs.value == ""
    assert folder.name not in [name for _, name in panel.gallery.runs.options]
    assert panel.pictures == newest


def test_while_a_run_goes_on_no_other_is_shown(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.generate(wait=True)
    earlier, disabled = panel.pictures[0].parent.name, []
    panel.gallery.runs.value = earlier

    def look(progress: Progress, made: Any) -> None:
        disabled.append((panel.gallery.runs.disabled, panel.gallery.runs.value))
        with pytest.raises(RefusalError, match="A run is going on"):
            panel.show_run(earlier)

    monkeypatch.setattr(panel, "_show_progress", look)
    panel.generate(wait=True)
    assert set(disabled) == {(True, "")}
    assert not panel.gallery.runs.disabled


def test_bar_and_line_agree_at_every_stage(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artgan_lib.interface.panel_worker.REFRESH", -1.0)
    panel.size.value, panel.upscaler.value = 256, "bicubic"
    seen: list[tuple[str, int, int]] = []
    advance = panel._show_progress

    def look(progress: Progress, made: Any) -> None:
        advance(progress, made)
        bar = panel.status.bar.value
        found = re.search(r'valuenow="(\d+)" .*?width:([\d.]+)%.*>(\w+) · (\d+) of (\d+)( frames)? done', bar)
        assert found, bar
        now, width, _, done, total = found.groups()[:5]
        assert now == done
        assert float(width) == pytest.approx(100 * int(done) / int(total), abs=0.1)
        assert found[6] or len(panel.gallery.tiles) == int(done)
        seen.append((progress.stage, int(done), int(total)))

    monkeypatch.setattr(panel, "_show_progress", look)
    panel.generate(wait=True)
    assert {stage for stage, _, _ in seen} == set(STAGES)
    assert {done for _, done, _ in seen} == {0, 1, 2, 3}
    seen.clear()
    panel.morph([tile.shown for tile in panel.gallery.tiles[:2]], frames=4, wait=True)
    assert [done for stage, done, _ in seen if stage == STAGES[1]] == list(range(1, 9))


def displayed(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artgan_lib.interface.panel.display", lambda shown: None)
    panel._ipython_display_()


def test_no_change_of_settings_leaves_it_estimating_for_ever(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change may come when the thread has looked at the settings for the last time; then it looks again."""
    displayed(panel, monkeypatch)
    assert panel.wait(30)
    told = panel.estimates.measured

    def late() -> None:
        panel.estimates.measured = told
        panel.format.value = "jpeg"
        assert panel.status.estimate.value == "Estimating …"
        told()

    panel.estimates.measured = late
    panel.sheet.value = True
    assert panel.wait(30)
    assert panel.status.estimate.value.startswith("About ")


def test_what_was_chosen_during_a_run_is_estimated_after_it(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    displayed(panel, monkeypatch)
    assert panel.wait(30)
    told: list[str] = []
    advance = panel._show_progress

    def change(progress: Progress, made: Any) -> None:
        advance(progress, made)
        panel.format.value = "jpeg"
        told.append(panel.status.estimate.value)

    monkeypatch.setattr(panel, "_show_progress", change)
    panel.generate(wait=True)
    assert set(told) == {"The estimate follows after this run"}
    assert panel.wait(30)
    assert panel.status.estimate.value.startswith("About ")


def test_an_enlarger_is_not_fetched_for_an_estimate(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    displayed(panel, monkeypatch)
    panel.settings.upscalers["RealESRGAN_x4plus"] = False
    panel.upscaler.options = ["bicubic", "RealESRGAN_x4plus"]
    assert panel.wait(30)
    monkeypatch.setattr(GenerationJob, "measure", lambda job: 1 / 0)
    panel.upscaler.value, panel.size.value = "RealESRGAN_x4plus", 1024
    assert panel.wait(30)
    assert panel.status.estimate.value == "No estimate: the enlarger is fetched first, once"


def test_the_large_view_names_the_enlarger_as_the_menu_does(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.size.value, panel.upscaler.value = 256, "bicubic"
    panel.generate(wait=True)
    for language in ("en", "uk"):
        panel.language.value = language
        panel.gallery.tiles[0].enlarge.click()
        menu = {value: name for name, value in panel.upscaler.options}
        assert f"<dd>{menu['bicubic']}</dd>" in panel.gallery.facts.value
