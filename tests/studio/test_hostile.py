"""What `artgan` says to bad input where pictures are made: one sentence, exit status 2 (1 where others went well)."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from artgan_lib.interface.cli import main


class Hostile:
    """Would print if it were unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code was run",)


def weights(path: Path, content: object) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    return path


def picture(path: Path, height: int, width: int, mode: str = "RGB") -> Path:
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).convert(mode).save(path)
    return path


def full(folder: Path) -> Path:
    """A folder of results that is there."""
    folder.mkdir()
    (folder / "manifest.json").write_text('{"format": 1, "generation": {}, "images": []}')
    return folder


GENERATE: dict[str, tuple[Callable[[Path], list[object]], str]] = {
    "count 0": (lambda tmp: ["--count", 0], "a run paints 1 to 100 pictures, not 0"),
    "count 101": (lambda tmp: ["--count", 101], "a run paints 1 to 100 pictures, not 101"),
    "count of words": (lambda tmp: ["--count", "ten"], "invalid int value: 'ten'"),
    "size 512": (lambda tmp: ["--size", 512], "pictures come at 64, 256, 1024 pixels, not at 512"),
    "seed -1": (lambda tmp: ["--seed", -1], "the seed must lie in 0 to 2147483647, not -1"),
    "seed 2**31": (lambda tmp: ["--seed", 2**31], "the seed must lie in 0 to 2147483647"),
    "truncation 0": (lambda tmp: ["--truncation", 0], "truncation must lie in 0.05 to 100, not 0"),
    "truncation nan": (lambda tmp: ["--truncation", "nan"], "truncation must lie in 0.05 to 100, not nan"),
    "quality 0": (lambda tmp: ["--format", "jpeg", "--quality", 0], "quality must lie in 1 to 100, not 0"),
    "format gif": (lambda tmp: ["--format", "gif"], "there is no picture format 'gif'"),
    "png lossless": (lambda tmp: ["--lossless"], "lossless is a choice of webp, not of png"),
    "a style": (lambda tmp: ["--style", "baroque"], "it was trained without styles; leave the style out"),
    "no recipe": (lambda tmp: ["--recipe", "seven"], "'seven' is no recipe; write seed:number"),
    "an endless weight": (lambda tmp: ["--recipe", "7:3*inf"], "is no recipe"),
    "recipe and like": (lambda tmp: ["--recipe", "7:3", "--like", tmp / "a.png"], "exclude one another"),
    "like nothing": (lambda tmp: ["--like", tmp / "a.png"], "No such file or directory"),
    "amount 2": (lambda tmp: ["--vary", tmp / "a.png", "--amount", 2], "No such file or directory"),
    "device": (lambda tmp: ["--device", "abacus"], "there is no device 'abacus' on this machine"),
    "upscaler": (lambda tmp: ["--size", 256, "--upscaler", "magic"], "there is no upscaler 'magic'"),
    "no weights": (
        lambda tmp: ["--size", 256, "--offline", "--upscaler", "RealESRGAN_x4plus"],
        "or take --upscaler bicubic",
    ),
    "empty weights": (
        lambda tmp: ["--size", 256, "--upscaler", weights(tmp / "x.pth", b"")],
        "x.pth is not an upscaling network that can be read",
    ),
    "truncated weights": (
        lambda tmp: ["--size", 256, "--upscaler", weights(tmp / "x.pth", b"PK\x03\x04 torn")],
        "x.pth is not an upscaling network that can be read",
    ),
    "weights with code": (
        lambda tmp: ["--size", 256, "--upscaler", weights(tmp / "x.pth", {"params": Hostile()})],
        "x.pth is not an upscaling network that can be read",
    ),
    "another architecture": (
        lambda tmp: ["--size", 256, "--upscaler", weights(tmp / "x.pth", {"layer.weight": torch.zeros(3, 3)})],
        "x.pth is not an upscaling network that can be read",
    ),
    "no model": (lambda tmp: ["--model", tmp / "none.safetensors"], "there is no model"),
    "a folder for a model": (lambda tmp: ["--model", tmp], "there is no model"),
    "a torn model": (
        lambda tmp: ["--model", weights(tmp / "g.safetensors", b"\x10\0\0\0\0\0\0\0{}")],
        "is not a whole generator file of artgan",
    ),
    "a pickled model": (
        lambda tmp: ["--model", weights(tmp / "g.safetensors", {"evil": Hostile()})],
        "is not a whole generator file of artgan",
    ),
    "results in a file": (lambda tmp: ["--out", weights(tmp / "file", b"")], "is a file; name a folder"),
    "results in an earlier run": (lambda tmp: ["--out", full(tmp / "run")], "holds an earlier run"),
    "an over-long name": (lambda tmp: ["--out", tmp / ("x" * 300)], "File name too long"),
    "an empty name": (lambda tmp: ["--out", ""], "an empty path names nothing"),
}


@pytest.mark.parametrize("name", GENERATE)
def test_generate(name: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = GENERATE[name]
    before = ["generate", "--model", model, "--device", "cpu", "--out", tmp_path / "out"]
    status = main([str(argument) for argument in [*before, *arguments(tmp_path)]])
    out, err = capsys.readouterr()
    assert status == 2
    assert err.startswith("artgan: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert "code was run" not in out
    assert not (tmp_path / "out").exists()


UPSCALE: dict[str, tuple[Callable[[Path], list[object]], int, str]] = {
    "nothing there": (lambda tmp: [tmp / "none.png", "--scale", 4], 2, "there is no picture or folder"),
    "an empty folder": (lambda tmp: [tmp, "--scale", 4], 2, "holds no pictures"),
    "neither scale nor size": (lambda tmp: [picture(tmp / "a.png", 8, 8)], 2, "give either a scale or a size"),
    "scale 1000": (lambda tmp: [picture(tmp / "a.png", 8, 8), "--scale", 1000], 2, "must lie in 2 to 64, not 1000"),
    "large already": (lambda tmp: [picture(tmp / "a.png", 300, 8), "--size", 256], 1, "as large as 256 already"),
    "too large": (lambda tmp: [picture(tmp / "a.png", 9000, 9000), "--scale", 4], 1, "that can be made"),
    "no picture": (
        lambda tmp: [weights(tmp / "a.png", b"text"), "--scale", 4],
        1,
        "not a picture that Pillow can read",
    ),
    "cut off": (
        lambda tmp: [weights(tmp / "b.png", picture(tmp / "a.png", 99, 99).read_bytes()[:60]), "--scale", 4],
        1,
        "damaged",
    ),
    "too wide for webp": (
        lambda tmp: [picture(tmp / "a.png", 1, 9000), "--scale", 4, "--format", "webp"],
        1,
        "36000 x 4 pixels cannot be written as webp",
    ),
}


@pytest.mark.parametrize("name", UPSCALE)
def test_upscale(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, expected, sentence = UPSCALE[name]
    (tmp_path / "in").mkdir()
    source, *rest = arguments(tmp_path / "in")
    status = main([str(part) for part in ["upscale", source, tmp_path / "out", "--upscaler", "bicubic", *rest]])
    assert (status, sentence in capsys.readouterr().err) == (expected, True)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(("height", "width"), [(1, 9000), (9000, 1), (1, 1), (3, 5)])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA"])
def test_odd_pictures_are_enlarged(height: int, width: int, mode: str, tmp_path: Path) -> None:
    source = picture(tmp_path / "büld äöü.png", height, width, mode)
    assert main(["upscale", str(source), str(tmp_path / "out"), "--scale", "4", "--upscaler", "bicubic"]) == 0
    with Image.open(tmp_path / "out" / source.name) as enlarged:
        assert enlarged.size == (4 * width, 4 * height)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_named(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert main(["generate", "--model", str(model), "--out", str(locked / "out")]) == 2
    assert "Permission denied" in capsys.readouterr().err
