import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from artgan_lib import ArtganError
from artgan_lib.data import artbench
from artgan_lib.data.artbench import FORMS, STYLES, check_counts, fetch_artbench
from artgan_lib.interface.cli import main

WHOLE = Counter({(style, split): n for style in STYLES for split, n in (("train", 5000), ("test", 1000))})


def archive_of(path: Path, per_style: dict[str, int]) -> Path:
    with tarfile.open(path, "w") as archive:
        for style in STYLES:
            for split, count in per_style.items():
                for number in range(count):
                    member = tarfile.TarInfo(f"artbench-10-imagefolder-split/{split}/{style}/{number}.jpg")
                    archive.addfile(member, io.BytesIO())
    return path


def test_the_published_set_is_counted() -> None:
    check_counts(WHOLE, "x.tar")
    check_counts(Counter({(style, None): 6000 for style in STYLES}), "x.tar", splits=None)


def test_a_style_that_lacks_pictures_is_named() -> None:
    with pytest.raises(ArtganError, match=r"baroque \(train\) 4,999 instead of 5,000; fetch it again"):
        check_counts(WHOLE - Counter({("baroque", "train"): 1}), "x.tar")
    with pytest.raises(ArtganError, match="no style cubism"):
        check_counts(WHOLE + Counter({("cubism", "train"): 5}), "x.tar")
    with pytest.raises(ArtganError, match="and 17 more"):
        check_counts(Counter(), "x.tar")


def test_the_original_size_set_is_told_apart() -> None:
    with pytest.raises(ArtganError, match="66,000 pictures: the original-size set, of which ArtBench-10's 60,000"):
        check_counts(Counter({(style, None): 6600 for style in STYLES}), "x.tar")


def test_a_local_copy_is_counted_and_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(artbench, "PER_STYLE", {"train": 3, "test": 2})
    copy = archive_of(tmp_path / "copy.tar", {"train": 3, "test": 2})
    arguments = ["data", "fetch", "--from-local", str(copy), "--out", str(tmp_path / "store")]
    assert main(arguments) == 0
    assert "ArtBench-10, imagefolder-split ->" in capsys.readouterr().out
    stored = tmp_path / "store" / "artbench-10-imagefolder-split.tar"
    assert stored.read_bytes() == copy.read_bytes()
    with pytest.raises(ArtganError, match=r"is not artbench-10-python\.tar\.gz as it was published: its md5 differs"):
        fetch_artbench("python", tmp_path / "store", from_local=copy)


def test_a_copy_with_missing_pictures_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(artbench, "PER_STYLE", {"train": 3, "test": 2})
    copy = archive_of(tmp_path / "copy.tar", {"train": 3, "test": 1})
    assert main(["data", "fetch", "--from-local", str(copy), "--out", str(tmp_path / "store")]) == 2
    assert "art_nouveau (test) 1 instead of 2" in capsys.readouterr().err


def test_unknown_forms_are_told() -> None:
    with pytest.raises(ArtganError, match="there is no form 'parquet' of ArtBench-10; there are imagefolder-split"):
        fetch_artbench("parquet", "nowhere")


def test_every_form_has_an_official_address_and_a_mirror() -> None:
    for file in FORMS.values():
        official, mirror = file.urls
        assert official == f"https://artbench.eecs.berkeley.edu/files/{file.name}"
        assert "zguo0525/ArtBench" in mirror
