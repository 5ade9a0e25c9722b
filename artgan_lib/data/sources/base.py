"""What all collections of paintings have in common: an image of it, what is skipped, and the guards.

Owns how a style and a split are read from a name, and which names and sizes are refused. Reading a form of collection
is left to the other modules here, telling the forms apart to `open`, turning bytes into pixels to `data.decoding`.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from artgan_lib.errors import ArtganError

SPLITS = ("train", "test", "val")
UNLABELLED = "unlabelled"
"""The style of an image that lies in no folder."""

MAX_FILES = 2_000_000
MAX_FILE_BYTES = 1 << 29
MAX_RATIO = 200
"""How many times larger than its archive's part a file may be, once it is larger than 64 MB: more is a bomb."""
RATIO_MATTERS_FROM = 1 << 26


class SourceImage(NamedTuple):
    """One file of a source."""

    name: str  # path inside the source, with forward slashes
    style: str  # name of the folder it lies in
    split: str | None  # name of the folder above, if that is train, test or val

    @classmethod
    def named(cls, name: str) -> "SourceImage":
        """Read style and split from a name: `split/style/file`, `style/file`, `split/file` or `file`."""
        above, folder, _ = ["", "", *_parts(name)][-3:]
        if above in SPLITS:
            style, split = folder, above
        elif folder in SPLITS:
            style, split = UNLABELLED, folder
        else:
            style, split = folder or UNLABELLED, ""
        # One text for all that share a style or split: a collection has many files.
        return cls(name, sys.intern(style), sys.intern(split) or None)


class Skipped(NamedTuple):
    """One entry of a source that is not read, and why."""

    name: str
    reason: str


class Source(Protocol):
    """A collection of paintings (interface ITDT of Fig. 2)."""

    images: list[SourceImage]
    skipped: list[Skipped]

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Hand over the files of the images with these numbers, in whatever order is quick to read.

        What cannot be read comes as the exception that was raised.
        """
        ...


def choose(
    images: Sequence[SourceImage],
    *,
    split: str | None = None,
    styles: Sequence[str] = (),
    limit: int | None = None,
) -> list[int]:
    """Return the numbers of the images that are wanted.

    Args:
        images: Of a source.
        split: Only this one.
        styles: Only these; empty means all.
        limit: At most so many, spread evenly over the rest, so that each style keeps its share.

    Raises:
        ArtganError: If nothing is left, or a style is not there.
    """
    there = {image.style for image in images}
    for style in styles:
        if style not in there:
            raise ArtganError(f"there is no style {style!r}; there are {', '.join(sorted(there))}")
    if limit is not None and limit < 1:
        raise ArtganError(f"the limit must be at least 1, not {limit}")
    chosen = [
        number
        for number, image in enumerate(images)
        if split in (None, image.split) and (not styles or image.style in styles)
    ]
    if not chosen:
        splits = ", ".join(sorted({image.split or "none" for image in images}))
        raise ArtganError(f"no picture of the split {split!r} is there; splits found: {splits}")
    if limit is None or limit >= len(chosen):
        return chosen
    return [chosen[int(place)] for place in np.linspace(0, len(chosen) - 1, limit)]


def read(source: Source, number: int) -> bytes:
    """Return the bytes of one image's file; what cannot be read raises what was raised."""
    _, content = next(source.stream([number]))
    if isinstance(content, Exception):
        raise content
    return content


def label(names: Iterable[str]) -> list[SourceImage]:
    """List files in the order of their names; hidden files and what macOS adds to archives are left out."""
    return [
        SourceImage.named(name)
        for name in sorted(names)
        if not any(part.startswith(".") or part == "__MACOSX" for part in _parts(name))
    ]


def files_below(path: Path) -> Iterator[str]:
    """List the files in a folder and in those below it, as paths inside it with forward slashes.

    Links to folders are not followed.
    """
    for folder, _, names in os.walk(path):  # pathlib takes ten times as long for all of this
        inside = Path(folder).relative_to(path).as_posix()
        for name in names:
            if os.path.isfile(f"{folder}/{name}"):  # noqa: PTH113  # no pipe, no device, no link to nowhere
                yield name if inside == "." else f"{inside}/{name}"


def readable_name(name: str) -> str:
    """Return a name that can be written: bytes that are no UTF-8 become visible escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_unsafe_path(name: str) -> bool:
    """Tell whether a file of this name would not lie inside the folder that an archive is unpacked to."""
    name = name.replace("\\", "/")
    parts = _parts(name)
    return not parts or name.startswith("/") or ".." in parts or ":" in parts[0]


def exceeds_ratio(size: int, packed: int) -> bool:
    """Tell whether so many bytes are far more than anything honest that is packed into so few."""
    return size > max(packed * MAX_RATIO, RATIO_MATTERS_FROM)


def check_size(size: int, packed: int) -> None:
    """Refuse a file that is larger than any painting.

    Args:
        size: Of the file in bytes.
        packed: Of its part of an archive; 0 if it is not known.

    Raises:
        ArtganError: If it is too large, or a bomb.
    """
    if size > MAX_FILE_BYTES:
        raise ArtganError(f"it is larger than {MAX_FILE_BYTES // 2**20} MB")
    if packed and exceeds_ratio(size, packed):
        raise ArtganError(f"it unpacks to more than {MAX_RATIO} times its size")


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]
