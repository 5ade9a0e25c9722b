from pathlib import Path

import numpy as np
import pytest

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation import features
from artgan_lib.evaluation.features import Extractor, features_of, load_extractor


@pytest.fixture(scope="module")
def paintings() -> np.ndarray:
    return synthetic_paintings(60, seed=5)[0]


@pytest.fixture
def extractor() -> Extractor:
    return load_extractor("random-projection", "64")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(tmp_path))
    return tmp_path / "features"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the images that a network looks at."""
    seen: list[int] = []
    batches = Extractor.batches

    def counted(self: Extractor, images: list[np.ndarray], progress: object = None) -> object:
        seen.extend(len(batch) for batch in images)
        return batches(self, images)

    monkeypatch.setattr(Extractor, "batches", counted)
    return seen


def test_a_set_is_looked_at_once_in_one_file(
    paintings: np.ndarray, extractor: Extractor, cache: Path, seen: list[int]
) -> None:
    plain = extractor.run(paintings)
    for _ in range(2):
        assert np.array_equal(features_of(paintings, extractor), plain)
    assert seen == [60]
    assert [path.suffix for path in cache.iterdir()] == [".npz"]  # and nothing half written
    assert np.array_equal(features_of(paintings[::-1], extractor), plain[::-1])
    assert seen == [60, 60]  # another order is another set
    told: list[int] = []
    features_of(paintings, extractor, told.append)
    assert told == [60]


def test_another_layer_or_file_of_weights_has_features_of_its_own(
    paintings: np.ndarray, extractor: Extractor, cache: Path, seen: list[int]
) -> None:
    assert features_of(paintings, extractor).shape == (60, 64)
    assert features_of(paintings, load_extractor("random-projection", "256")).shape == (60, 256)
    features_of(paintings, Extractor("random-projection", "64", "another file", extractor.resizer, extractor.run))
    assert len(seen) == len(list(cache.iterdir())) == 3


@pytest.mark.parametrize("package", ["artgan", "torch", "torch-fidelity", "pillow"])
def test_features_do_not_outlive_the_libraries_that_made_them(
    package: str,
    paintings: np.ndarray,
    extractor: Extractor,
    cache: Path,
    seen: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features_of(paintings, extractor)
    version = features.version
    monkeypatch.setattr(features, "version", lambda name: "999" if name == package else version(name))
    features_of(paintings, extractor)
    assert seen == [60, 60]


@pytest.mark.parametrize("damage", ["torn", "empty", "of another length", "not finite"])
def test_what_is_damaged_is_computed_again(
    damage: str, paintings: np.ndarray, extractor: Extractor, cache: Path, seen: list[int]
) -> None:
    plain = features_of(paintings, extractor)
    (kept,) = cache.iterdir()
    if damage in ("torn", "empty"):
        kept.write_bytes(kept.read_bytes()[: 0 if damage == "empty" else 1000])
    else:
        np.savez(kept, features=plain[1:] if damage == "of another length" else np.full_like(plain, np.nan))
    for _ in range(2):
        assert np.array_equal(features_of(paintings, extractor), plain)
    assert seen == [60, 60]


def test_a_cache_that_cannot_be_written_is_one_sentence(
    paintings: np.ndarray, extractor: Extractor, cache: Path
) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(ArtganError, match=r"the cache of features .* cannot be written .*; ARTGAN_CACHE_DIR names"):
        features_of(paintings, extractor)
