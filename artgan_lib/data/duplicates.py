"""Near-duplicates: pictures whose perceptual hashes and small grey pictures are both close.

The same painting photographed or cropped anew lies across train and test of many collections; a score against pictures
that were trained on is too good.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

HASH_DISTANCE = 6
"""Bits of 64 by which the perceptual hashes of near-duplicates may differ."""

GREY_DISTANCE = 10.0
"""Mean difference of grey values (of 255, at 16 x 16) that near-duplicates may have as well."""


class Likeness(NamedTuple):
    """What two pictures are compared by."""

    perceptual: int  # 64 bits
    grey: np.ndarray  # uint8 (256,)


def likeness_of(picture: np.ndarray) -> Likeness:
    """Return what a picture, uint8 (64, 64, 3), is compared by."""
    import imagehash

    small = Image.fromarray(picture)
    bits = np.packbits(imagehash.phash(small).hash.ravel())
    grey = np.asarray(small.convert("L").resize((16, 16), Image.Resampling.BOX)).ravel()
    return Likeness(int.from_bytes(bits.tobytes(), "big"), grey)


def near_pairs(pictures: list[Likeness], others: list[Likeness] | None = None) -> np.ndarray:
    """Find near-duplicates.

    Args:
        pictures: From `likeness_of`.
        others: Where the second of a pair is looked for; None looks among the pictures themselves.

    Returns:
        int (pairs, 3): number of the first, of the second, and bits by which they differ.
    """
    first_hash, first_grey = _stack(pictures)
    second_hash, second_grey = (first_hash, first_grey) if others is None else _stack(others)
    pairs = [np.empty((0, 3), int)]
    for start in range(0, len(first_hash), 512):
        begin = start if others is None else 0  # each pair once
        distance = np.bitwise_count(first_hash[start : start + 512, None] ^ second_hash[None, begin:])
        close = distance <= HASH_DISTANCE
        first, second = np.nonzero(np.triu(close, k=1) if others is None else close)
        for a, b in _parts(first, second):
            alike = np.abs(first_grey[start + a] - second_grey[begin + b]).mean(1) <= GREY_DISTANCE
            a, b = a[alike], b[alike]
            pairs.append(np.stack([start + a, begin + b, distance[a, b]], axis=1))
    return np.concatenate(pairs)


def found_among(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the numbers of pictures that have a near-duplicate among others, both uint8 (N, 64, 64, 3), ascending."""
    pairs = near_pairs([likeness_of(picture) for picture in pictures], [likeness_of(other) for other in others])
    return np.unique(pairs[:, 0])


def _stack(pictures: list[Likeness]) -> tuple[np.ndarray, np.ndarray]:
    hashes = np.array([picture.perceptual for picture in pictures], dtype=np.uint64)
    return hashes, np.stack([picture.grey for picture in pictures]).astype(np.int16)


def _parts(first: np.ndarray, second: np.ndarray, size: int = 65_536) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for part in range(0, len(first), size):  # many flat pictures can share a hash
        yield first[part : part + size], second[part : part + size]
