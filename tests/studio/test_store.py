from pathlib import Path

import pytest

from artgan_lib import ArtganError
from artgan_lib.studio.store import ResultsStore


def test_an_earlier_run_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    store = ResultsStore(tmp_path / "results")
    store.put("a.png", b"first")
    store.close({"images": [{"file": "a.png"}]})
    (tmp_path / "results" / "mine.txt").write_text("kept")
    with pytest.raises(ArtganError, match="holds an earlier run"):
        ResultsStore(tmp_path / "results")
    ResultsStore(tmp_path / "results", overwrite=True)
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["mine.txt"]


def test_a_manifest_cannot_make_it_remove_what_lies_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("kept")
    store = ResultsStore(tmp_path / "results")
    store.close({"images": [{"file": "../precious.txt"}, {"file": str(tmp_path / "precious.txt")}]})
    ResultsStore(tmp_path / "results", overwrite=True)
    assert (tmp_path / "precious.txt").exists()


def test_a_file_in_the_way_and_a_foreign_manifest_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtganError, match="is a file; name a folder"):
        ResultsStore(tmp_path / "file")
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(ArtganError, match="is not a manifest of ours"):
        ResultsStore(tmp_path, overwrite=True)
