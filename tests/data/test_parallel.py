import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from artgan_lib.data.parallel import map_files


class Numbers:
    """A source whose files are their own numbers; it knows how far it has been read."""

    paintings, refused = [], []

    def __init__(self) -> None:
        self.given = 0

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        for self.given, number in enumerate(chosen, 1):
            yield number, str(number).encode()


@pytest.mark.parametrize("workers", [1, 2, 5, None])
@pytest.mark.parametrize("count", [0, 1, 16, 17, 500])
def test_results_come_in_the_order_of_the_source(workers: int | None, count: int) -> None:
    chosen = list(range(0, 3 * count, 3))
    handfuls = list(map_files(Numbers(), chosen, lambda content: int(content), workers))  # type: ignore[arg-type]
    assert [pair for handful in handfuls for pair in handful] == [(number, number) for number in chosen]
    assert all(handfuls)


def test_a_handful_is_as_small_as_is_asked() -> None:
    handfuls = list(map_files(Numbers(), range(10), lambda content: content, 2, at_once=3))
    assert [len(handful) for handful in handfuls] == [3, 3, 3, 1]


def test_one_worker_is_the_callers_own_thread() -> None:
    seen = set()
    list(map_files(Numbers(), range(100), lambda content: seen.add(threading.current_thread()), 1))
    assert seen == {threading.current_thread()}


def test_the_callers_thread_works_beside_the_others() -> None:
    seen = set()

    def work(content: bytes | Exception) -> None:
        time.sleep(0.001)
        seen.add(threading.current_thread())

    list(map_files(Numbers(), range(200), work, 3))
    assert threading.current_thread() in seen
    assert len(seen) <= 3


def test_a_slow_file_does_not_let_the_memory_grow() -> None:
    source, slow, most = Numbers(), threading.Event(), 0

    def work(content: bytes | Exception) -> None:
        if content == b"0":
            slow.wait(30)

    def look() -> None:
        nonlocal most
        time.sleep(0.2)  # by now the others have done all that they are given
        most = source.given
        slow.set()

    watcher = threading.Thread(target=look)
    watcher.start()
    assert sum(map(len, map_files(source, range(5000), work, 2))) == 5000
    watcher.join()
    assert most <= 16 * 6


def test_a_consumer_that_stops_leaves_no_work_behind() -> None:
    done = []

    def work(content: bytes | Exception) -> None:
        time.sleep(0.001)
        done.append(content)

    results = map_files(Numbers(), range(5000), work, 3)
    next(results)
    results.close()
    count = len(done)
    time.sleep(0.05)
    assert len(done) == count < 16 * 10
