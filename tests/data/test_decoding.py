import io
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from PIL import Image, ImageCms

from artgan_lib import synthetic_paintings
from artgan_lib.data.decoding import ORIENTATION, decode, decode_with, map_files

PICTURE = Image.fromarray(synthetic_paintings(1, size=96, seed=7)[0][0]).crop((0, 3, 91, 86))  # no side fits blocks
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


def jpeg(**options: object) -> bytes:
    buffer = io.BytesIO()
    PICTURE.save(buffer, "jpeg", **options)
    return buffer.getvalue()


def test_any_damage_gives_pixels_or_one_sentence() -> None:
    random, content, told = np.random.default_rng(3), jpeg(progressive=True), set()
    for _ in range(300):
        spoilt = np.frombuffer(content, np.uint8).copy()
        places = random.integers(0, len(spoilt) if random.random() < 0.5 else 700, 3)
        spoilt[places] = random.integers(0, 256, 3)
        found = decode(
            spoilt[: len(spoilt) if random.random() < 0.7 else random.integers(0, len(spoilt))].tobytes(), 64
        )
        assert (found.result is None) == (found.reason is not None)
        assert found.reason is None or "\n" not in found.reason
        told.add(found.reason)
    assert len(told) > 5
    assert None in told


def test_orientation_and_colour_profile_are_kept() -> None:
    turned, upright = (decode(jpeg(exif=oriented(value), quality=95), 64).result for value in (3, 1))
    assert turned is not None
    assert upright is not None
    assert np.abs(turned[::-1, ::-1].astype(int) - upright).mean() < 2
    assert decode_with(jpeg(icc_profile=PROFILE), lambda image: image.info["icc_profile"]).result == PROFILE


class Numbers:
    """A source whose files are their own numbers; it knows how far it has been read."""

    images, skipped = [], []

    def __init__(self) -> None:
        self.given = 0

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        for self.given, number in enumerate(chosen, 1):
            yield number, str(number).encode()


@pytest.mark.parametrize("workers", [1, 2, 5, None])
@pytest.mark.parametrize("count", [0, 1, 17, 500])
def test_results_come_in_the_order_of_the_source(workers: int | None, count: int) -> None:
    chosen = list(range(0, 3 * count, 3))
    found = list(map_files(Numbers(), chosen, lambda content: int(content), workers))  # type: ignore[arg-type]
    assert found == [(number, number) for number in chosen]


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
    assert len(list(map_files(source, range(5000), work, 2))) == 5000
    watcher.join()
    assert most <= 10


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
    assert len(done) == count < 50
