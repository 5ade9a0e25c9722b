import hashlib

import numpy as np
import pytest

from artgan_lib import SYNTHETIC_CLASSES, ArtganError, synthetic_paintings


def test_shapes_labels_and_looks() -> None:
    images, labels = synthetic_paintings(25, size=32, seed=3)
    assert images.shape == (25, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.tolist() == [i % 10 for i in range(25)]
    assert len(set(SYNTHETIC_CLASSES)) == 10


def test_a_picture_does_not_depend_on_how_many_follow() -> None:
    few, many = synthetic_paintings(7, seed=5)[0], synthetic_paintings(60, seed=5)[0]
    assert np.array_equal(few, many[:7])
    assert not np.array_equal(few, synthetic_paintings(7, seed=6)[0])


def test_looks_differ_more_than_pictures_of_one_look() -> None:
    """The looks are modes: a picture's mean colour and contrast lie nearer to its own look than to the others."""
    images, labels = synthetic_paintings(400, size=32, seed=0)
    small = images.reshape(400, 8, 4, 8, 4, 3).mean((2, 4)).reshape(400, -1)
    centres = np.stack([small[:200][labels[:200] == look].mean(0) for look in range(10)])
    nearest = np.linalg.norm(small[200:, None] - centres[None], axis=2).argmin(1)
    assert (nearest == labels[200:]).mean() > 0.7


def test_no_two_pictures_are_alike() -> None:
    images, _ = synthetic_paintings(300, size=16)
    assert len({image.tobytes() for image in images}) == 300


def test_pictures_stay_what_they_are() -> None:
    # Rounded hard, so that another libm's last bit does not matter.
    coarse = synthetic_paintings(10, size=16, seed=0)[0].reshape(10, 4, 4, 4, 4, 3).mean((2, 4)) // 32
    assert hashlib.sha256(coarse.astype(np.uint8).tobytes()).hexdigest().startswith("f060c3d9e29b32a2")


@pytest.mark.parametrize(("n", "size"), [(0, 64), (5, 4)])
def test_too_few_or_too_small_is_told(n: int, size: int) -> None:
    with pytest.raises(ArtganError, match="need n of at least 1 and size of at least 8"):
        synthetic_paintings(n, size)
