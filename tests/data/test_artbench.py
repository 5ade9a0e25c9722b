import io
import tarfile
from pathlib import Path

import pytest

from artgan_lib import ArtganError
from artgan_lib.data.artbench import open_source


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
        assert [tuple(painting) for painting in source.paintings] == LISTED
        assert source.read(source.paintings[0]) == b"e.png"


def test_a_tar_is_listed_in_the_same_order_and_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "paintings.tar"
    with tarfile.open(path, "w") as archive:
        for name in NAMES:
            add(archive, name, name.encode())
        add(archive, "train/baroque/link.jpg", kind=tarfile.SYMTYPE)
        add(archive, "train/baroque/device.jpg", kind=tarfile.CHRTYPE)
    with open_source(path) as source:
        assert [tuple(painting) for painting in source.paintings] == LISTED
        assert [source.read(painting).decode() for painting in source.paintings] == sorted(NAMES)
    assert [file.name for file in tmp_path.iterdir()] == ["paintings.tar"]


def test_what_is_no_source_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no folder or archive"), open_source(tmp_path / "nothing"):
        pass
    with pytest.raises(ArtganError, match="holds no files"), open_source(tmp_path):
        pass
    (tmp_path / "notes.txt").write_text("no archive, " * 100)
    with pytest.raises(ArtganError, match="is not a tar archive"), open_source(tmp_path / "notes.txt"):
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
        assert len(source.paintings) == 1588
        assert {painting.split for painting in source.paintings} == {"train", "test"}
        assert len({painting.style for painting in source.paintings}) == 10
