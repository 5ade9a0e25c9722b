import math
from pathlib import Path

import pytest

from artgan_lib import ArtganError, read_log
from artgan_lib.runlog import RunLog, collect_results, write_atomic, write_json


def test_log_round_trip_with_numbers_that_json_does_not_know(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    log.append({"epoch": 1, "loss": 0.5})
    log.append({"epoch": 2, "loss": float("nan")})
    frame = read_log(log.path)
    assert frame["epoch"].tolist() == [1, 2]
    assert frame["loss"][0] == 0.5
    assert math.isnan(frame["loss"][1])
    assert "NaN" not in log.path.read_text()


def test_log_goes_on_from_a_size_without_a_doubled_line(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    log.append({"epoch": 1})
    size = log.size
    log.append({"epoch": 2})
    resumed = RunLog(log.path, size)
    resumed.append({"epoch": 2})
    assert read_log(log.path)["epoch"].tolist() == [1, 2]


def test_log_that_lost_its_end_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="has lost its end"):
        RunLog(tmp_path / "log.jsonl", size=10)


def test_half_a_line_is_left_out_while_the_log_grows(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"epoch": 1}\n{"epo')
    assert read_log(path)["epoch"].tolist() == [1]


def test_files_that_are_no_logs_are_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no log"):
        read_log(tmp_path / "log.jsonl")
    (tmp_path / "log.jsonl").write_text("epoch,loss\n")
    with pytest.raises(ArtganError, match="is not a run's log"):
        read_log(tmp_path / "log.jsonl")


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_json(tmp_path / "results.json", {"a": 1})
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*results\.json'"):
        write_atomic(path, "new")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_results_of_many_runs_become_one_table(tmp_path: Path) -> None:
    write_json(tmp_path / "b_1" / "results.json", {"seed": 1, "psnr": {"sea": 30.0}, "steps": 10})
    write_json(tmp_path / "a_0" / "results.json", {"seed": 0, "variant": "dcgan"})
    write_json(tmp_path / "a_0" / "run" / "config.json", {"seed": 7})
    table = collect_results(tmp_path)
    assert table.columns.tolist() == ["run", "seed", "variant", "psnr.sea", "steps"]
    assert table["run"].tolist() == ["a_0", "b_1"]
    assert table["seed"].tolist() == [0, 1]
    assert table["psnr.sea"][1] == 30.0
    assert math.isnan(table["psnr.sea"][0])


def test_no_results_and_a_torn_file_of_results_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match=r"there is no results\.json in"):
        collect_results(tmp_path)
    (tmp_path / "results.json").write_text("[1, 2]")
    with pytest.raises(ArtganError, match=r"results\.json is not a file of results"):
        collect_results(tmp_path)
