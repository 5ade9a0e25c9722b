"""Image processing: every painting to RGB, a centred square, 64 x 64 by bicubic, into one array.

Owns the run over many files, and the quarantine of those that cannot be read: they are named with a reason and the run
goes on. Files become pixels in `data.decoding`; what is written is described in `data.dataset`.
"""

import errno
import json
import platform
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import PIL

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.data.dataset import (
    FILES,
    FORMAT,
    IMAGES,
    LABELS,
    MANIFEST,
    ImageDataset,
    hash_file,
    is_cache,
    open_cache,
)
from artgan_lib.data.decoding import decode, map_files, square_thumbnail
from artgan_lib.data.sources.base import Source, SourceImage, choose
from artgan_lib.data.sources.open import open_source
from artgan_lib.data.synthetic import SYNTHETIC_CLASSES, synthetic_paintings
from artgan_lib.downloads import Progress
from artgan_lib.errors import ArtganError
from artgan_lib.images import spot_fingerprint
from artgan_lib.runlog import check_space, locked, write_json

__all__ = ["SYNTHETIC", "load_images", "prepare", "square_thumbnail"]

SYNTHETIC = "synthetic"
"""The source that needs no file: procedural pictures of `data.synthetic`."""

_CACHE_FILES = (IMAGES, LABELS, FILES, MANIFEST)
_SYSTEM_FILES = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What file managers leave in any folder that somebody looked into."""


def prepare(
    source: Path | str,
    out: Path | str,
    *,
    size: int = IMAGE_SIZE,
    split: str | None = None,
    styles: Sequence[str] = (),
    limit: int | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImageDataset:
    """Make a cache of a collection of paintings.

    A file that cannot be read is named in the manifest with the reason, and the run goes on. The cache is written
    into a folder of a temporary name, which is renamed when it is whole; a run that was killed starts anew.

    Args:
        source: Whatever `data.sources.open` opens.
        out: Folder of the cache.
        size: Side of the pictures in pixels, 1 to 1024.
        split: Take only this split (`train`, `test`, `val`).
        styles: Take only these styles; empty means all.
        limit: Take at most so many, spread evenly.
        overwrite: Replace a cache that lies there.
        workers: Threads that decode; as many as there are cores by default.
        progress: Told after each file.

    Returns:
        The new cache, memory-mapped. It does not depend on the number of workers.

    Raises:
        ArtganError: If the source has no readable picture, `out` exists or is being prepared by another process, or
            the disk is full.
    """
    source, out = Path(source), Path(out)
    if not 1 <= size <= 1024:
        raise ArtganError(f"the size must lie in 1 to 1024 pixels, not {size}")
    here, there = source.resolve(), out.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise ArtganError(f"the cache {out} and the paintings {source} must not lie in each other")
    busy = f"another process prepares {out}; wait for it or choose another folder"
    with locked(there, busy), _replacing(there, overwrite) as tmp, open_source(source) as opened:
        chosen = choose(opened.images, split=split, styles=styles, limit=limit)
        check_space(tmp, len(chosen) * size * size * 3)
        rows = _write_images(tmp / IMAGES, opened, chosen, size, workers, progress)
        if not rows.good:
            name = opened.images[chosen[0]].name
            raise ArtganError(f"{source} has no picture that can be read; {name}: {rows.reasons[0]}")
        _describe(tmp, source, opened, chosen, rows, size, split)
    return open_cache(there)


def load_images(
    source: Path | str, *, count: int = 2048, seed: int = 0, cache: Path | str | None = None
) -> ImageDataset:
    """Get 64 x 64 pictures from whatever the reader has: what a notebook's SOURCE accepts.

    All splits are taken together. To train on one of them, prepare that split alone or take it by
    `data.dataset.open_split`.

    Args:
        source: `synthetic`, a cache, or, where `cache` is given, a collection of paintings, which is prepared first.
        count: How many synthetic ones.
        seed: Of the synthetic ones.
        cache: Where a collection is prepared to; a cache there is replaced.

    Raises:
        ArtganError: If the source cannot be opened, or paintings would have to be prepared and `cache` is None.
    """
    if str(source) == SYNTHETIC:
        images, labels = synthetic_paintings(count, seed=seed)
        return ImageDataset(images, labels, SYNTHETIC_CLASSES, {"source": SYNTHETIC, "count": count, "seed": seed})
    if is_cache(source) or cache is None:
        return open_cache(source)  # says what is wrong if it is none
    return prepare(source, cache, overwrite=True)


def _check_place(out: Path, overwrite: bool) -> None:
    """Refuse to write where something would be lost."""
    names = {path.name for path in out.iterdir()} if out.is_dir() else {out.name} if out.exists() else set()
    names -= {*_SYSTEM_FILES}
    if names - {*_CACHE_FILES}:
        raise ArtganError(f"{out} exists already and holds more than a cache; choose another folder")
    if names and not overwrite:
        raise ArtganError(f"{out} exists already; --overwrite replaces it")


@contextmanager
def _replacing(out: Path, overwrite: bool) -> Iterator[Path]:
    """Hand out an empty folder that takes the place of `out` at the end, and goes if anything is raised."""
    tmp, former = (out.with_name(f".{out.name}.{ending}") for ending in ("partial", "former"))
    if former.exists() and not out.exists():
        former.replace(out)  # a run was killed between the two renames below
    _check_place(out, overwrite)
    _remove_cache(tmp)
    tmp.mkdir()
    try:
        yield tmp
        _remove_cache(former)
        if out.exists():  # the old cache goes only when the new one is in its place
            out.replace(former)
        tmp.replace(out)
        _remove_cache(former)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ArtganError(f"the disk of {out.parent} is full; make room and run the same command again") from None
    finally:
        _remove_cache(tmp)


def _remove_cache(folder: Path) -> None:
    """Remove a cache, whole or not; whatever else lies in its folder stays, and the folder with it."""
    with suppress(OSError):
        for name in (*_CACHE_FILES, *_SYSTEM_FILES):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


class _Rows(NamedTuple):
    """What became of the files that were chosen, in their order."""

    hashes: list[str]  # SHA-256 of each file
    reasons: dict[int, str]  # row -> why it is quarantined
    good: list[int]  # rows that were kept, ascending


def _write_images(
    path: Path, opened: Source, chosen: list[int], size: int, workers: int | None, progress: Progress | None
) -> _Rows:
    """Write the pixels of all files that can be read into one array file.

    Rows are written to a file, not into a mapping of it, since a full disk raises OSError there and kills here.
    """
    row_of = {number: row for row, number in enumerate(chosen)}
    hashes, reasons, square = [""] * len(chosen), dict[int, str](), size * size * 3
    with path.open("w+b") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is no reason to stop; bombs are refused by size
        start = _write_header(file, len(chosen), size)
        results = map_files(opened, chosen, lambda content: decode(content, size), workers)
        for done, (number, (pixels, sha256, reason)) in enumerate(results, 1):
            row = row_of[number]
            hashes[row] = sha256
            if pixels is None:
                reasons[row] = reason or ""
            else:
                file.seek(start + row * square)
                file.write(pixels.tobytes())
            if progress is not None:
                progress(done, len(chosen))
        good = [row for row in range(len(chosen)) if row not in reasons]
        for place, row in enumerate(good):
            if place != row:  # close the gaps of those that cannot be read
                file.seek(start + row * square)
                pixels_of_row = file.read(square)
                file.seek(start + place * square)
                file.write(pixels_of_row)
        file.truncate(start + len(good) * square)
        _write_header(file, len(good), size)
    return _Rows(hashes, reasons, good)


def _write_header(file: BinaryIO, count: int, size: int) -> int:
    """Write the head of an array file and return its length, which numpy makes the same for any count."""
    file.seek(0)
    head = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    np.lib.format.write_array_header_1_0(file, head)
    return file.tell()


def _describe(
    tmp: Path, source: Path, opened: Source, chosen: list[int], rows: _Rows, size: int, split: str | None
) -> None:
    """Write labels, names and the manifest of the images that are there."""
    kept = [opened.images[chosen[row]] for row in rows.good]
    styles = _count(kept, "style")
    index = {style: number for number, style in enumerate(styles)}
    np.save(tmp / LABELS, np.array([index[image.style] for image in kept], dtype=np.int16))
    entries = [{"name": image.name, "sha256": rows.hashes[row]} for row, image in zip(rows.good, kept, strict=True)]
    (tmp / FILES).write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8", newline="\n")
    quarantined = [
        {"name": opened.images[chosen[row]].name, "reason": reason} for row, reason in sorted(rows.reasons.items())
    ]
    manifest = {
        "format": FORMAT,
        "source": source.name,
        "split": split,
        "size": size,
        "count": len(kept),
        "styles": styles,
        "splits": _count(kept, "split"),
        "quarantined": quarantined + [skipped._asdict() for skipped in opened.skipped],
        "fingerprint": spot_fingerprint(np.load(tmp / IMAGES, mmap_mode="r")),
        "sha256": hash_file(tmp / IMAGES),
        "files_sha256": hash_file(tmp / FILES),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
    }
    write_json(tmp / MANIFEST, manifest)


def _count(images: list[SourceImage], field: str) -> dict[str, int]:
    return dict(sorted(Counter(getattr(image, field) or "all" for image in images).items()))
