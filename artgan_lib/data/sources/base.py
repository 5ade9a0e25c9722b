"""Collections of paintings: a folder, a tar, tar.gz or zip, parquet files, LSUN databases.

Lists what is there by style and split, in one order on every machine, and hands over the bytes of each file. Nothing
is ever unpacked to the disk, so no name can lead out of a folder. Turning bytes into pixels is left to
`data.preprocessing`.
"""

import os
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from artgan_lib.errors import ArtganError

SPLITS = ("train", "test", "val")
UNLABELLED = "unlabelled"
"""The style of a picture that lies in no folder."""

MAX_FILES = 2_000_000
MAX_FILE_BYTES = 1 << 29
MAX_RATIO = 200
"""How many times larger than its archive's part a file may be, once it is larger than 64 MB: more is a bomb."""
_RATIO_MATTERS_FROM = 1 << 26


class Painting(NamedTuple):
    """One file of a source."""

    name: str  # path inside the source, with forward slashes
    style: str  # name of the folder it lies in
    split: str | None  # name of the folder above, if that is train, test or val


class Refused(NamedTuple):
    """One entry of a source that is not read, and why."""

    name: str
    reason: str


class Source(Protocol):
    """A collection of paintings (interface ITDT of Fig. 2)."""

    paintings: list[Painting]
    refused: list[Refused]

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Hand over the files of the paintings with these numbers, in whatever order is quick to read.

        What cannot be read comes as the exception that was raised.
        """
        ...


@contextmanager
def open_source(path: Path | str) -> Iterator[Source]:
    """Open a collection of paintings by looking at it.

    An ImageFolder (`style/file` or `split/style/file`), a flat folder, a tar, tar.gz or zip of one, a folder of LSUN databases (`style_lmdb/data.mdb`), a folder of parquet
    files as the Hugging Face Hub keeps them, a cache of ours. The
    order is that of the names. Hidden files are left out without a word; links, devices and names that lead elsewhere
    are refused.

    Raises:
        ArtganError: If there is nothing there, it is none of these, it is damaged, or it holds no files.
    """
    path = Path(path)
    with _open(path) as source:
        if not source.paintings:
            raise ArtganError(f"{path} holds no files; expected pictures as style/file or split/style/file")
        if len(source.paintings) > MAX_FILES:
            raise ArtganError(f"{path} holds more than {MAX_FILES:,} files; split it")
        yield source


def choose(
    paintings: Sequence[Painting],
    *,
    split: str | None = None,
    styles: Sequence[str] = (),
    limit: int | None = None,
) -> list[int]:
    """Return the numbers of the paintings that are wanted.

    Args:
        paintings: Of a source.
        split: Only this one.
        styles: Only these; empty means all.
        limit: At most so many, spread evenly over the rest, so that each style keeps its share.

    Raises:
        ArtganError: If nothing is left, or a style is not there.
    """
    there = {painting.style for painting in paintings}
    for style in styles:
        if style not in there:
            raise ArtganError(f"there is no style {style!r}; there are {', '.join(sorted(there))}")
    if limit is not None and limit < 1:
        raise ArtganError(f"the limit must be at least 1, not {limit}")
    chosen = [
        number
        for number, painting in enumerate(paintings)
        if split in (None, painting.split) and (not styles or painting.style in styles)
    ]
    if not chosen:
        splits = ", ".join(sorted({painting.split or "none" for painting in paintings}))
        raise ArtganError(f"no picture of the split {split!r} is there; splits found: {splits}")
    if limit is None or limit >= len(chosen):
        return chosen
    return [chosen[int(place)] for place in np.linspace(0, len(chosen) - 1, limit)]


def read(source: Source, number: int) -> bytes:
    """Return the bytes of one painting's file; what cannot be read raises what was raised."""
    _, content = next(source.stream([number]))
    if isinstance(content, Exception):
        raise content
    return content


def label(names: Iterable[str]) -> list[Painting]:
    """List files by name, with the style and split that their folders say; hidden files are left out."""
    paintings = []
    for name in sorted(names):
        *folders, file = _parts(name)
        if "/." in f"/{'/'.join(folders)}/{file}" or "__MACOSX" in folders:
            continue
        style = folders[-1] if folders else UNLABELLED
        split = folders[-2] if len(folders) > 1 and folders[-2] in SPLITS else None
        if style in SPLITS and split is None:  # split/file, a flat folder of each split
            style, split = UNLABELLED, style
        paintings.append(Painting(name, sys.intern(style), split and sys.intern(split)))  # one text for all of them
    return paintings


def _open(path: Path) -> AbstractContextManager[Source]:
    from artgan_lib.data import cache, lsun, mirror, tar

    if path.is_dir():
        if cache.is_cache(path):
            return cache.open_as_source(path)
        if lsun.is_lsun(path):
            return lsun.open_folder(path)
        return mirror.open_folder(path) if mirror.is_parquet(path) else _folder(path)
    if not path.exists():
        raise ArtganError(f"there is no folder or archive {path}")
    if not path.is_file():
        raise ArtganError(f"{path} is neither a folder nor a file")
    if zipfile.is_zipfile(path):
        return _zip(path)
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    return tar.open_tar(path, gzipped)


class Folder:
    """A folder of files."""

    def __init__(self, path: Path) -> None:
        self.refused, self._path = list[Refused](), path
        self._files = {readable_name(file): file for file in files_below(path)}
        self.paintings = label(self._files)

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one file after the other."""
        for number in chosen:
            try:
                file = self._path / self._files[self.paintings[number].name]
                check_size(file.stat().st_size, 0)
                yield number, file.read_bytes()
            except (OSError, ArtganError) as error:
                yield number, error


def files_below(path: Path) -> Iterator[str]:
    """List the files in a folder and in those below it, as paths inside it with forward slashes.

    Links to folders are not followed.
    """
    for folder, _, names in os.walk(path):  # pathlib takes ten times as long for all of this
        inside = Path(folder).relative_to(path).as_posix()
        for name in names:
            if os.path.isfile(f"{folder}/{name}"):  # noqa: PTH113  # no pipe, no device, no link to nowhere
                yield name if inside == "." else f"{inside}/{name}"


@contextmanager
def _folder(path: Path) -> Iterator[Source]:
    yield Folder(path)


class Zip:
    """A zip archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        files = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        self.refused = [Refused(name, "its name leads out of the archive") for name in files if leads_out(name)]
        self.members = {name: info for name, info in files.items() if not leads_out(name)}
        self.paintings = label(self.members)

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one file after the other."""
        for number in chosen:
            info = self.members[self.paintings[number].name]
            try:
                check_size(info.file_size, info.compress_size)
                yield number, self.archive.read(info)
            except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, EOFError) as error:
                yield number, error


@contextmanager
def _zip(path: Path) -> Iterator[Source]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ArtganError(f"{path} is damaged ({error}); fetch it again") from None
    with archive:
        yield Zip(archive)


def readable_name(name: str) -> str:
    """Return a name that can be written: bytes that are no UTF-8 become visible escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def leads_out(name: str) -> bool:
    """Tell whether a file of this name would not lie inside the folder that an archive is unpacked to."""
    name = name.replace("\\", "/")
    parts = _parts(name)
    return not parts or name.startswith("/") or ".." in parts or ":" in parts[0]


def is_bomb(size: int, packed: int) -> bool:
    """Tell whether so many bytes are far more than anything honest that is packed into so few."""
    return size > max(packed * MAX_RATIO, _RATIO_MATTERS_FROM)


def check_size(size: int, packed: int) -> None:
    """Refuse a file that no painting has.

    Args:
        size: Of the file in bytes.
        packed: Of its part of an archive; 0 if it is not known.

    Raises:
        ArtganError: If it is too large, or a bomb.
    """
    if size > MAX_FILE_BYTES:
        raise ArtganError(f"it is larger than {MAX_FILE_BYTES // 2**20} MB")
    if packed and is_bomb(size, packed):
        raise ArtganError(f"it unpacks to more than {MAX_RATIO} times its size")
