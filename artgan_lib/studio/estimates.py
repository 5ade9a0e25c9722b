"""What a run will cost, from one timed batch and one timed image: sampled, upscaled, encoded."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from artgan_lib.gan.models import AnyGenerator
from artgan_lib.gan.sampling import MICRO_BATCH
from artgan_lib.studio.recipes import numbered
from artgan_lib.studio.sampling import paint_batches
from artgan_lib.studio.upscaling import Upscaler

PART = 16  # pixels of a side of the part that is enlarged
_T = TypeVar("_T")


@dataclass(frozen=True)
class Cost:
    """What the parts of a run cost on this machine; the same for any number of pictures."""

    batch_seconds: float  # of painting a micro-batch
    picture_seconds: float  # of enlarging and encoding a picture
    picture_bytes: int

    def seconds(self, count: int) -> float:
        """Return about how many seconds so many pictures take."""
        return self.batch_seconds * -(-count // MICRO_BATCH) + self.picture_seconds * count

    def bytes(self, count: int) -> int:
        """Return about how many bytes so many pictures take on the disk."""
        return self.picture_bytes * count


def measure(
    generator: AnyGenerator, upscaler: Upscaler | None, size: int, encode: Callable[[np.ndarray], bytes], seed: int = 0
) -> Cost:
    """Measure what a run will cost.

    What is enlarged is the middle of a picture: enlarging and encoding cost as much as there are pixels, so the whole
    takes as many times longer as it is larger.

    Args:
        generator: Where it will run.
        upscaler: None where nothing is enlarged.
        size: Side of a finished picture in pixels.
        encode: uint8 (H, W, 3) to the bytes of a file.
        seed: Of the pictures that are painted for it.
    """
    recipes = numbered(seed, MICRO_BATCH)
    picture, batch_seconds = _timed(lambda: next(paint_batches(generator, recipes))[0])
    if upscaler is None:
        content, seconds = _timed(lambda: encode(picture))
        return Cost(batch_seconds, seconds, len(content))
    first = (len(picture) - PART) // 2
    part = np.ascontiguousarray(picture[first : first + PART, first : first + PART])
    content, seconds = _timed(lambda: encode(upscaler.to_size(part, size)))
    parts = (len(picture) // PART) ** 2
    return Cost(batch_seconds, seconds * parts, len(content) * parts)


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """Do something twice, since the first time sets things up; return its result and the seconds of the second."""
    work()
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun
