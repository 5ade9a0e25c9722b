"""A real generation that is killed or told to stop leaves whole pictures and a manifest that names them."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib.interface.cli import main
from artgan_lib.studio.store import read_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_whole_pictures_and_a_true_manifest_stay(number: signal.Signals, model: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["artgan_lib.studio.pipeline", "artgan_lib.interface.studio_commands"])
    painting = ["generate", "--model", str(model), "--count", "100", "--size", "256", "--upscaler", "lanczos"]
    stored = []
    for attempt, pictures in enumerate((1, 7, 20)):
        folder = tmp_path / str(attempt)
        process = context.Process(target=main, args=([*painting, "--device", "cpu", "--out", str(folder)],))
        process.start()
        while len(list(folder.glob("seed0_*.png"))) < pictures and process.is_alive():
            time.sleep(0.002)
        assert process.pid is not None
        if number == signal.SIGKILL:
            process.kill()
        else:
            os.kill(process.pid, number)
        process.join()
        run = read_run(folder)
        assert run.missing == []
        for path in run.pictures:
            with Image.open(path) as image:
                assert np.asarray(image).shape == (256, 256, 3)
        # At most the file that was being written is not in the manifest.
        assert len(list(folder.glob("seed0_*.png"))) - len(run.pictures) in (0, 1)
        assert len(run.pictures) >= pictures - 1
        stored.append(run.state)
    assert stored == ["not finished"] * 3
