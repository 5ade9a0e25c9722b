import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib import open_cache, read_log, synthetic_paintings
from artgan_lib.interface.cli import DEFAULT_UPSCALER, main
from artgan_lib.studio import upscaling

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


def test_the_default_upscaler_is_the_librarys() -> None:
    assert DEFAULT_UPSCALER == upscaling.DEFAULT


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "artgan_lib", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == "artgan 0.1.0\n"
