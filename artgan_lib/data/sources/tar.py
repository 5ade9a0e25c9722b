"""Tar archives of image files: listed once, then read from their places; nothing is unpacked to the disk."""

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from artgan_lib.data.sources.base import (
    MAX_RATIO,
    Skipped,
    Source,
    check_size,
    exceeds_ratio,
    is_unsafe_path,
    label,
    readable_name,
)
from artgan_lib.errors import ArtganError

_GULP = 1 << 16
_MAX_HEADER = 1 << 20
"""Bytes that a name or other words before a header may have; tarfile reads them into memory."""


class Tar:
    """A tar archive; one that is gzipped is read from its start to its end, since going back means starting over.

    Of each file only place and size are kept: a set of pictures has many.
    """

    def __init__(self, file: BinaryIO, path: Path, gzipped: bool) -> None:
        self._file, self._gzipped, self.skipped = file, gzipped, list[Skipped]()
        places: dict[str, tuple[int, int]] = {}
        packed, unpacked = path.stat().st_size, 0
        for member in _members(file):
            unpacked += member.size
            if gzipped and exceeds_ratio(unpacked, packed):
                raise ArtganError(f"{path} unpacks to more than {MAX_RATIO} times its size; it is not read")
            if member.isdir():
                continue
            name = readable_name(member.name)
            if not member.isreg():
                self.skipped.append(Skipped(name, "it is a link or a device, not a file"))
            elif member.issparse():
                self.skipped.append(Skipped(name, "it is stored as a sparse file, which pictures are not"))
            elif is_unsafe_path(name):
                self.skipped.append(Skipped(name, "its name leads out of the archive"))
            else:
                places[name] = member.offset_data, member.size
        self.images = label(places)
        self._places = np.array([places[image.name] for image in self.images], np.int64).reshape(-1, 2)

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one file after the other, in the archive's own order if it is gzipped."""
        order = np.asarray(chosen, np.int64)
        if self._gzipped:
            order = order[np.argsort(self._places[order, 0], kind="stable")]
        for number in order.tolist():
            try:
                place, size = self._places[number].tolist()
                check_size(size, 0)
                self._file.seek(place)
                content = self._file.read(size)
                if len(content) < size:
                    raise EOFError("the archive ends within it")
                yield number, content
            except (OSError, EOFError, zlib.error, ArtganError) as error:
                yield number, error


_WORDS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
"""Kinds of entries that are no files, but words about the next one."""


class _Entry(tarfile.TarInfo):
    """An entry that does not read a gigabyte of name into memory."""

    __slots__ = ()

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _WORDS and not 0 <= self.size <= _MAX_HEADER:
            raise tarfile.ReadError("a header within it is wrong")
        member: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]  # typeshed lacks it
        return member


def _members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """List what is in a tar archive; tarfile itself would remember each entry.

    Raises:
        tarfile.ReadError: If it is damaged, or made so that reading it would not end or not fit into memory.
    """
    with _told(), tarfile.open(fileobj=file, mode="r:", tarinfo=_Entry) as archive:
        before = -1
        while (member := archive.next()) is not None:
            if member.size < 0 or not before < archive.offset < 1 << 62:
                raise tarfile.ReadError("a size within it is wrong")
            before = archive.offset
            yield member
            archive.members.clear()  # type: ignore[attr-defined]  # typeshed lacks it
        file.seek(archive.offset)
        if any(file.read(tarfile.BLOCKSIZE)):  # tarfile takes a damaged header for the end
            raise tarfile.ReadError("a header within it is wrong")


@contextmanager
def _told() -> Iterator[None]:
    """Turn what tarfile raises on headers that nobody honest writes into its error for damaged archives."""
    try:
        yield
    except (ValueError, OverflowError, IndexError, RecursionError) as error:
        raise tarfile.ReadError(f"a header within it is wrong: {type(error).__name__}") from None


@contextmanager
def open_tar(path: Path, gzipped: bool) -> Iterator[Source]:
    """Open an archive.

    Raises:
        ArtganError: If it is no archive, damaged, or a bomb.
    """
    try:
        # Many small files at a gulp: each read of its own would make threads wait for each other.
        with gzip.open(path) if gzipped else path.open("rb", buffering=_GULP) as file:
            yield Tar(cast("BinaryIO", file), path, gzipped)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        if "not a" in str(error) or "invalid header" in str(error) or "truncated header" in str(error):
            raise ArtganError(f"{path} is not an archive; give a folder of pictures, a tar, tar.gz or zip") from None
        raise ArtganError(f"{path} is damaged ({error}); fetch it again") from None
