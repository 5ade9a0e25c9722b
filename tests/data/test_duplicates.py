import numpy as np
import pytest
from PIL import Image

from artgan_lib.data.duplicates import found_among, likeness_of, near_pairs


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    small = np.random.default_rng(0).integers(0, 256, (600, 8, 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BICUBIC)) for image in small])


def test_the_same_picture_in_other_light_or_trim_is_found(pictures: np.ndarray) -> None:
    lighter = np.clip(pictures[3].astype(int) + 6, 0, 255).astype(np.uint8)
    trimmed = np.asarray(Image.fromarray(pictures[550]).crop((1, 1, 63, 63)).resize((64, 64)))
    inverted = 255 - pictures[7]
    others = np.stack([pictures[100], lighter, inverted, trimmed])
    assert found_among(pictures, others).tolist() == [3, 100, 550]
    pairs = near_pairs([likeness_of(picture) for picture in pictures], [likeness_of(other) for other in others])
    assert sorted(map(tuple, pairs[:, :2].tolist())) == [(3, 1), (100, 0), (550, 3)]


def test_among_themselves_each_pair_is_named_once(pictures: np.ndarray) -> None:
    several = np.concatenate([pictures, pictures[[5, 520]]])  # beyond the first block of 512
    pairs = near_pairs([likeness_of(picture) for picture in several])
    assert sorted(map(tuple, pairs.tolist())) == [(5, 600, 0), (520, 601, 0)]
    assert near_pairs([likeness_of(pictures[0])]).shape == (0, 3)


def test_one_hash_is_not_enough(pictures: np.ndarray) -> None:
    """Flat pictures share a hash; grey values tell them apart."""
    flat = np.stack([np.full((64, 64, 3), value, np.uint8) for value in (10, 200)])
    assert near_pairs([likeness_of(picture) for picture in flat]).shape == (0, 3)
