"""Many files over all cores: read in turn, worked on in threads, handed back in order, with flat memory.

Threads are enough: Pillow and hashlib leave the interpreter's lock while they work.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from artgan_lib.data.sources import Source

Progress = Callable[[int, int], None]
"""Told how many files are done, of how many."""

Result = TypeVar("Result")
_AHEAD = 4  # files read ahead for each thread; more would only fill the memory


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
    waiting: deque[tuple[int, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for number, content in source.stream(chosen):
            waiting.append((number, pool.submit(work, content)))
            if len(waiting) >= _AHEAD * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
