"""Many files over all cores: read in turn, worked on in threads, handed back in order, with flat memory.

Threads are enough: Pillow and hashlib leave the interpreter's lock while they work.
"""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from artgan_lib.data.sources import Source

Progress = Callable[[int, int], None]
"""Told how many files are done, of how many."""

Result = TypeVar("Result")
_AT_ONCE = 4  # files handed to a thread together, since handing over costs as much as hashing one
_AHEAD = 2  # such handfuls read ahead for each thread; more would only fill the memory


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
        stream = iter(source.stream(chosen))
        while files := list(itertools.islice(stream, _AT_ONCE)):
            waiting.append(pool.submit(work_on, files))
            if len(waiting) >= _AHEAD * workers:
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()
