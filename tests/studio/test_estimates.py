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


@pytest.mark.parametrize(("scale", "size", "made"), [(4, 256, 64), (4, 1024, 256), (2, 256, 64), (2, 1024, 256)])
def test_only_the_middle_is_made(scale: int, size: int, made: int, model: Path) -> None:
    def repeat(images: np.ndarray) -> np.ndarray:
        return images.repeat(scale, axis=1).repeat(scale, axis=2).astype(np.float32)

    seen: list[tuple[int, ...]] = []

    def encode(picture: np.ndarray) -> bytes:
        seen.append(picture.shape)
        return bytes(1000)

    cost = measure(load_generator(model)[0], Upscaler("repeat", scale, repeat, tile=None), size, encode)
    assert seen == [(made, made, 3)] * 2
    assert cost.picture_bytes == 1000 * 16  # the middle is a sixteenth
    assert cost.picture_seconds > 0


def test_a_picture_that_is_not_enlarged_is_encoded_as_it_is(model: Path) -> None:
    cost = measure(load_generator(model)[0], None, 64, lambda picture: bytes(len(picture)))
    assert cost.picture_bytes == 64
