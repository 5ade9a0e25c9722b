import json
from pathlib import Path

import numpy as np
import pytest

from artgan_lib import ArtganError, preset, read_log
from reproduction.campaign import ORDER, Deadline, main, plan, train_plan

SMOKE = plan("smoke")


def test_the_paper_plan_is_the_paper_with_an_average() -> None:
    configs = plan("paper", seed=3)
    assert list(configs) == ["wgan-gp", "dcgan", "dcgan-wi"]
    for variant, config in configs.items():
        assert config == preset(variant, "paper", ema_half_life=22_170, seed=3)
    images = {variant: config.total_steps * config.batch_size for variant, config in configs.items()}
    assert images == {"wgan-gp": 32 * 938 * 64, "dcgan": 260 * 469 * 128, "dcgan-wi": 60 * 469 * 128}


def test_the_cpu_plan_shows_every_variant_equally_many_images() -> None:
    for config in plan("cpu").values():
        assert config.steps_per_epoch * config.batch_size == 4000
        assert config.total_steps * config.batch_size == 400_000


def test_an_unknown_plan_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no plan 'papr'; did you mean 'paper'"):
        plan("papr")
    with pytest.raises(ArtganError, match="a budget is a number of minutes from 0, not -1"):
        next(train_plan(SMOKE, np.zeros((2, 64, 64, 3), np.uint8), tmp_path, -1))


def test_what_is_missing_is_trained_and_what_is_done_is_left(pictures: np.ndarray, tmp_path: Path) -> None:
    assert list(train_plan(SMOKE, pictures, tmp_path, 0, device="cpu")) == []
    first = list(train_plan({"wgan-gp": SMOKE["wgan-gp"]}, pictures, tmp_path, 10, device="cpu"))
    log = (tmp_path / "wgan-gp" / "log.jsonl").read_bytes()
    results = list(train_plan(SMOKE, pictures, tmp_path, 10, device="cpu"))
    assert [result.run_dir.name for result in results] == list(ORDER)
    assert all(result.finished for result in first + results)
    assert (tmp_path / "wgan-gp" / "log.jsonl").read_bytes() == log
    assert json.loads((tmp_path / "dcgan" / "config.json").read_text()) == SMOKE["dcgan"].to_dict()
    with pytest.raises(ArtganError, match="belongs to another config"):
        list(train_plan(plan("smoke", seed=1), pictures, tmp_path, 10, device="cpu"))


def test_minutes_end_after_an_epoch_and_the_same_call_goes_on(
    pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 30))  # half a minute passes at each look
    monkeypatch.setattr("reproduction.campaign.monotonic", lambda: next(clock))
    (cut,) = train_plan(SMOKE, pictures, tmp_path, 1.9, device="cpu")
    assert (cut.finished, cut.reason) == (False, "the minutes are spent")
    assert read_log(cut.log)["epoch"].tolist() == [1]
    monkeypatch.undo()
    results = list(train_plan(SMOKE, pictures, tmp_path, 10, device="cpu"))
    assert [result.finished for result in results] == [True, True, True]
    assert read_log(cut.log)["epoch"].tolist() == [1, 2]


def test_no_epoch_is_begun_that_would_end_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("reproduction.campaign.monotonic", lambda: now[0])
    deadline = Deadline(at=200.0)
    deadline.on_start(Path(), 0)
    now[0] = 140.0
    deadline.on_epoch({}, None)  # type: ignore[arg-type]
    assert not deadline.stop  # the next one ends at 180
    now[0] = 165.0
    deadline.on_epoch({}, None)  # type: ignore[arg-type]
    assert not deadline.stop  # it took 25, the next ends at 190
    now[0] = 190.0
    deadline.on_epoch({}, None)  # type: ignore[arg-type]
    assert deadline.stop == "the minutes are spent"


def test_the_command_goes_on_where_its_minutes_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--plan", "smoke", "--data", "synthetic", "--runs", str(tmp_path / "runs"), "--device", "cpu"]
    main([*command, "--budget", "5", "--only", "dcgan"])
    assert "dcgan: done, 24 of 24 images" in capsys.readouterr().out
    main([*command, "--budget", "0"])
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["dcgan"]
