import sqlite3
from pathlib import Path

import numpy as np
import pytest

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation.extractors import Extractor, load_extractor
from artgan_lib.evaluation.features import features_of, moments_of
from artgan_lib.evaluation.metrics import moments


@pytest.fixture(scope="module")
def paintings() -> np.ndarray:
    return synthetic_paintings(150, seed=5)[0]


@pytest.fixture
def extractor() -> Extractor:
    return load_extractor("random-projection", "64")


def seen_by(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the pictures that a network looks at."""
    seen: list[int] = []
    run = Extractor.batches

    def counted(self: Extractor, images: list[np.ndarray], progress: object = None) -> object:
        seen.extend(len(batch) for batch in images)
        return run(self, images)

    monkeypatch.setattr(Extractor, "batches", counted)
    return seen


def test_a_picture_is_looked_at_once_whatever_set_it_is_in(
    paintings: np.ndarray, extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = np.concatenate(list(extractor.batches(np.array_split(paintings, 7))))
    seen = seen_by(monkeypatch)
    assert np.array_equal(features_of(paintings[:100], extractor), plain[:100])
    assert sum(seen) == 100
    backwards = features_of(paintings[120:50:-1], extractor)
    assert sum(seen) == 121  # 100 to 120 are new
    assert np.array_equal(backwards, plain[120:50:-1])
    twice = np.concatenate([paintings[140:150], paintings[140:150]])
    assert np.array_equal(features_of(twice, extractor), np.concatenate([plain[140:150]] * 2))
    assert sum(seen) == 131


def test_another_network_or_layer_has_features_of_its_own(paintings: np.ndarray, extractor: Extractor) -> None:
    other = load_extractor("random-projection", "256")
    assert features_of(paintings[:5], extractor).shape == (5, 64)
    assert features_of(paintings[:5], other).shape == (5, 256)
    assert len({extractor.key, other.key, Extractor("random-projection", "64", "abc", "", extractor.run).key}) == 3


def test_work_that_was_stopped_goes_on_where_it_was(
    paintings: np.ndarray, extractor: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int) -> None:
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features_of(paintings, extractor, stop)
    seen = seen_by(monkeypatch)
    told: list[int] = []
    assert len(features_of(paintings, extractor, told.append)) == 150
    assert sum(seen) == 150 - 64
    assert told == [64, 80, 96, 112, 128, 144, 150]


def test_what_is_damaged_is_computed_again(
    paintings: np.ndarray, extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(tmp_path))
    plain = features_of(paintings, extractor)
    (kept,) = (tmp_path / "features").glob("*.sqlite")
    with sqlite3.connect(kept) as store:
        bad = [(np.full(64, np.nan, "<f4").tobytes(), 0), (b"short", 1)]
        rows = store.execute("SELECT picture FROM features LIMIT 2").fetchall()
        store.executemany(
            "UPDATE features SET vector = ? WHERE picture = ?", [(bad[i][0], row[0]) for i, row in enumerate(rows)]
        )
    store.close()
    assert np.array_equal(features_of(paintings, extractor), plain)
    kept.write_bytes(b"this is no database" * 1000)
    assert np.array_equal(features_of(paintings, extractor), plain)
    assert kept.with_name(f"{kept.name}.damaged").exists()


def test_a_cache_that_cannot_be_written_is_one_sentence(
    paintings: np.ndarray, extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(tmp_path))
    (tmp_path / "features" / f"{extractor.key}.sqlite").mkdir(parents=True)
    with pytest.raises(ArtganError, match=r"the cache of features .* cannot be used .*; ARTGAN_CACHE_DIR names"):
        features_of(paintings, extractor)


def test_moments_are_kept_by_content(
    paintings: np.ndarray, extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(tmp_path))
    expected = moments([features_of(paintings, extractor)])
    for _ in range(2):
        found = moments_of(paintings, extractor)
        assert found.count == 150
        np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12)
        assert np.array_equal(found.covariance, expected.covariance)
    (kept,) = (tmp_path / "statistics").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    assert np.array_equal(moments_of(paintings, extractor).covariance, expected.covariance)
    moments_of(paintings[:149], extractor)
    assert len(list((tmp_path / "statistics").iterdir())) == 2
