from pathlib import Path

import numpy as np
import pytest

from artgan_lib import load_generator, sample
from artgan_lib.studio.recipes import numbered
from artgan_lib.studio.sampling import MICRO_BATCH, paint_batches


@pytest.mark.parametrize("count", [1, 3, MICRO_BATCH, MICRO_BATCH + 1, 40])
def test_same_seed_same_picture_whatever_the_count(count: int, model: Path) -> None:
    generator, _ = load_generator(model)
    assert np.array_equal(sample(generator, 7, count), sample(generator, 7, 50)[:count])


@pytest.mark.parametrize("start", [1, 15, 16, 33])
def test_pictures_can_be_asked_for_by_number(start: int, model: Path) -> None:
    generator, _ = load_generator(model)
    assert np.array_equal(sample(generator, 7, 5, start=start), sample(generator, 7, 50)[start : start + 5])


def test_seeds_and_numbers_give_different_pictures(model: Path) -> None:
    generator, _ = load_generator(model)
    both = np.concatenate([sample(generator, 7, 20), sample(generator, 8, 20)])
    assert both.shape == (40, 64, 64, 3)
    assert len({picture.tobytes() for picture in both}) == 40


def test_batches_are_handed_over_one_by_one(model: Path) -> None:
    generator, _ = load_generator(model)
    assert [len(batch) for batch in paint_batches(generator, numbered(0, 35))] == [16, 16, 3]
