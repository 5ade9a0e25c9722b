"""Closed forms, independent implementations, and what must hold of any distance."""

import numpy as np
import pytest

from artgan_lib import ArtganError
from artgan_lib.evaluation.metrics import (
    Moments,
    frechet_distance,
    kernel_distance,
    manifold_scores,
    moments,
    vendi_score,
)


@pytest.fixture
def features() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 12)), rng.normal(0.5, 1.3, (250, 12)) @ rng.normal(0, 0.4, (12, 12))


@pytest.mark.parametrize("sizes", [[300], [1, 299], [64] * 4 + [44], [0, 100, 0, 200]])
def test_streamed_moments_are_numpys_whatever_the_batch(
    sizes: list[int], features: tuple[np.ndarray, np.ndarray]
) -> None:
    values = features[0] + 1e4  # a mean far from zero loses digits in a careless sum
    ends = np.cumsum(sizes)
    found = moments(values[end - size : end] for end, size in zip(ends, sizes, strict=True))
    assert found.count == 300
    np.testing.assert_allclose(found.mean, values.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(values, rowvar=False), rtol=1e-8, atol=1e-10)


def test_one_picture_has_no_covariance() -> None:
    with pytest.raises(ArtganError, match="at least two pictures"):
        moments([np.zeros((1, 4))])


@pytest.mark.parametrize("root", ["eigenvalues", "sqrtm"])
def test_frechet_distance_in_closed_form(root: str) -> None:
    zero, identity = np.zeros(3), np.eye(3)
    base = Moments(10, zero, identity)
    assert frechet_distance(base, base, root) == pytest.approx(0, abs=1e-9)
    # Equal covariances leave the squared distance of the means.
    assert frechet_distance(base, Moments(10, np.array([1.0, 2, 2]), identity), root) == pytest.approx(9)
    # Spreads a and b on an axis leave (a - b)^2 for it.
    wide = Moments(10, zero, np.diag([4.0, 9.0, 16.0]))
    assert frechet_distance(base, wide, root) == pytest.approx(1 + 4 + 9)


def test_frechet_distance_is_symmetric_and_both_roots_agree(features: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = moments([features[0]]), moments([features[1]])
    distance = frechet_distance(one, other)
    assert frechet_distance(other, one) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(one, other, "sqrtm") == pytest.approx(distance, rel=1e-6)
    with pytest.raises(ArtganError, match="12 and 3 dimensions cannot be compared"):
        frechet_distance(one, Moments(5, np.zeros(3), np.eye(3)))


def test_a_singular_covariance_gives_no_nan() -> None:
    values = np.random.default_rng(1).normal(size=(10, 40))  # fewer vectors than dimensions
    assert frechet_distance(moments([values]), moments([values])) == pytest.approx(0, abs=1e-4)


def test_distances_agree_with_torch_fidelity(features: tuple[np.ndarray, np.ndarray]) -> None:
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid", reason="torch-fidelity is not installed")
    from torch_fidelity.metric_kid import kernel_mmd

    one, other = features
    statistics = [{"mu": values.mean(0), "sigma": np.cov(values, rowvar=False)} for values in features]
    theirs = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(moments([one]), moments([other])) == pytest.approx(theirs, rel=1e-3)
    one = one[:250]
    ours = kernel_distance(one, other, subsets=1, size=250).mean  # the one subset is everything
    assert ours == pytest.approx(kernel_mmd(one, other), rel=1e-3)


def test_kernel_distance_by_hand_and_its_bias() -> None:
    # dim 1, kernel (xy + 1)^3: x = {0, 1}, y = {0, 2}: within x 1, within y 1, across (1 + 1 + 1 + 27) / 4 = 7.5.
    found = kernel_distance(np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]]), subsets=3, size=2)
    assert found == pytest.approx((1 + 1 - 15, 0))
    rng = np.random.default_rng(2)
    same = kernel_distance(rng.normal(size=(2000, 8)), rng.normal(size=(2000, 8)), subsets=50, size=200)
    assert abs(same.mean) < 0.01  # unbiased: around zero, and negative as often as not
    sets = rng.normal(size=(2, 50, 3))
    assert kernel_distance(*sets, size=20, seed=4) == kernel_distance(*sets, size=20, seed=4)
    assert kernel_distance(*sets, size=20, seed=4) != kernel_distance(*sets, size=20, seed=5)


def test_manifold_scores_agree_with_prdc(features: tuple[np.ndarray, np.ndarray]) -> None:
    prdc = pytest.importorskip("prdc", reason="the package prdc is not installed")
    theirs = prdc.compute_prdc(features[0], features[1], nearest_k=5)
    ours = manifold_scores(*features, k=5)._asdict()
    assert ours == pytest.approx(theirs)


def test_manifold_scores_of_what_is_known() -> None:
    line = np.arange(100.0)[:, None]
    assert manifold_scores(line, line) == pytest.approx((1, 1, 1, 1), rel=0.1)
    assert manifold_scores(line, line + 1e6) == (0, 0, 0, 0)
    collapsed = manifold_scores(line, 50 + np.linspace(0, 0.01, 100)[:, None])
    assert collapsed.precision == 1
    assert collapsed.recall < 0.05
    assert collapsed.coverage < 0.2
    with pytest.raises(ArtganError, match="need more than 5 pictures"):
        manifold_scores(line[:5], line)


@pytest.mark.parametrize("modes", [1, 2, 5, 10])
def test_vendi_score_counts_modes(modes: int) -> None:
    assert vendi_score(np.eye(10)[np.arange(100) % modes]) == pytest.approx(modes)
    assert vendi_score(np.eye(300, 10)[np.arange(8) % modes, :]) == pytest.approx(min(modes, 8), rel=0.05)
