import io
import tarfile
from pathlib import Path

import pytest

from artgan_lib import ArtganError
from artgan_lib.data.sources.open import open_source

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
        found = {source.images[number].name: content for number, content in source.stream(range(len(names)))}
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
        assert [image.name for image in source.images] == NAMES[:1]
        assert [tuple(skipped) for skipped in source.skipped] == [
            ("a/sparse.jpg", "it is stored as a sparse file, which pictures are not")
        ]


def test_a_file_cut_off_after_it_was_listed_is_told(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.tar", NAMES, tarfile.GNU_FORMAT, times=10_000)
    with open_source(path) as source:
        with path.open("r+b") as file:
            file.truncate(512)
        contents = [content for _, content in source.stream(range(len(NAMES)))]
    assert [str(content) for content in contents[1:]] == ["the archive ends within it"] * 4


def header(name: str, kind: bytes, size: int, words: bytes = b"") -> bytes:
    """One entry, with words in place of a file's content; a size that is none is written in binary."""
    member = tarfile.TarInfo(name)
    member.type = kind
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"%011o\0" % size if 0 <= size < 8**11 else b"\xff" * 4 + size.to_bytes(8, "big", signed=True)
    if size >= 8**11:
        block[124] = 0x80
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + 256 + sum(block[156:]))
    return bytes(block) + words + bytes(-len(words) % 512)


def pax(**values: str) -> bytes:
    """A pax header that says these of the next entry."""
    words = b""
    for key, value in values.items():
        line = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(line) + 1
        while len(str(length)) + len(line) != length:
            length += 1
        words += str(length).encode() + line
    return header("pax", tarfile.XHDTYPE, len(words), words)


FILE = header("a/b.jpg", tarfile.REGTYPE, 3, b"abc")
HOSTILE = {
    "a negative size": header("a/b.jpg", tarfile.REGTYPE, -1),
    "a negative size that leads back": header("a/b.jpg", tarfile.REGTYPE, -512),
    "a negative size in pax": pax(size="-1") + FILE,
    "one that leads back in pax": pax(size="-2000") + FILE,
    "a size beyond all files": header("a/b.jpg", tarfile.REGTYPE, 2**63 - 1),
    "one of many digits": pax(size="1" + "0" * 23) + FILE,
    "a sparse size that is no number": pax(GNU__sparse__size="x") + FILE,
    "a real size that is negative": pax(GNU__sparse__realsize="-1", GNU__sparse__major="1") + FILE,
    "names before names": header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 4, b"abc\0") * 3000 + FILE,
    "a name of a gigabyte": header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 1 << 30) + FILE,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_headers_are_told_and_nothing_is_read_by_them(content: bytes, tmp_path: Path) -> None:
    for before in (b"", FILE):
        path = tmp_path / "x.tar"
        path.write_bytes(before + content + bytes(1024) + b"what follows the end")
        with pytest.raises(ArtganError, match=r"x\.tar is (damaged|not an archive)"), open_source(path):
            pass


@pytest.mark.parametrize("kept", [*range(1, 512, 37), 511])
def test_an_archive_cut_within_a_header_is_told(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(FILE + header("a/c.jpg", tarfile.REGTYPE, 0)[:kept])
    with pytest.raises(ArtganError, match=r"x\.tar is damaged"), open_source(path):
        pass


def test_a_size_of_twelve_digits_is_read(tmp_path: Path) -> None:
    block = bytearray(FILE[:512])
    block[124:136] = b"%012o" % 3
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + 256 + sum(block[156:]))
    (tmp_path / "x.tar").write_bytes(bytes(block) + FILE[512:] + bytes(1024))
    with open_source(tmp_path / "x.tar") as source:
        assert dict(source.stream([0])) == {0: b"abc"}
