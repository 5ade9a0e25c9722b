"""A folder of image files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from artgan_lib.data.sources.base import Skipped, Source, check_size, files_below, label, readable_name
from artgan_lib.errors import ArtganError


class Folder:
    """A folder of files, with those in the folders below it."""

    def __init__(self, path: Path) -> None:
        self.skipped, self._path = list[Skipped](), path
        self._files = {readable_name(file): file for file in files_below(path)}
        self.images = label(self._files)

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one file after the other."""
        for number in chosen:
            try:
                file = self._path / self._files[self.images[number].name]
                check_size(file.stat().st_size, 0)
                yield number, file.read_bytes()
            except (OSError, ArtganError) as error:
                yield number, error


@contextmanager
def open_folder(path: Path) -> Iterator[Source]:
    """Open a folder of files."""
    yield Folder(path)
