"""Several pictures at once on a processor, each on one core.

That is faster than all cores on one picture after the other: nothing is waited for between two layers, and the work
around the network, which has one thread in any case, is shared as well.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Thing], Result], things: Sequence[Thing], workers: int | None = None) -> list[Result]:
    """Work on things at once, as many as there are cores for, and return the results in order.

    Args:
        work: Uses PyTorch on a processor; the first exception that it raises is raised here.
        things: What to work on.
        workers: Threads; by default as many as PyTorch has in this one.
    """
    cores = torch.get_num_threads()
    workers = min(workers or cores, len(things))
    if workers < 2:
        return [work(thing) for thing in things]
    ready = threading.Barrier(workers + 1)

    def begin() -> None:
        torch.get_num_threads()  # a thread's first look takes over what was set last, anywhere
        torch.set_num_threads(max(1, cores // workers))  # of this thread, and of all that look after it
        ready.wait()

    with ThreadPoolExecutor(workers) as pool:
        begun = [pool.submit(begin) for _ in range(workers)]
        ready.wait()
        for future in begun:
            future.result()
        torch.set_num_threads(cores)  # so that threads that look after this are as they were
        return list(pool.map(work, things))
