import numpy as np
import pytest

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation.collapse.signals import Reference
from artgan_lib.evaluation.metrics import vendi_score


@pytest.fixture(scope="module")
def paintings() -> tuple[np.ndarray, np.ndarray]:
    return synthetic_paintings(800, seed=2)


@pytest.fixture(scope="module")
def reference(paintings: tuple[np.ndarray, np.ndarray]) -> Reference:
    images, labels = paintings
    return Reference(images[:600], labels[:600], count=100)


def test_real_pictures_scale_to_one(reference: Reference, paintings: tuple[np.ndarray, np.ndarray]) -> None:
    features = reference.features(paintings[0][:600])
    assert features.shape == (600, 128)
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(features.var(0, ddof=1), 1, rtol=1e-3)
    found = reference.signals(paintings[0][600:700])
    assert found.diversity == pytest.approx(1, abs=0.1)
    assert found.pairwise == pytest.approx(1, abs=0.1)
    assert found.duplicates < 0.1
    assert found.style_entropy == pytest.approx(1, abs=0.05)


def test_identical_pictures_are_one_picture(reference: Reference, paintings: tuple[np.ndarray, np.ndarray]) -> None:
    images = paintings[0]
    draws = [vendi_score(reference.features(images[start : start + 100])) for start in range(0, 600, 100)]
    found = reference.signals(np.repeat(images[:1], 100, axis=0))
    assert found.diversity == pytest.approx(1 / np.mean(draws), rel=0.02)  # one effective picture of as many
    assert found.pairwise == pytest.approx(0, abs=1e-6)
    assert found.duplicates == 1
    assert found.style_entropy == pytest.approx(1 / 10, rel=0.05)


def test_k_looks_of_ten_have_k_tenths_of_the_styles(
    reference: Reference, paintings: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = paintings
    kept = [np.flatnonzero(labels == look)[:20] for look in (1, 3, 4, 6, 9)]
    found = reference.signals(images[np.concatenate(kept)])
    assert found.style_entropy == pytest.approx(0.5, abs=0.03)
    one = reference.signals(images[np.resize(kept[0], 100)])
    assert one.style_entropy == pytest.approx(0.1, abs=0.02)
    assert one.diversity < found.diversity < 1


def test_doubled_pictures_are_near_duplicates_and_half_as_many(
    reference: Reference, paintings: tuple[np.ndarray, np.ndarray]
) -> None:
    fifty = paintings[0][600:650]
    found, once = reference.signals(np.concatenate([fifty, fifty])), vendi_score(reference.features(fifty))
    assert found.duplicates == 1
    assert found.diversity == pytest.approx(once / reference.diversity)  # the Vendi score does not count copies


def test_without_labels_or_with_one_style_there_is_no_style_entropy(paintings: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = paintings
    for given in (None, np.zeros_like(labels[:50])):
        assert Reference(images[:50], given, count=20).signals(images[50:70]).style_entropy is None


def test_the_same_seed_measures_the_same(paintings: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = paintings
    one, other = (Reference(images, labels, count=50, seed=4).signals(images[:50]) for _ in range(2))
    assert one == other


def test_too_few_pictures_are_refused(paintings: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ArtganError, match="at least 8 real pictures, not 7"):
        Reference(paintings[0][:7])
    assert Reference(paintings[0][:8]).count == 8
