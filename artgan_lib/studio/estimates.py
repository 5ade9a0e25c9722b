"""What a run will cost, from a quick measurement: one micro-batch painted, one picture enlarged and encoded.

Quick it stays with a slow enlarger, too: then a small part of a picture is enlarged for the whole.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from artgan_lib.gan.models import AnyGenerator
from artgan_lib.gan.sampling import MICRO_BATCH
from artgan_lib.studio.interfaces import STAGES
from artgan_lib.studio.recipes import numbered
from artgan_lib.studio.sampling import paint_batches
from artgan_lib.studio.upscaling import Upscaler

PART = 16  # pixels of a side of the part that is enlarged first
QUICK = 0.5  # seconds that enlarging a whole picture may take for a measurement


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

    Of a large picture only the middle is made: a later pass costs as much as its input has pixels, and its file is
    taken to be as large as its middle's times their number. Where the enlarger would take longer than `QUICK` for a
    picture, that of the first pass is its middle, too.

    Args:
        generator: Where it will run.
        upscaler: None where nothing is enlarged.
        size: Side of a finished picture in pixels.
        encode: uint8 (H, W, 3) to the bytes of a file.
        seed: Of the pictures that are painted for it.
    """
    recipes = numbered(seed, MICRO_BATCH)
    next(paint_batches(generator, recipes))  # the first call of anything sets things up
    begun = time.perf_counter()
    picture = next(paint_batches(generator, recipes))[0]
    painting, enlarging, parts, side = time.perf_counter() - begun, 0.0, 1, len(picture)
    if upscaler is not None:
        part = _middle(picture, min(PART, side))
        for _ in range(2):  # the first time sets things up
            begun = time.perf_counter()
            enlarged = upscaler.enlarge(part)
            once = (time.perf_counter() - begun) * (side / len(part)) ** 2
        if once <= QUICK:
            part = picture
            upscaler.enlarge(part)
            begun = time.perf_counter()
            enlarged = [upscaler.enlarge(part) for _ in range(2)][-1]
            once = (time.perf_counter() - begun) / 2
        picture, reached = enlarged, side * upscaler.scale
        enlarging = once
        while reached < size:
            enlarging += once * (reached // side) ** 2
            picture = upscaler.enlarge(_middle(picture, len(part)))
            reached *= upscaler.scale
        parts = (reached // len(picture)) ** 2
    begun = time.perf_counter()
    content = encode(picture)
    converting = (time.perf_counter() - begun) * parts
    if upscaler is not None:  # what has one thread is done side by side: writing files, and interpolating
        together = min(torch.get_num_threads(), upscaler.at_once)
        converting /= together
        if upscaler.precision is None:
            enlarging /= together
    return Cost(painting, enlarging + converting, len(content) * parts)


def _middle(picture: np.ndarray, side: int) -> np.ndarray:
    first = (len(picture) - side) // 2
    return np.ascontiguousarray(picture[first : first + side, first : first + side])
