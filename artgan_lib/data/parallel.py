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
_Files = list[tuple[int, bytes | Exception]]
_Results = list[tuple[int, Result]]
AT_ONCE, BYTES_AT_ONCE = 16, 1 << 20
"""Files handed to a thread together, at most and until so many bytes: handing over costs as much as hashing one."""
_AHEAD = 2
"""Such handfuls read ahead for each thread; more would only fill the memory."""


def map_files(
    source: Source,
    chosen: Sequence[int],
    work: Callable[[bytes | Exception], Result],
    workers: int | None = None,
    *,
    at_once: int = AT_ONCE,
) -> Iterator[_Results[Result]]:
    """Work on the files of the chosen paintings.

    Args:
        source: An open collection.
        chosen: Numbers of its paintings.
        work: Gets the bytes of a file, or why it cannot be read; must not raise.
        workers: Threads, the caller's among them; as many as there are cores by default.
        at_once: Files in a handful, at most; fewer where results are large.

    Yields:
        Numbers and results of a handful of files, in the order in which the source is read.
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[tuple[_Files, Future[_Results[Result]]]] = deque()

    def work_on(files: _Files) -> _Results[Result]:
        return [(number, work(content)) for number, content in files]

    def first() -> _Results[Result]:
        """Return the first results; until they are there, work on what no other thread has begun."""
        for place, (files, future) in enumerate(waiting):
            if waiting[0][1].done():
                break
            if future.cancel():
                waiting[place] = files, Future()
                waiting[place][1].set_result(work_on(files))
        return waiting.popleft()[1].result()

    # The caller's thread reads and works: with one more, all of them would wait for the interpreter's lock.
    pool = ThreadPoolExecutor(max(1, workers - 1))
    try:
        for files in _handfuls(source.stream(chosen), at_once):
            waiting.append((files, pool.submit(work_on, files) if workers > 1 else Future()))
            if len(waiting) > _AHEAD * workers:
                yield first()
        while waiting:
            yield first()
    finally:
        pool.shutdown(cancel_futures=True)


def _handfuls(stream: Iterable[tuple[int, bytes | Exception]], at_once: int) -> Iterator[_Files]:
    files: _Files = []
    size = 0
    for number, content in stream:
        files.append((number, content))
        size += len(content) if isinstance(content, bytes) else 0
        if len(files) == at_once or size >= BYTES_AT_ONCE:
            yield files
            files, size = [], 0
    if files:
        yield files
