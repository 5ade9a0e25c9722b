"""LSUN databases: one lmdb database a style, with pictures as encoded files. Needs the extra `[lsun]`.

ArtBench-10 at its original size comes so. It holds 66,000 pictures, not 60,000: ArtBench-10 was chosen from them by its
list.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from artgan_lib.data.sources.base import Skipped, Source, SourceImage
from artgan_lib.errors import ArtganError


def is_lsun(path: Path) -> bool:
    """Tell whether a folder is an lmdb database or holds some."""
    return (path / "data.mdb").is_file() or any(path.glob("*/data.mdb"))


class Lsun:
    """Databases that are open for reading."""

    def __init__(self, databases: dict[str, Any]) -> None:
        self.skipped: list[Skipped] = []
        self._databases = databases
        self._keys = sorted((style, key) for style, database in databases.items() for key in _keys(database))
        names = (f"{style}/{key.decode(errors='replace').replace('/', '_')}" for style, key in self._keys)
        self.images = [SourceImage.named(name) for name in names]

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Read one picture after the other, without a copy of the database in memory."""
        for number in chosen:
            style, key = self._keys[number]
            with self._databases[style].begin() as transaction:
                yield number, bytes(transaction.get(key))


@contextmanager
def open_lsun(path: Path) -> Iterator[Source]:
    """Open a database (`data.mdb`) or a folder of them; a style is the folder's name without `_lmdb`.

    Raises:
        ArtganError: If lmdb is not installed or a database cannot be read.
    """
    try:
        import lmdb
    except ModuleNotFoundError:
        raise ArtganError(f"{path} is an LSUN database; `pip install artgan[lsun]` brings what reads it") from None
    folders = [path] if (path / "data.mdb").is_file() else sorted(file.parent for file in path.glob("*/data.mdb"))
    with ExitStack() as stack:
        databases = {}
        for folder in folders:
            try:
                database = lmdb.open(str(folder), readonly=True, lock=False, readahead=False, create=False)
            except lmdb.Error as error:
                raise ArtganError(f"{folder} cannot be read as a database ({error}); fetch it again") from None
            databases[folder.name.removesuffix("_lmdb")] = stack.enter_context(database)
        yield Lsun(databases)


def _keys(database: Any) -> list[bytes]:
    with database.begin() as transaction:
        return list(transaction.cursor().iternext(values=False))
