import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artgan_lib import ArtganError, TrainConfig, preset, train
from artgan_lib.gan.runs import RunFolder


def tiny(**settings: Any) -> TrainConfig:
    sizes = {"width": 2, "latent_dim": 8, "batch_size": 4, "images_per_epoch": 12, "epochs": 6}
    return preset("dcgan", "smoke", **sizes | settings)


def state(step: int, best: int | None = None, **settings: Any) -> dict[str, Any]:
    config = tiny(**settings).to_dict()
    return {"config": config, "data": "abc", "step": step, "best": {"step": best} if best else None, "log_size": 0}


def steps(folder: RunFolder) -> list[int]:
    return [int(path.stem[5:]) for path in folder.saved()]


def test_the_newest_two_the_best_and_every_kth_checkpoint_stay(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, keep_every=20)
    for step in range(5, 65, 5):
        folder.save(state(step, best=15 if step >= 15 else None))
    assert steps(folder) == [15, 20, 40, 55, 60]
    folder.save(state(65, best=65))
    assert steps(folder) == [20, 40, 60, 65]


def test_a_damaged_checkpoint_is_put_aside_and_the_run_goes_on_from_the_whole_one_before(
    pictures: np.ndarray,
    tmp_path: Path,
    assert_same_run: Callable[[Path, Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = train(tiny(), pictures, tmp_path / "whole", device="cpu")
    train(tiny(), pictures, tmp_path / "cut", device="cpu")
    newest = RunFolder(tmp_path / "cut").saved()[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        again = train(tiny(), pictures, tmp_path / "cut", device="cpu")
    assert again.finished
    assert "step_000000024.pt is damaged, or no checkpoint of artgan; an older one is looked for" in caplog.text
    assert newest.with_name("step_000000024.pt.damaged").exists()
    assert_same_run(whole.run_dir, again.run_dir)


def test_a_folder_without_a_whole_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.load_newest(tiny(), "abc") is None
    folder.save(state(4)).write_bytes(b"")
    for _ in range(2):  # and the second start does not begin from nothing
        with pytest.raises(ArtganError, match=r"no checkpoint of .* is whole; start the run anew"):
            folder.load_newest(tiny(), "abc")


def test_what_was_to_stay_stays_when_a_run_goes_on_with_another_rule(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, keep_every=5)
    for step in range(5, 30, 5):
        folder.save(state(step))
    folder = RunFolder(tmp_path)
    for step in range(30, 45, 5):
        folder.save(state(step))
    assert steps(folder) == [5, 10, 15, 35, 40]


def test_what_a_kill_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    ours = ("checkpoints/.step_000000002.pt.0a1b2c3d.artgan-tmp", ".generator.safetensors.01234567.artgan-tmp")
    theirs = (".env", ".gitignore", "checkpoints/.keep", "mine.txt")  # whatever else is hidden is somebody's
    for name in (*ours, *theirs):
        (tmp_path / name).touch()
    with RunFolder(tmp_path):
        pass
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == sorted([".lock", *theirs])


def test_a_log_that_has_lost_its_end_is_gone_on_with_from_an_older_checkpoint(
    pictures: np.ndarray, tmp_path: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    whole = train(tiny(), pictures, tmp_path / "whole", device="cpu")
    cut = train(tiny(), pictures, tmp_path / "cut", device="cpu")
    cut.log.write_bytes(cut.log.read_bytes()[:-5])
    assert train(tiny(), pictures, tmp_path / "cut", device="cpu").finished
    assert_same_run(whole.run_dir, cut.run_dir)
    cut.log.unlink()
    with pytest.raises(ArtganError, match=r"log\.jsonl has lost its end and fits no checkpoint"):
        train(tiny(), pictures, tmp_path / "cut", device="cpu")


def test_a_generator_that_is_missing_or_older_than_its_checkpoint_is_written_again(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    result = train(tiny(epochs=2), pictures, tmp_path, device="cpu")
    content = result.generator.read_bytes()
    result.generator.unlink()
    train(tiny(epochs=2), pictures, tmp_path, device="cpu")
    assert result.generator.read_bytes() == content


def test_another_config_or_other_pictures_are_refused_with_the_difference(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.save(state(4))
    with pytest.raises(ArtganError, match=r"another config \(width 2 -> 4, lr 0.0002 -> 0.001\).* --init-from"):
        folder.load_newest(tiny(width=4, lr=1e-3), "abc")
    with pytest.raises(ArtganError, match=r"other pictures .their fingerprint was abc, is xyz"):
        folder.load_newest(tiny(), "xyz")


def test_a_run_is_held_by_one_process(pictures: np.ndarray, tmp_path: Path) -> None:
    with RunFolder(tmp_path), pytest.raises(ArtganError, match="another process trains in"):
        train(tiny(), pictures, tmp_path, device="cpu")
    assert train(tiny(epochs=1), pictures, tmp_path, device="cpu").finished


def test_more_epochs_simply_go_on_and_give_the_longer_run(
    pictures: np.ndarray, tmp_path: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    train(tiny(epochs=2), pictures, tmp_path / "longer", device="cpu")
    longer = train(tiny(), pictures, tmp_path / "longer", device="cpu")
    whole = train(tiny(), pictures, tmp_path / "whole", device="cpu")
    assert_same_run(longer.run_dir, whole.run_dir)


def test_fewer_epochs_than_were_trained_are_told(pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny(epochs=3), pictures, tmp_path, device="cpu")
    with pytest.raises(ArtganError, match="has been trained for 3 epochs already, more than epochs=2; ask for more"):
        train(tiny(epochs=2), pictures, tmp_path, device="cpu")
    assert train(tiny(epochs=3), pictures, tmp_path, device="cpu").finished


def test_a_file_is_no_folder_for_a_run(pictures: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtganError, match="is a file; name a folder for the run"):
        train(tiny(), pictures, tmp_path / "file", device="cpu")
