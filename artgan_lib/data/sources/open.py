"""The switch: looks at a folder or file and opens it as the form of collection that it is."""

import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from artgan_lib.data import dataset
from artgan_lib.data.sources import base, folder, lsun, parquet, tar, zip  # noqa: A004  # named by what they read
from artgan_lib.data.sources.base import Source
from artgan_lib.errors import ArtganError


@contextmanager
def open_source(path: Path | str) -> Iterator[Source]:
    """Open a collection of paintings by looking at it.

    An ImageFolder (`style/file` or `split/style/file`), a flat folder, a tar, tar.gz or zip of one, a folder of LSUN
    databases (`style_lmdb/data.mdb`), a folder of parquet files as the Hugging Face Hub keeps them, a cache of ours.
    The order is that of the names. Hidden files are left out without a word; links, devices and names that lead
    elsewhere are refused. Nothing is ever unpacked to the disk, so no name can lead out of a folder.

    Raises:
        ArtganError: If there is nothing there, it is none of these, it is damaged, or it holds no files.
    """
    path = Path(path)
    with _open(path) as source:
        if not source.images:
            raise ArtganError(f"{path} holds no files; expected pictures as style/file or split/style/file")
        if len(source.images) > base.MAX_FILES:
            raise ArtganError(f"{path} holds more than {base.MAX_FILES:,} files; split it")
        yield source


def _open(path: Path) -> AbstractContextManager[Source]:
    if path.is_dir():
        if dataset.is_cache(path):
            return dataset.open_as_source(path)
        if lsun.is_lsun(path):
            return lsun.open_lsun(path)
        return parquet.open_parquet(path) if parquet.is_parquet(path) else folder.open_folder(path)
    if not path.exists():
        raise ArtganError(f"there is no folder or archive {path}")
    if not path.is_file():
        raise ArtganError(f"{path} is neither a folder nor a file")
    if zipfile.is_zipfile(path):
        return zip.open_zip(path)
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    return tar.open_tar(path, gzipped)
