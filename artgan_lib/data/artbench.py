"""The training-data store: paintings in a folder or a tar archive, listed by style and split, read one by one.

Owns what ArtBench-10 and any ImageFolder look like on disk; turning bytes into pixels is left to
`data.preprocessing`. Nothing is ever unpacked.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from artgan_lib.errors import ArtganError

STYLES = (
    "art_nouveau",
    "baroque",
    "expressionism",
    "impressionism",
    "post_impressionism",
    "realism",
    "renaissance",
    "romanticism",
    "surrealism",
    "ukiyo_e",
)
"""The ten styles of ArtBench-10, in its own order."""

SPLITS = ("train", "test", "val")
UNLABELLED = "unlabelled"
"""The style of a picture that lies in no folder."""


class Painting(NamedTuple):
    """One file of a source."""

    name: str  # path inside the source, with forward slashes
    style: str  # name of the folder it lies in
    split: str | None  # name of the folder above, if that is train, test or val


class Source(Protocol):
    """A collection of paintings (interface ITDT of Fig. 2)."""

    paintings: list[Painting]

    def read(self, painting: Painting) -> bytes:
        """Return the bytes of a painting's file."""
        ...


@contextmanager
def open_source(path: Path | str) -> Iterator[Source]:
    """Open an ImageFolder (`style/file` or `split/style/file`) or an uncompressed tar of one.

    The order is that of the names, so it is the same on every machine. Hidden files are left out, as are links and
    devices in an archive.

    Raises:
        ArtganError: If there is nothing there, the file is not a tar archive, or it holds no files.
    """
    path = Path(path)
    if path.is_dir():
        yield _with_paintings(_Folder(path), path)
    elif path.is_file():
        try:
            archive = tarfile.open(path, "r:")  # noqa: SIM115 (closed below; only this line may fail so)
        except tarfile.TarError:
            raise ArtganError(
                f"{path} is not a tar archive; give a folder of pictures or an uncompressed .tar"
            ) from None
        with archive:
            yield _with_paintings(_Tar(archive, path), path)
    else:
        raise ArtganError(f"there is no folder or archive {path}")


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        self.paintings = _list(names)

    def read(self, painting: Painting) -> bytes:
        return (self.path / painting.name).read_bytes()


class _Tar:
    def __init__(self, archive: tarfile.TarFile, path: Path) -> None:
        self.archive = archive
        try:
            self.members = {member.name: member for member in archive.getmembers() if member.isreg()}
        except tarfile.TarError as error:
            raise ArtganError(f"{path} is damaged ({error}); fetch it again") from None
        self.paintings = _list(self.members)

    def read(self, painting: Painting) -> bytes:
        file = self.archive.extractfile(self.members[painting.name])
        assert file is not None  # regular members always have content
        return file.read()


def _list(names: Iterator[str] | dict[str, tarfile.TarInfo]) -> list[Painting]:
    paintings = []
    for name in sorted(names):
        *folders, file = PurePosixPath(name).parts
        if file.startswith("."):
            continue
        style = folders[-1] if folders else UNLABELLED
        split = folders[-2] if len(folders) > 1 and folders[-2] in SPLITS else None
        paintings.append(Painting(name, style, split))
    return paintings


def _with_paintings(source: Source, path: Path) -> Source:
    if not source.paintings:
        raise ArtganError(f"{path} holds no files; expected pictures as style/file or split/style/file")
    return source
