"""A real training process against what happens to processes: SIGKILL, a full disk, an end at any write."""

import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import pytest

from artgan_lib import preset, train
from artgan_lib.interface.cli import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and limits of file size are POSIX")

KILLS = 20
SETTINGS = ["width=2", "latent_dim=8", "batch_size=4", "images_per_epoch=12", "ema_half_life=100"]


def command(run: Path, epochs: int) -> list[str]:
    settings = [text for setting in (*SETTINGS, f"epochs={epochs}") for text in ("--set", setting)]
    arguments = ["train", "--variant", "dcgan", "--data", "synthetic", "--profile", "smoke", "--device", "cpu"]
    return [*arguments, "--run-dir", str(run), *settings]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes of their own that need not load PyTorch each time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["artgan_lib.gan.training", "artgan_lib.data.synthetic", "artgan_lib.interface.cli"])
    return context


@pytest.mark.slow
def test_a_run_that_is_killed_twenty_times_ends_as_if_it_had_not_been(
    processes: ForkServerContext, tmp_path: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    epochs, delays = 60, np.random.default_rng(4).uniform(0.05, 0.9, 500)
    killed = 0
    for delay in delays:
        process = processes.Process(target=main, args=(command(tmp_path / "killed", epochs),))
        process.start()
        time.sleep(delay)
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        if killed == KILLS or process.exitcode == 0:
            break
    assert killed == KILLS, "the run came to its end before it was killed often enough"
    for run in ("killed", "whole"):
        assert main(command(tmp_path / run, epochs)) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_a_disk_without_room_is_told_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, assert_same_run: Callable[[Path, Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = command(tmp_path / "full", 3)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    code = f"{limit}; from artgan_lib.interface.cli import main; raise SystemExit(main({arguments!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 2
    assert "epoch_0001.png: File too large" in capfd.readouterr().err
    assert not list((tmp_path / "full").rglob(".step*"))  # nothing half-written stays
    for run in ("full", "whole"):
        assert main(command(tmp_path / run, 3)) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "full")


def test_an_end_at_any_rename_loses_nothing(
    pictures: np.ndarray, tmp_path: Path, assert_same_run: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the power went just before a file is renamed into its place: the first, the second, ... of a run."""
    sizes = {"width": 2, "latent_dim": 8, "batch_size": 4, "images_per_epoch": 4, "epochs": 2}
    config, replace = preset("dcgan", "smoke", **sizes), Path.replace
    whole = train(config, pictures, tmp_path / "whole", device="cpu")
    for number in range(100):
        left = [number]

        def ending(path: Path, target: Path, left: list[int] = left) -> Path:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", ending)
        try:
            ended = train(config, pictures, tmp_path / str(number), device="cpu").finished
        except KeyboardInterrupt:
            ended = False
        monkeypatch.setattr(Path, "replace", replace)
        again = train(config, pictures, tmp_path / str(number), device="cpu")
        assert_same_run(whole.run_dir, again.run_dir)
        if ended:
            break
    assert number == 7  # config, and a grid, a checkpoint and a generator an epoch
