"""A real generation that is killed or told to stop leaves whole pictures and a manifest that names them."""

import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib.interface.cli import main
from artgan_lib.studio.store import read_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")


COMMAND = ["--count", "100", "--size", "256", "--upscaler", "lanczos", "--device", "cpu"]


def wait_for(folder: Path, pictures: int, alive: Callable[[], bool]) -> None:
    while len(list(folder.glob("seed0_*.png"))) < pictures and alive():
        time.sleep(0.002)


def assert_true(folder: Path, pictures: int) -> None:
    run = read_run(folder)
    assert (run.state, run.missing) == ("not finished", [])
    for path in run.pictures:
        with Image.open(path) as image:
            assert np.asarray(image).shape == (256, 256, 3)
    # At most the file that was being written is not in the manifest.
    assert len(list(folder.glob("seed0_*.png"))) - len(run.pictures) in (0, 1)
    assert len(run.pictures) >= pictures - 1


def test_a_kill_leaves_whole_pictures_and_a_true_manifest(model: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["artgan_lib.studio.pipeline", "artgan_lib.interface.studio_commands"])
    for pictures in (1, 7, 20):
        folder = tmp_path / str(pictures)
        painting = ["generate", "--model", str(model), "--out", str(folder), *COMMAND]
        process = context.Process(target=main, args=(painting,))
        process.start()
        wait_for(folder, pictures, process.is_alive)
        process.kill()
        process.join()
        assert_true(folder, pictures)


def test_ctrl_c_leaves_whole_pictures_and_a_true_manifest(model: Path, tmp_path: Path) -> None:
    painting = ["generate", "--model", str(model), "--out", str(tmp_path / "out"), *COMMAND]
    # Where the tests run in the background, Ctrl-C is ignored and a process inherits that.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heed}; from artgan_lib.interface.cli import main; raise SystemExit(main({painting!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / "out", 7, lambda: process.poll() is None)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (130, "artgan: interrupted\n")
    assert_true(tmp_path / "out", 7)
