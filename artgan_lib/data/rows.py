"""Rows of pixels in the making: written as files are decoded, recorded as they come, gone on with after a stop.

Which files, and what becomes of the rows when all are there, is left to `data.preprocessing`.
"""

import hashlib
import json
import os
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from artgan_lib.data.decoding import Decoded, decode
from artgan_lib.data.parallel import AT_ONCE, Progress, map_files
from artgan_lib.data.sources import Source

ROWS, RECORDS = "rows.npy", "records.jsonl"
RECORDS_FORMAT = 3
"""Of the records: of rows, which the names of the chosen files fix; the numbers in a source may change beside them."""

_FLUSH_EVERY, _PIECE = 64, 1 << 20


def begin_rows(folder: Path, count: int, size: int) -> None:
    """Make the file of the rows at its full length, empty, and that of the records."""
    with (folder / ROWS).open("wb") as rows:
        rows.truncate(write_header(rows, count, size) + count * size * size * 3)
    (folder / RECORDS).touch()


class Rows(NamedTuple):
    """What became of the files that were chosen, in their order."""

    hashes: list[str]  # SHA-256 of each file
    reasons: dict[int, str]  # row -> why it is quarantined
    sha256: str | None  # of the array's file, where all of it was written in one run and in order


def decode_rows(
    opened: Source, chosen: list[int], beside: Path, size: int, workers: int | None, progress: Progress | None
) -> Rows:
    """Decode what is not decoded yet, over all cores; memory stays flat, rows are written as they come.

    Args:
        opened: An open collection.
        chosen: Numbers of its paintings, ascending; each becomes a row.
        beside: Folder of a run, with what `begin_rows` made, and whatever a stopped run left in it.
        size: Side of the pictures in pixels.
        workers: Threads; as many as there are cores by default.
        progress: Told after each file.

    Raises:
        OSError: If the disk is full; what is recorded is kept.
    """
    hashes, reasons = [""] * len(chosen), dict[int, str]()

    def keep(row: int, sha256: str, reason: str | None = None) -> None:
        hashes[row] = sha256
        if reason is not None:
            reasons[row] = reason

    for record in _read_records(beside / RECORDS):
        keep(**record)
    todo = [number for row, number in enumerate(chosen) if not hashes[row] and row not in reasons]
    fresh: list[dict[str, Any]] = []
    array, hashed = hashlib.sha256(), 0

    with (
        (beside / ROWS).open("r+b", buffering=_PIECE) as rows,
        (beside / RECORDS).open("a", encoding="utf-8") as log,
    ):
        start = at = write_header(rows, len(chosen), size)
        rows.seek(0)
        array.update(rows.read(start))
        rows.seek(start)

        def flush() -> None:
            rows.flush()  # pixels first: a record promises that they are there
            log.write(json.dumps(fresh) + "\n")
            log.flush()
            fresh.clear()

        done, square = len(chosen) - len(todo), size * size * 3
        at_once = min(AT_ONCE, max(1, _PIECE // square))
        for decoded in map_files(opened, todo, lambda content: decode(content, size), workers, at_once=at_once):
            handful = [(bisect_left(chosen, number), found) for number, found in decoded]  # the numbers ascend
            for row, pixels in _pieces(handful):
                if start + row * square != at:  # for going anywhere empties the buffer
                    rows.seek(start + row * square)
                at = start + row * square + rows.write(pixels)
                if row == hashed:
                    array.update(pixels)
                    hashed += len(pixels) // square
            for row, (_, sha256, reason) in handful:
                keep(row, sha256, reason)
                fresh.append({"row": row, "sha256": sha256} | ({"reason": reason} if reason else {}))
            if len(fresh) >= _FLUSH_EVERY:
                flush()
            for _ in handful:
                done += 1
                if progress is not None:
                    progress(done, len(chosen))
        flush()
    return Rows(hashes, reasons, array.hexdigest() if hashed == len(chosen) else None)


def _pieces(handful: list[tuple[int, Decoded[np.ndarray]]]) -> Iterator[tuple[int, bytes]]:
    """Put the pixels of neighbouring rows together: the first row and the bytes, as long as one piece may be."""
    first, after, together = 0, 0, list[memoryview]()
    for row, (pixels, *_) in handful:
        if pixels is None:
            continue
        if together and (row != after or pixels.nbytes * (len(together) + 1) > _PIECE):
            yield first, b"".join(together)
            together = []
        first, after = (first if together else row), row + 1
        together.append(pixels.data)
    if together:
        yield first, b"".join(together)


def _read_records(path: Path) -> Iterator[dict[str, Any]]:
    *lines, torn = path.read_bytes().split(b"\n")
    if torn:  # it was being written when the run stopped; what is written next must not be glued to it
        os.truncate(path, path.stat().st_size - len(torn))
    for line in lines:
        yield from json.loads(line)


def write_header(file: BinaryIO, count: int, size: int) -> int:
    """Write the head of an array file and return its length."""
    file.seek(0)
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    )
    return file.tell()
