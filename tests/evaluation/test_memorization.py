import numpy as np
import pytest

from artgan_lib import ArtganError
from artgan_lib.evaluation.memorization import memorization, nearest


def test_nearest_by_hand_and_in_pieces() -> None:
    others = np.array([[0.0, 0], [3, 4], [10, 0]])
    found = nearest(np.array([[0.0, 1], [10, 1], [3, 3]]), others, 2)
    assert found.indices.tolist() == [[0, 1], [2, 1], [1, 0]]
    np.testing.assert_allclose(found.distances, [[1, 18**0.5], [1, (49 + 9) ** 0.5], [1, 18**0.5]])
    rng = np.random.default_rng(0)
    many, few = rng.normal(size=(1100, 4)).astype(np.float32), rng.normal(size=(70, 4)).astype(np.float32)
    brute = ((many[:, None].astype(float) - few[None]) ** 2).sum(2)
    assert np.array_equal(nearest(many, few).indices[:, 0], brute.argmin(1))
    with pytest.raises(ArtganError, match="4 neighbours cannot be found among 3 pictures"):
        nearest(others, others, 4)


def test_copies_are_told_from_new_pictures() -> None:
    rng = np.random.default_rng(1)
    training, held_out, new = rng.normal(size=(3, 400, 6))
    usual = nearest(held_out, training).distances[:, 0]
    honest = memorization(nearest(new, training).distances[:, 0], usual)
    assert honest.nearer == pytest.approx(0.5, abs=0.05)
    assert honest.suspicious < 0.04
    copied = np.where(np.arange(400)[:, None] < 100, training + 0.01 * rng.normal(size=(400, 6)), new)
    copying = memorization(nearest(copied, training).distances[:, 0], usual)
    assert copying.suspicious == pytest.approx(0.25, abs=0.03)
    assert copying.nearer > 0.58
    away = memorization(nearest(new + 30, training).distances[:, 0], usual)
    assert (away.nearer, away.suspicious) == (0, 0)


def test_memorization_by_hand() -> None:
    # Pairs (generated, held out): 1 < 2, 1 < 4, 3 > 2, 3 < 4: three of four.
    assert memorization(np.array([1.0, 3]), np.array([2.0, 4])) == (2, 3, 0.75, 0.5)
