import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artgan_lib import open_cache, read_log, read_metadata, synthetic_paintings
from artgan_lib.interface.cli import main
from artgan_lib.shipped import best_generator, shipped_generators

TINY = ["--set", "width=2", "--set", "batch_size=4", "--set", "images_per_epoch=12", "--set", "epochs=2"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images, labels = synthetic_paintings(12, size=80)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = tmp_path / "paintings" / f"look{label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    (tmp_path / "paintings" / "look0" / "notes.txt").write_text("no picture")
    return tmp_path / "paintings"


def test_from_a_folder_to_a_picture(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way, by the commands that the README shows."""
    cache, runs, out = tmp_path / "cache", tmp_path / "run", tmp_path / "out"
    status, told, _ = run(capsys, "prepare", folder, "--out", cache)
    assert status == 0
    assert "left out: look0/notes.txt: not a picture that Pillow can read" in told
    assert "12 pictures in 10 styles" in told
    assert len(open_cache(cache).images) == 12

    command = ["train", "--variant", "wgan-gp", "--data", cache, "--run-dir", runs, "--profile", "smoke", *TINY]
    status, told, _ = run(capsys, *command)
    assert status == 0
    assert told.count("epoch") == 2  # one line an epoch where there is no terminal
    assert "done: 8 of 8 steps" in told
    assert len(read_log(runs / "log.jsonl")) == 2

    model = runs / "generator.safetensors"
    command = ["generate", "--model", model, "--count", 2, "--size", 256, "--seed", 3, "--upscaler", "bicubic"]
    status, told, _ = run(capsys, *command, "--out", out, "--format", "webp", "--grid")
    assert status == 0
    assert "2 pictures of 256 x 256" in told
    names = ["manifest.json", "seed3_000_256px.webp", "seed3_001_256px.webp", "seed3_grid_256px.webp"]
    assert sorted(path.name for path in out.iterdir()) == names
    with Image.open(out / names[1]) as picture:
        assert np.asarray(picture).shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generate", "--model", "{model}", "--count", "0"], "a run paints 1 to 100 pictures, not 0"),
        (["generate", "--model", "{model}", "--count", "101"], "a run paints 1 to 100 pictures, not 101"),
        (["generate", "--model", "{model}", "--count", "many"], "argument --count: invalid int value: 'many'"),
        (["generate", "--model", "{model}", "--size", "128"], "pictures come at 64, 256, 1024 pixels, not at 128"),
        (["generate", "--model", "{model}", "--format", "gif"], "there is no picture format 'gif'"),
        (["generate", "--model", "{model}", "--quality", "0"], "quality must lie in 1 to 100, not 0"),
        (["generate", "--model", "{model}", "--seed", "-1"], "the seed must lie in 0 to 2147483647, not -1"),
        (["generate", "--model", "{model}", "--device", "abacus"], "there is no device 'abacus'"),
        (["generate", "--model", "{model}", "--size", "256", "--upscaler", "magic"], "there is no upscaler 'magic'"),
        (["generate", "--model", "{model}", "--device", "cpu:foo"], "there is no device 'cpu:foo'"),
        (["generate", "--model", ""], "an empty path names nothing"),
        (["generate", "--model", "{model}", "--size", "256", "--upscaler", "{text}"], "is not an upscaling network"),
        (["generate", "--model", "{text}"], "is not a whole generator file of artgan"),
        (["generate", "--model", "{tmp}/nothing"], "there is no model"),
        (["prepare", "{tmp}/nothing"], "there is no folder or archive"),
        (["prepare", "{text}"], "is not an archive"),
    ],
)
def test_wrong_input_is_one_sentence_and_status_2(
    arguments: list[str], sentence: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.safetensors"
    text.write_text("no model, no archive. " * 100)
    filled = [part.format(model=model, text=text, tmp=tmp_path) for part in arguments]
    status, out, err = run(capsys, *filled, "--out", tmp_path / "out")
    assert status == 2
    assert out == ""
    assert err.startswith("artgan: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "lr=fast"], "lr takes a number, not 'fast'"),
        (["--set", "width=0"], "width must lie in 1 to 1024, not 0"),
        (["--set", "depth=3"], "there is no setting 'depth'"),
        (["--data", "{tmp}/nothing"], "is not a cache of pictures"),
        (["--profile", "huge"], "argument --profile: invalid choice: 'huge'"),
    ],
)
def test_wrong_training_is_one_sentence_and_status_2(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [part.format(tmp=tmp_path) for part in arguments]
    base = ["train", "--variant", "dcgan", "--data", "synthetic", "--profile", "smoke", "--run-dir", tmp_path / "run"]
    status, _, err = run(capsys, *base, *filled)
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_told(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    status, _, err = run(capsys, "generate", "--model", model, "--out", tmp_path / "file" / "out")
    assert status == 2
    assert err == f"artgan: {tmp_path / 'file' / 'out'}: Not a directory\n"


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "artgan_lib", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == "artgan 0.1.0\n"


def test_a_picture_is_made_again_varied_and_walked_through(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    painting = ["generate", "--model", model, "--device", "cpu", "--upscaler", "bicubic"]
    assert run(capsys, *painting, "--count", 3, "--seed", 7, "--size", 256)[0] == 0
    (folder,) = (tmp_path / "results").iterdir()  # without --out, a folder named by time, model and seed
    assert folder.name.endswith("_dcgan_seed7")
    picture = folder / "seed7_002_256px.png"

    status, _, err = run(capsys, *painting, "--like", picture, "--out", "again")
    assert (status, err) == (0, "")
    assert (tmp_path / "again" / "recipe_000_256px.png").read_bytes() != b""
    with Image.open(picture) as one, Image.open(tmp_path / "again" / "recipe_000_256px.png") as other:
        assert np.array_equal(one, other)

    assert run(capsys, *painting, "--vary", picture, "--amount", 0.3, "--count", 4, "--out", "near")[0] == 0
    assert len(list((tmp_path / "near").glob("*.png"))) == 4

    walking = ["walk", "--model", model, "--device", "cpu", "--frames", 3, "--out", "walk.gif"]
    status, told, _ = run(capsys, *walking, "--through", "7:0", "--through", "7:2")
    assert status == 0
    assert "6 frames through 7:0 7:2 -> walk.gif" in told
    assert "is there already" in run(capsys, *walking)[2]

    status, told, _ = run(capsys, "results", "list")
    assert status == 0
    assert f"{folder.name} " in told
    assert "complete" in told
    assert run(capsys, "results", "show", folder)[0] == 0
    assert run(capsys, "results", "zip", folder)[1].strip().endswith(f"{folder.name}.zip")
    assert run(capsys, "results", "rm", folder)[0] == 0
    assert not folder.exists()
    assert "holds no results" in run(capsys, "results", "show", folder)[2]


def test_neighbours_are_of_the_pictures_own_generator_and_truncation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    own = next(shipped.path for shipped in shipped_generators() if shipped.path != best_generator())
    painting = ["generate", "--device", "cpu", "--count", 1]
    assert run(capsys, *painting, "--model", own, "--truncation", 1.5, "--out", "first")[0] == 0
    picture = tmp_path / "first" / "seed0_000_64px.png"

    def neighbour(*options: object) -> dict[str, Any]:
        status, _, err = run(capsys, *painting, "--vary", picture, "--overwrite", "--out", "near", *options)
        assert (status, err) == (0, "")
        return read_metadata(tmp_path / "near" / "recipe_000_64px.png")

    assert (neighbour()["model"], neighbour()["truncation"]) == (own.name, 1.5)
    assert neighbour("--truncation", 0.5)["truncation"] == 0.5
    assert neighbour("--model", own)["model"] == own.name
    status, _, err = run(capsys, *painting, "--vary", picture, "--model", best_generator(), "--out", "other")
    assert status == 2
    assert "was painted by another model" in err
    status, _, err = run(capsys, *painting, "--like", picture, "--out", "again")
    assert (status, err) == (0, "")
    assert (tmp_path / "again" / "recipe_000_64px.png").read_bytes() != b""


def test_what_upscale_writes_says_how_it_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (8, 6), (9, 80, 200)).save(tmp_path / "a.png")
    assert run(capsys, "upscale", tmp_path / "a.png", tmp_path / "once", "--scale", 4, "--upscaler", "bicubic")[0] == 0
    again = [tmp_path / "once" / "a.png", tmp_path / "twice", "--scale", 16, "--upscaler", "lanczos+bicubic"]
    assert run(capsys, "upscale", *again)[0] == 0
    told = read_metadata(tmp_path / "twice" / "a.png")
    assert (told["upscaler"], told["scale"], told["of"]["upscaler"]) == ("lanczos+bicubic", 16, "bicubic")


def test_without_networks_a_command_says_that_it_interpolates(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    painting = ["generate", "--model", model, "--device", "cpu", "--count", 1, "--size", 256, "--offline"]
    status, _, err = run(capsys, *painting, "--out", tmp_path / "run")
    assert status == 0
    assert "Pictures are enlarged by bicubic interpolation" in err


def test_a_run_that_was_stopped_does_not_count_as_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from artgan_lib.gan import training

    result = training.TrainResult(tmp_path, tmp_path / "g.safetensors", tmp_path / "log.jsonl", 3, finished=False)
    monkeypatch.setattr(training, "train", lambda *arguments, **options: result)
    arguments = ["train", "--variant", "dcgan", "--profile", "smoke", "--data", "synthetic", "--run-dir", str(tmp_path)]
    assert main(arguments) == 130


def test_variants_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, told, _ = run(capsys, "variants")
    assert status == 0
    assert "wgan-clip              wgan-gp with gradient_correction=clip-weights" in told


def test_without_a_model_the_best_that_came_with_the_clone_paints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, listed, _ = run(capsys, "models")
    assert status == 0
    heading, first, *_ = listed.splitlines()
    assert heading.split()[:3] == ["model", "variant", "width"]
    status, _, _ = run(capsys, "generate", "--count", 1, "--out", tmp_path, "--device", "cpu")
    assert status == 0
    assert read_metadata(tmp_path / "seed0_000_64px.png")["model"] == f"{first.split()[0]}.safetensors"


def test_a_watched_run_tells_its_collapses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("train", "--variant", "dcgan", "--data", "synthetic", "--profile", "smoke", *TINY, "--device", "cpu")
    status, _, _ = run(capsys, *command, "--run-dir", tmp_path / "one", "--watch-collapse", 2)
    assert status == 0
    assert read_log(tmp_path / "one" / "log.jsonl")["diversity"].notna().tolist() == [False, True]
    run(capsys, *command, "--run-dir", tmp_path / "other", "--watch-collapse", 1)
    status, told, _ = run(capsys, "collapse", tmp_path / "one", tmp_path / "other" / "log.jsonl")
    assert status == 0
    assert told.count("none in 2 epochs") == 2
    assert "collapsed: 0 of 2 (0 % to 66 %)" in told
    run(capsys, *command, "--run-dir", tmp_path / "unwatched", "--watch-collapse", 0)
    status, _, wrong = run(capsys, "collapse", tmp_path / "unwatched")
    assert status == 2
    assert "holds no signals of collapse" in wrong
    status, _, wrong = run(capsys, *command, "--run-dir", tmp_path / "x", "--watch-collapse", 0, "--stop-on-collapse")
    assert status == 2
    assert "--stop-on-collapse needs a run that is watched" in wrong


def test_a_generator_is_measured_beside_real_pictures(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "prepare", folder, "--out", tmp_path / "cache")
    out = tmp_path / "found.json"
    status, told, _ = run(capsys, "collapse", model, "--data", tmp_path / "cache", "--out", out)
    assert status == 0
    assert "collapsed (duplicates, alarming from" in told  # a generator with initial weights
    assert json.loads(out.read_text())["generators"]["generator"]["collapsed"] is True
    status, _, wrong = run(capsys, "collapse", model)
    assert status == 2
    assert "name a cache by --data" in wrong
