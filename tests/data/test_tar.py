import io
import tarfile
from pathlib import Path

import pytest

from artgan_lib import ArtganError
from artgan_lib.data.sources import open_source

NAMES = [
    "train/baroque/a.jpg",
    f"train/baroque/{'long' * 30}.jpg",  # 138 letters: ustar cuts it in two, GNU and pax write it before
    f"{'folder/' * 14}baroque/file_of_a_name_that_is_not_short.jpg",
    "train/ukiyo_e/波.jpg",
    "./test/baroque/b.jpg",
]


def pack(path: Path, names: list[str], kind: int, times: int = 3) -> Path:
    with tarfile.open(path, "w", format=kind) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            content = name.encode() * times
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_header_is_read_as_tarfile_reads_it(kind: int, tmp_path: Path) -> None:
    names = [name for name in NAMES if kind != tarfile.USTAR_FORMAT or "long" not in name]
    path = pack(tmp_path / "x.tar", names, kind)
    with tarfile.open(path) as archive:
        expected = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert set(expected) == set(names)
    with open_source(path) as source:
        found = {source.paintings[number].name: content for number, content in source.stream(range(len(names)))}
    assert found == expected


@pytest.mark.parametrize(("place", "byte"), [(0, b"x"), (124, b"7"), (124, b"9"), (148, b"7"), (148, b"x")])
def test_a_header_with_a_flipped_byte_is_told(place: int, byte: bytes, tmp_path: Path) -> None:
    path = pack(tmp_path / "x.tar", NAMES[:1] * 3, tarfile.GNU_FORMAT)
    content = bytearray(path.read_bytes())
    second = 1024 + place  # a head and its content have 512 bytes each
    assert content[second : second + 1] != byte
    content[second : second + 1] = byte
    path.write_bytes(content)
    with pytest.raises(ArtganError, match=r"x\.tar is (damaged|not an archive)"), open_source(path):
        pass


def test_a_file_larger_than_an_octal_number_says_has_its_size_in_binary(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a/huge.jpg")
    member.size = 8**11 + 5
    path = tmp_path / "x.tar"
    path.write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    with pytest.raises(ArtganError, match=r"is damaged .*unexpected end"), open_source(path):
        pass


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a/sparse.jpg")
    member.type = tarfile.GNUTYPE_SPARSE
    path = pack(tmp_path / "x.tar", NAMES[:1], tarfile.GNU_FORMAT)
    path.write_bytes(member.tobuf(tarfile.GNU_FORMAT) + path.read_bytes())
    with open_source(path) as source:
        assert [painting.name for painting in source.paintings] == NAMES[:1]
        assert [tuple(refused) for refused in source.refused] == [
            ("a/sparse.jpg", "it is stored as a sparse file, which pictures are not")
        ]


def test_a_file_cut_off_after_it_was_listed_is_told(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.tar", NAMES, tarfile.GNU_FORMAT, times=10_000)
    with open_source(path) as source:
        with path.open("r+b") as file:
            file.truncate(512)
        contents = [content for _, content in source.stream(range(len(NAMES)))]
    assert [str(content) for content in contents[1:]] == ["the archive ends within it"] * 4
