import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from artgan_lib import ArtganError
from artgan_lib.studio.store import ResultsStore, list_runs, new_folder, pack_run, read_run, remove_run

NOON = datetime(2026, 11, 22, 10, 15, 3)


def stored(folder: Path, *names: str) -> Path:
    store = ResultsStore(folder, {"generation": {"seed": 7}})
    for number, name in enumerate(names):
        store.put(name, f"picture {name}".encode(), {"number": number})
    store.close(complete=True)
    return folder


def test_an_earlier_run_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    folder = stored(tmp_path / "results", "a.png")
    (folder / "mine.txt").write_text("kept")
    with pytest.raises(ArtganError, match="holds an earlier run"):
        ResultsStore(folder)
    ResultsStore(folder, {"generation": {}}, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "mine.txt"]
    assert read_run(folder).state == "not finished"


def test_a_manifest_cannot_make_it_remove_what_lies_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("kept")
    store = ResultsStore(tmp_path / "results", {"generation": {}})
    store.close(images=[{"file": "../precious.txt"}, {"file": str(tmp_path / "precious.txt")}])
    assert remove_run(tmp_path / "results") == []
    assert (tmp_path / "precious.txt").exists()


def test_a_file_in_the_way_and_a_foreign_manifest_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtganError, match="is a file; name a folder"):
        ResultsStore(tmp_path / "file")
    with pytest.raises(ArtganError, match="is a file, or lies below one; name a folder"):
        new_folder(tmp_path / "file", "dcgan", 0)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(ArtganError, match=r"is left as it is: its manifest\.json is not one of ours"):
        ResultsStore(tmp_path, overwrite=True)
    assert (tmp_path / "manifest.json").exists()


def test_the_manifest_is_true_after_every_file(tmp_path: Path) -> None:
    store = ResultsStore(tmp_path, {"generation": {}})
    assert (read_run(tmp_path).state, read_run(tmp_path).pictures) == ("not finished", [])
    store.put("a.png", b"1", {"recipe": "7:0"})
    run = read_run(tmp_path)
    assert run.manifest["images"] == [{"file": "a.png", "recipe": "7:0"}]
    assert (run.state, run.size) == ("not finished", 1)


def test_folders_are_named_by_time_model_and_seed_and_never_twice(tmp_path: Path) -> None:
    names = [new_folder(tmp_path / "results", "wgan-gp", 7, NOON).name for _ in range(3)]
    assert names == [f"2026-11-22T10-15-03_wgan-gp_seed7{suffix}" for suffix in ("", "-2", "-3")]


@pytest.mark.parametrize(
    ("model", "part"),
    [("a/b\\c:d", "a-b-c-d"), ("naïve Größe", "na-ve-Gr-e"), ("..", "model"), ("x" * 300, "x" * 60), ("con ", "con")],
)
def test_names_are_safe_on_every_system(model: str, part: str, tmp_path: Path) -> None:
    assert new_folder(tmp_path, model, 0, NOON).name == f"2026-11-22T10-15-03_{part}_seed0"


def test_runs_are_listed_with_what_is_wrong_with_them(tmp_path: Path) -> None:
    stored(tmp_path / "1", "a.png", "b.png")
    (stored(tmp_path / "2", "a.png", "b.png") / "b.png").unlink()
    (stored(tmp_path / "3", "a.png") / "manifest.json").write_text("{}")
    (tmp_path / "4").mkdir()
    stored(tmp_path / "5", "a.png").rename(tmp_path / "6")  # moved as a whole
    assert [(run.folder.name, run.state) for run in list_runs(tmp_path)] == [
        ("1", "complete"),
        ("2", "1 missing"),
        ("3", "its manifest.json is not one of ours"),
        ("6", "complete"),
    ]
    with pytest.raises(ArtganError, match="there is no folder"):
        list(list_runs(tmp_path / "nothing"))
    with pytest.raises(ArtganError, match=r"4 holds no results: there is no manifest\.json in it"):
        read_run(tmp_path / "4")


def test_a_run_is_removed_but_nothing_else(tmp_path: Path) -> None:
    assert remove_run(stored(tmp_path / "1", "a.png")) == []
    assert not (tmp_path / "1").exists()
    (stored(tmp_path / "2", "a.png", "b.png") / "mine.txt").touch()
    (tmp_path / "2" / "b.png").unlink()
    assert remove_run(tmp_path / "2") == ["mine.txt"]


def test_a_run_is_packed_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = stored(tmp_path / "run", "a.png", "b.png")
    out = pack_run(folder, tmp_path / "run.zip")
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["run/a.png", "run/b.png", "run/manifest.json"]
        assert archive.read("run/b.png") == b"picture b.png"
    with pytest.raises(ArtganError, match="is there already"):
        pack_run(folder, out)
    (folder / "a.png").unlink()
    with pytest.raises(ArtganError, match=r"cannot be packed: missing are a\.png"):
        pack_run(folder, tmp_path / "other.zip")
    assert not (tmp_path / "other.zip").exists()


def test_what_is_not_ours_is_never_removed_or_written_over(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "manifest.json").write_text('{"name": "my site", "images": [{"file": "logo.png"}]}')
    (site / "logo.png").write_bytes(b"mine")
    with pytest.raises(ArtganError, match="is not one of ours"):
        remove_run(site)
    assert (site / "logo.png").read_bytes() == b"mine"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"mine")
    with pytest.raises(ArtganError, match=r"a\.png is there already and not of this run"):
        stored(tmp_path / "out", "a.png")
    assert (tmp_path / "out" / "a.png").read_bytes() == b"mine"


def test_odd_folders_are_listed_with_what_is_wrong_and_do_not_stop_the_list(tmp_path: Path) -> None:
    stored(new_folder(tmp_path, "m", 0, NOON), "a.png")
    (new_folder(tmp_path, "m", 1, NOON) / "a.png").touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "manifest.json").write_text("[" * 100_000)
    (tmp_path / "folder" / "manifest.json").mkdir(parents=True)
    assert [run.state for run in list_runs(tmp_path)] == [
        "complete",
        "its manifest.json is gone",
        "its manifest.json is not one of ours",
    ]


def test_what_a_kill_left_half_written_goes_with_the_run(tmp_path: Path) -> None:
    folder = stored(tmp_path / "run", "a.png")
    (folder / ".manifest.json.x1y2").touch()
    (folder / ".a.png.x1y2").touch()
    assert remove_run(folder) == []
    assert not folder.exists()
