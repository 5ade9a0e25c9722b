import json
import math
import os
import sys
from pathlib import Path

import pytest

from artgan_lib import ArtganError, read_log
from artgan_lib.runlog import TEMPORARY, RunLog, collect_results, locked, write_atomic, write_json


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


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_gets_the_permissions_of_the_umask(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        assert write_atomic(tmp_path / "results.json", "{}").stat().st_mode & 0o777 == mode
    finally:
        os.umask(before)


def test_what_a_kill_leaves_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".env", ".gitignore", ".results.json.backup", ".results.json.deadbeef.swp"):
        (tmp_path / name).touch()
    seen = []
    monkeypatch.setattr("os.fsync", lambda descriptor: seen.extend(tmp_path.glob(TEMPORARY)))
    write_atomic(tmp_path / "results.json", "{}")
    assert len(seen) == 1
    assert seen[0].name.startswith(".results.json.")


def test_numbers_that_json_does_not_know_become_null(tmp_path: Path) -> None:
    values = {"fid": math.nan, "curve": [1.0, math.inf, (2, -math.inf)], "card": {"kid": math.nan, "name": "NaN"}}
    path = write_json(tmp_path / "results.json", values)
    found = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert found == {"fid": None, "curve": [1.0, None, [2, None]], "card": {"kid": None, "name": "NaN"}}
    log = RunLog(tmp_path / "log.jsonl")
    log.append({"scores": {"fid": math.nan}})
    assert log.path.read_text() == '{"scores": {"fid": null}}\n'


def test_a_lock_keeps_the_second_one_out_and_is_free_again(tmp_path: Path) -> None:
    with locked(tmp_path / "new" / "cache", "busy"):
        with pytest.raises(ArtganError, match="busy"), locked(tmp_path / "new" / "cache", "busy"):
            pass
        with locked(tmp_path / "new" / "other", "busy"):
            pass
    with locked(tmp_path / "new" / "cache", "busy"):
        pass


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
