"""A large picture through a network in overlapping tiles, so that the result does not show where they met.

Each tile sees a margin beyond what it is asked for. The outer part of the margin is context and thrown away; over the
inner part neighbours are faded into one another.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FADE = 8
"""Input pixels over which two tiles are blended, on either side of their border."""

CONTEXT = 40
"""Further input pixels that a tile sees. `realesr-general-x4v3` sees 34 far, so its result is that of the whole
picture; deeper networks see farther, but hardly."""


class Span(NamedTuple):
    """A tile along one axis, in input pixels."""

    first: int  # where it begins to see
    last: int  # where it ends
    weights: np.ndarray  # of each output pixel, shape ((last - first) * scale,)


def spans(length: int, tile: int, scale: int) -> list[Span]:
    """Cut a side into tiles whose weights add up to one everywhere.

    Args:
        length: Of the side, in input pixels.
        tile: Pixels that a tile is there for, beside its margin.
        scale: Output pixels for each input pixel.
    """
    margin = FADE + CONTEXT
    cuts = [*range(0, length, tile), length]
    if len(cuts) > 2 and length - cuts[-2] <= FADE:  # no sliver at the end
        del cuts[-2]
    found = []
    for begin, end in itertools.pairwise(cuts):
        first, last = max(0, begin - margin), min(length, end + margin)
        places = (np.arange(first * scale, last * scale) + 0.5) / scale  # in input pixels
        weights = np.ones(len(places))
        if begin > 0:
            weights = np.minimum(weights, np.clip((places - begin) / (2 * FADE) + 0.5, 0, 1))
        if end < length:
            weights = np.minimum(weights, np.clip((end - places) / (2 * FADE) + 0.5, 0, 1))
        found.append(Span(first, last, weights))
    return found


def in_tiles(
    image: np.ndarray, tile: int, scale: int, enlarge: Callable[[np.ndarray], np.ndarray], check: Callable[[], None]
) -> np.ndarray:
    """Enlarge a picture tile by tile.

    Args:
        image: uint8, shape (H, W, 3).
        tile: Side of a tile, in input pixels.
        scale: Of `enlarge`.
        enlarge: uint8 (h, w, 3) to float (h x scale, w x scale, 3) in [0, 255].
        check: Called before each tile; it may raise to stop.

    Returns:
        float32, shape (H x scale, W x scale, 3).
    """
    height, width, _ = image.shape
    canvas = np.zeros((height * scale, width * scale, 3), np.float32)
    for row, column in itertools.product(spans(height, tile, scale), spans(width, tile, scale)):
        check()
        part = enlarge(np.ascontiguousarray(image[row.first : row.last, column.first : column.last]))
        weights = (row.weights[:, None] * column.weights).astype(np.float32)[..., None]
        rows = slice(row.first * scale, row.last * scale)
        columns = slice(column.first * scale, column.last * scale)
        canvas[rows, columns] += part * weights
    return canvas
