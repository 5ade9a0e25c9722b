from pathlib import Path

import numpy as np
import pytest

from artgan_lib import load_generator
from artgan_lib.studio.estimates import Cost, measure
from artgan_lib.studio.upscaling import Upscaler


def test_cost_grows_by_micro_batches_and_pictures() -> None:
    cost = Cost(batch_seconds=0.5, picture_seconds=0.25, picture_bytes=1000)
    assert [cost.seconds(count) for count in (1, 16, 17, 20)] == [0.75, 4.5, 5.25, 6.0]
    assert cost.bytes(20) == 20_000


@pytest.mark.parametrize(
    ("scale", "size", "made", "parts"), [(4, 256, 256, 1), (4, 1024, 256, 16), (2, 256, 128, 4), (2, 1024, 128, 64)]
)
def test_of_a_large_picture_only_the_middle_is_made(scale: int, size: int, made: int, parts: int, model: Path) -> None:
    def repeat(images: np.ndarray) -> np.ndarray:
        return images.repeat(scale, axis=1).repeat(scale, axis=2).astype(np.float32)

    seen: list[tuple[int, ...]] = []

    def encode(picture: np.ndarray) -> bytes:
        seen.append(picture.shape)
        return bytes(1000)

    cost = measure(load_generator(model)[0], Upscaler("repeat", scale, repeat, tile=None), size, encode)
    assert seen == [(made, made, 3)]
    assert cost.picture_bytes == 1000 * parts
    assert cost.picture_seconds > 0


def test_a_picture_that_is_not_enlarged_is_encoded_as_it_is(model: Path) -> None:
    cost = measure(load_generator(model)[0], None, 64, lambda picture: bytes(len(picture)))
    assert cost.picture_bytes == 64
