import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from artgan_lib import ArtganError
from artgan_lib.data.sources import base
from artgan_lib.data.sources.base import SourceImage, choose, read
from artgan_lib.data.sources.open import open_source


def make_folder(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, len(content), "/etc/passwd"
    archive.addfile(member, io.BytesIO(content))


NAMES = ["train/ukiyo_e/b.jpg", "train/baroque/a.jpg", "test/baroque/c.jpg", "root/test/baroque/d.jpg", "e.png"]
LISTED = [
    ("e.png", "unlabelled", None),
    ("root/test/baroque/d.jpg", "baroque", "test"),
    ("test/baroque/c.jpg", "baroque", "test"),
    ("train/baroque/a.jpg", "baroque", "train"),
    ("train/ukiyo_e/b.jpg", "ukiyo_e", "train"),
]


def test_a_folder_is_listed_by_name_with_style_and_split(tmp_path: Path) -> None:
    with open_source(make_folder(tmp_path, [*NAMES, "train/baroque/.DS_Store"])) as source:
        assert [tuple(image) for image in source.images] == LISTED
        assert read(source, 0) == b"e.png"


def test_in_a_folder_pipes_lost_links_and_linked_folders_are_left_out(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "here", ["baroque/a.jpg", "baroque/deeper/still/b.jpg"])
    make_folder(tmp_path / "elsewhere", ["c.jpg"])
    os.mkfifo(root / "baroque/pipe.jpg")  # reading it would never end
    (root / "baroque/lost.jpg").symlink_to(root / "nothing.jpg")
    (root / "baroque/linked.jpg").symlink_to(tmp_path / "elsewhere/c.jpg")
    (root / "rococo").symlink_to(tmp_path / "elsewhere")
    with open_source(root) as source:
        assert [image.name for image in source.images] == [
            "baroque/a.jpg",
            "baroque/deeper/still/b.jpg",
            "baroque/linked.jpg",
        ]
        assert read(source, 2) == b"c.jpg"


def test_a_tar_is_listed_in_the_same_order_and_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "paintings.tar"
    with tarfile.open(path, "w") as archive:
        for name in NAMES:
            add(archive, name, name.encode())
        add(archive, "train/baroque/link.jpg", kind=tarfile.SYMTYPE)
        add(archive, "train/baroque/device.jpg", kind=tarfile.CHRTYPE)
    with open_source(path) as source:
        assert [tuple(image) for image in source.images] == LISTED
        assert [read(source, number).decode() for number in range(len(source.images))] == sorted(NAMES)
    assert [file.name for file in tmp_path.iterdir()] == ["paintings.tar"]


def test_what_is_no_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no folder or archive"), open_source(tmp_path / "nothing"):
        pass
    with pytest.raises(ArtganError, match="holds no files"), open_source(tmp_path):
        pass
    (tmp_path / "notes.txt").write_text("no archive, " * 100)
    with (
        pytest.raises(ArtganError, match=r"is not an archive; give a folder of pictures, a tar, tar\.gz or zip"),
        open_source(tmp_path / "notes.txt"),
    ):
        pass


def test_a_torn_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "paintings.tar"
    with tarfile.open(path, "w") as archive:
        add(archive, "train/baroque/a.jpg", bytes(5000))
        add(archive, "train/baroque/b.jpg", bytes(5000))
    path.write_bytes(path.read_bytes()[:7000])
    with pytest.raises(ArtganError, match=r"is damaged .*; fetch it again"), open_source(path):
        pass


def test_the_shared_paintings_open_as_they_are(shared_paintings: Path) -> None:
    with open_source(shared_paintings) as source:
        assert len(source.images) == 1588
        assert {image.split for image in source.images} == {"train", "test"}
        assert len({image.style for image in source.images}) == 10


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def listed(path: Path) -> list[tuple[str, str, str | None]]:
    with open_source(path) as source:
        return [tuple(image) for image in source.images]


def test_tar_gz_and_zip_are_listed_alike(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "paintings.tar.gz", "w:gz") as archive:
        for name in NAMES:
            add(archive, name, name.encode())
    make_zip(tmp_path / "paintings.zip", {name: name.encode() for name in [*NAMES, "__MACOSX/train/._a.jpg"]})
    for name in ("paintings.tar.gz", "paintings.zip"):
        assert listed(tmp_path / name) == LISTED
        with open_source(tmp_path / name) as source:
            contents = dict(source.stream([4, 0, 2]))
            assert contents == {number: source.images[number].name.encode() for number in (4, 0, 2)}


def test_a_gzipped_tar_is_read_in_its_own_order(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "paintings.tgz", "w:gz") as archive:
        for name in ("b/2.jpg", "a/1.jpg", "c/3.jpg"):
            add(archive, name, b"x")
    with open_source(tmp_path / "paintings.tgz") as source:
        assert [number for number, _ in source.stream([0, 1, 2])] == [1, 0, 2]


def test_flat_folders(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a.jpg", "train/b.jpg"])
    assert listed(tmp_path) == [("a.jpg", "unlabelled", None), ("train/b.jpg", "unlabelled", "train")]


def test_names_that_lead_out_links_and_devices_are_refused(tmp_path: Path) -> None:
    hostile = ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "..\\evil.jpg", "C:/evil.jpg"]
    make_zip(tmp_path / "x.zip", dict.fromkeys([*hostile, "a/good.jpg"], b"x"))
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name in [*hostile, "a/good.jpg"]:
            add(archive, name, b"x")
        add(archive, "a/link.jpg", kind=tarfile.SYMTYPE)
        add(archive, "a/hard.jpg", kind=tarfile.LNKTYPE)
        add(archive, "a/pipe.jpg", kind=tarfile.FIFOTYPE)
    for name, skipped in (("x.zip", 5), ("x.tar", 8)):
        with open_source(tmp_path / name) as source:
            assert [image.name for image in source.images] == ["a/good.jpg"]
            assert len(source.skipped) == skipped


def test_bombs_in_archives_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "RATIO_MATTERS_FROM", 1 << 16)
    zeros = bytes(1 << 20)
    make_zip(tmp_path / "x.zip", {"a/bomb.bmp": zeros, "a/good.jpg": b"x"})
    with open_source(tmp_path / "x.zip") as source:
        contents = dict(source.stream([0, 1]))
    assert str(contents[0]) == "it unpacks to more than 200 times its size"
    assert contents[1] == b"x"
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        add(archive, "a/bomb.bmp", zeros)
    with (
        pytest.raises(ArtganError, match="unpacks to more than 200 times its size"),
        open_source(tmp_path / "x.tar.gz"),
    ):
        pass
    monkeypatch.setattr(base, "MAX_FILE_BYTES", 10)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "large.bmp").write_bytes(zeros)
    with open_source(tmp_path / "folder") as source:
        assert "larger than" in str(dict(source.stream([0]))[0])
    monkeypatch.setattr(base, "MAX_FILES", 1)
    with pytest.raises(ArtganError, match="holds more than 1 files"), open_source(tmp_path / "x.zip"):
        pass


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
def test_torn_archives_are_told(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = {f"a/{number}.jpg": rng.bytes(5000) for number in range(5)}
    if name == "x.zip":
        make_zip(tmp_path / name, files)
    else:
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            for file, content in files.items():
                add(archive, file, content)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtganError, match=r"is damaged|is not an archive"), open_source(tmp_path / name):
        pass


def test_choosing_by_split_style_and_limit() -> None:
    images = [SourceImage(f"{i:03d}", "ab"[i % 2], ("train", "test")[i % 4 == 3]) for i in range(100)]
    assert len(choose(images, split="test")) == 25
    assert all(images[number].style == "a" for number in choose(images, styles=["a"]))
    few = choose(images, limit=10)
    assert few == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert choose(images, limit=1000) == list(range(100))
    for settings in ({"styles": ["c"]}, {"split": "val"}, {"limit": 0}):
        with pytest.raises(ArtganError):
            choose(images, **settings)


def test_lsun_databases(tmp_path: Path) -> None:
    lmdb = pytest.importorskip("lmdb", reason="the extra [lsun] is not installed")
    for style in ("baroque", "ukiyo_e"):
        with lmdb.open(str(tmp_path / f"{style}_lmdb"), map_size=1 << 20) as database, database.begin(write=True) as t:
            t.put(b"2", style.encode())
            t.put(b"1", b"first")
    with open_source(tmp_path) as source:
        assert [image.name for image in source.images] == ["baroque/1", "baroque/2", "ukiyo_e/1", "ukiyo_e/2"]
        assert read(source, 3) == b"ukiyo_e"
    (tmp_path / "baroque_lmdb" / "data.mdb").write_bytes(b"no database")
    with pytest.raises(ArtganError, match="cannot be read as a database"), open_source(tmp_path):
        pass


def test_hidden_folders_are_left_out(tmp_path: Path) -> None:
    make_folder(tmp_path, [".git/x.png", "a/.ipynb_checkpoints/y.png", "a/z.png"])
    assert listed(tmp_path) == [("a/z.png", "a", None)]
