"""Many files over all cores: read in turn, worked on in threads, handed back in order, with flat memory.

Threads are enough: Pillow and hashlib leave the interpreter's lock while they work.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from artgan_lib.data.sources import Source

Progress = Callable[[int, int], None]
"""Told how many files are done, of how many."""

Result = TypeVar("Result")
_AT_ONCE, _BYTES_AT_ONCE = 8, 1 << 20
"""Files handed to a thread together, at most and until so many bytes: handing over costs as much as hashing one."""
_AHEAD = 2
"""Such handfuls read ahead for each thread; more would only fill the memory."""


def map_files(
    source: Source, chosen: Sequence[int], work: Callable[[bytes | Exception], Result], workers: int | None = None
) -> Iterator[tuple[int, Result]]:
    """Work on the files of the chosen paintings.

    Args:
        source: An open collection.
        chosen: Numbers of its paintings.
        work: Gets the bytes of a file, or why it cannot be read; must not raise.
        workers: Threads; as many as there are cores by default.

    Yields:
        Number and result, in the order in which the source is read.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[list[tuple[int, Result]]]] = deque()

    def work_on(files: list[tuple[int, bytes | Exception]]) -> list[tuple[int, Result]]:
        return [(number, work(content)) for number, content in files]

    with ThreadPoolExecutor(workers) as pool:
        for files in _handfuls(source.stream(chosen)):
            waiting.append(pool.submit(work_on, files))
            if len(waiting) >= _AHEAD * workers:
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()


def _handfuls(stream: Iterable[tuple[int, bytes | Exception]]) -> Iterator[list[tuple[int, bytes | Exception]]]:
    files: list[tuple[int, bytes | Exception]] = []
    size = 0
    for number, content in stream:
        files.append((number, content))
        size += len(content) if isinstance(content, bytes) else 0
        if len(files) == _AT_ONCE or size >= _BYTES_AT_ONCE:
            yield files
            files, size = [], 0
    if files:
        yield files
