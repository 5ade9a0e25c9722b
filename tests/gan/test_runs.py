import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, Callback, TrainConfig, load_generator, preset, read_log, train
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
    for name in ("checkpoints/.step_000000002.pt.x1y2z3", ".generator.safetensors.abc", "mine.txt"):
        (tmp_path / name).touch()
    with RunFolder(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".lock", "mine.txt"]


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
    with pytest.raises(ArtganError, match=r"another config \(width 2 -> 4, lr 0.0002 -> 0.001\).* --fork"):
        folder.load_newest(tiny(width=4, lr=1e-3), "abc")
    with pytest.raises(ArtganError, match=r"other pictures .their fingerprint was abc, is xyz"):
        folder.load_newest(tiny(), "xyz")


def test_a_run_is_held_by_one_process(pictures: np.ndarray, tmp_path: Path) -> None:
    with RunFolder(tmp_path), pytest.raises(ArtganError, match="another process trains in"):
        train(tiny(), pictures, tmp_path, device="cpu")
    assert train(tiny(epochs=1), pictures, tmp_path, device="cpu").finished


def test_a_fork_with_more_epochs_is_the_longer_run(
    pictures: np.ndarray, tmp_path: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    train(tiny(epochs=2), pictures, tmp_path / "short", device="cpu")
    forked = train(tiny(), pictures, tmp_path / "long", device="cpu", fork=tmp_path / "short")
    origin = load_generator(forked.generator)[1]["origin"]
    assert origin["forked"] == {"run": "short", "step": 8, "changed": ["epochs 2 -> 6"], "from": None}
    whole = train(tiny(), pictures, tmp_path / "whole", device="cpu")
    for run in (forked, whole):
        newest = RunFolder(run.run_dir).saved()[-1]
        torch.save(torch.load(newest, weights_only=True) | {"forked": None}, newest)
    assert_same_run(forked.run_dir, whole.run_dir)


def test_a_fork_takes_the_new_rate_the_old_moments_and_other_pictures(pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny(epochs=1), pictures, tmp_path / "old", device="cpu")
    checkpoint = RunFolder(tmp_path / "old").saved()[-1]
    moments = torch.load(checkpoint, weights_only=True)["networks"]["optimizer_g"]["state"]

    class Stop(Callback):
        def on_start(self, run_dir: Path, step: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # right after the fork
        train(tiny(lr=1e-5), pictures[::-1], tmp_path / "new", device="cpu", fork=checkpoint, callbacks=[Stop()])
    optimizer = torch.load(RunFolder(tmp_path / "new").saved()[-1], weights_only=True)["networks"]["optimizer_g"]
    assert optimizer["param_groups"][0]["lr"] == 1e-5
    assert torch.equal(optimizer["state"][0]["exp_avg"], moments[0]["exp_avg"])
    result = train(tiny(lr=1e-5), pictures[::-1], tmp_path / "new", device="cpu", fork=checkpoint)  # goes on
    assert read_log(result.log)["epoch"].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"batch_size": 8}, "goes on counting where .* batch_size 4 -> 8 cannot change"),
        ({"width": 4}, r"other networks are asked for \(width 2 -> 4, "),
        ({"judge_normalization": "layer"}, "other networks are asked for"),
    ],
)
def test_a_fork_that_does_not_fit_is_refused(
    settings: dict[str, Any], sentence: str, pictures: np.ndarray, tmp_path: Path
) -> None:
    train(tiny(epochs=1), pictures, tmp_path / "old", device="cpu")
    with pytest.raises(ArtganError, match=sentence):
        train(tiny(**settings), pictures, tmp_path / "new", device="cpu", fork=tmp_path / "old")


def test_a_fork_that_begins_to_average_begins_with_the_trained_generator(pictures: np.ndarray, tmp_path: Path) -> None:
    old = train(tiny(epochs=1), pictures, tmp_path / "old", device="cpu")
    trained = load_generator(old.generator)[0].state_dict()

    class Stop(Callback):
        def on_start(self, run_dir: Path, step: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny(ema_decay=0.9), pictures, tmp_path / "new", device="cpu", fork=old.run_dir, callbacks=[Stop()])
    averaged = load_generator(tmp_path / "new" / "generator.safetensors")[0].state_dict()
    assert all(torch.equal(trained[name], averaged[name]) for name in trained)


def test_a_fork_with_nothing_left_to_train_or_into_another_run_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    train(tiny(epochs=2), pictures, tmp_path / "old", device="cpu")
    with pytest.raises(ArtganError, match="has done 8 steps and 4 are asked for; give its fork more than 2 epochs"):
        train(tiny(epochs=1), pictures, tmp_path / "new", device="cpu", fork=tmp_path / "old")
    train(tiny(), pictures, tmp_path / "other", device="cpu")
    with pytest.raises(ArtganError, match="holds a run that was not forked from"):
        train(tiny(), pictures, tmp_path / "other", device="cpu", fork=tmp_path / "old")
    (tmp_path / "file").touch()
    with pytest.raises(ArtganError, match="is a file; name a folder for the run"):
        train(tiny(), pictures, tmp_path / "file", device="cpu")


def test_a_fork_keeps_a_log_that_lies_in_its_folder_and_a_refused_one_leaves_none(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    train(tiny(epochs=1), pictures, tmp_path / "old", device="cpu")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "log.jsonl").write_text('{"epoch": 1}\n')
    with pytest.raises(ArtganError, match="other networks"):
        train(tiny(width=4), pictures, tmp_path / "new", device="cpu", fork=tmp_path / "old")
    assert (tmp_path / "new" / "log.jsonl").read_text() == '{"epoch": 1}\n'
    train(tiny(), pictures, tmp_path / "new", device="cpu", fork=tmp_path / "old")
    assert (tmp_path / "new" / "log.jsonl.old").read_text() == '{"epoch": 1}\n'
    assert read_log(tmp_path / "new" / "log.jsonl")["epoch"].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_fork_of_nothing_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match=r"there is no run .*nothing to fork from"):
        train(tiny(), pictures, tmp_path / "new", device="cpu", fork=tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtganError, match=r"there is no checkpoint in .*empty to fork from"):
        train(tiny(), pictures, tmp_path / "new", device="cpu", fork=tmp_path / "empty")
