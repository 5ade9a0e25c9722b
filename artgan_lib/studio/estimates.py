"""What a run will cost, measured quickly: a micro-batch painted, a part of one picture enlarged and encoded."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artgan_lib.gan.models import AnyGenerator
from artgan_lib.gan.sampling import MICRO_BATCH
from artgan_lib.studio.interfaces import STAGES
from artgan_lib.studio.recipes import numbered
from artgan_lib.studio.sampling import paint_batches
from artgan_lib.studio.upscaling import Upscaler

PART = 16  # pixels of a side of the part that is enlarged


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


def cost_of(stage_seconds: Mapping[str, float], pictures: Sequence[Path]) -> Cost:
    """Return what a run has cost that is done, for the next one like it.

    Args:
        stage_seconds: Of the run, by stage.
        pictures: Its files, one at least.

    Raises:
        OSError: If a file is not there any more.
    """
    painting, count = stage_seconds[STAGES[0]], len(pictures)
    rest = sum(stage_seconds.values()) - painting
    size = sum(path.stat().st_size for path in pictures)
    return Cost(painting / -(-count // MICRO_BATCH), rest / count, size // count)


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
    for _ in range(2):  # the first time sets things up
        begun = time.perf_counter()
        picture = next(paint_batches(generator, recipes))[0]
        painting = time.perf_counter() - begun
    part = picture if upscaler is None else _middle(picture, min(PART, len(picture)))
    parts = (len(picture) // len(part)) ** 2
    for _ in range(2):
        begun = time.perf_counter()
        content = encode(part if upscaler is None else upscaler.to_size(part, size))
        rest = time.perf_counter() - begun
    return Cost(painting, rest * parts, len(content) * parts)


def _middle(picture: np.ndarray, side: int) -> np.ndarray:
    first = (len(picture) - side) // 2
    return np.ascontiguousarray(picture[first : first + side, first : first + side])
