"""Zip archives of image files; nothing is unpacked to the disk."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from artgan_lib.data.sources.base import Skipped, Source, check_size, is_unsafe_path, label
from artgan_lib.errors import ArtganError


class Zip:
    """A zip archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        files = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        self.skipped = [Skipped(name, "its name leads out of the archive") for name in files if is_unsafe_path(name)]
        self._members = {name: info for name, info in files.items() if not is_unsafe_path(name)}
        self.images = label(self._members)

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one file after the other."""
        for number in chosen:
            info = self._members[self.images[number].name]
            try:
                check_size(info.file_size, info.compress_size)
                yield number, self._archive.read(info)
            except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, EOFError) as error:
                yield number, error


@contextmanager
def open_zip(path: Path) -> Iterator[Source]:
    """Open an archive.

    Raises:
        ArtganError: If it is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ArtganError(f"{path} is damaged ({error}); fetch it again") from None
    with archive:
        yield Zip(archive)
