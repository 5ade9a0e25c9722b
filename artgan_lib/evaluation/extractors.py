"""Networks that turn pictures into feature vectors, each with what a number made with it has to tell.

The Inception of 2015 is torch-fidelity's, resized as TensorFlow 1 did, which is what published FIDs are made with.
"""

import hashlib
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from artgan_lib.downloads import WEIGHTS_DIR, PublishedFile, fetch_weights, find_weights
from artgan_lib.errors import ArtganError

INCEPTION = PublishedFile(
    "weights-inception-2015-12-05-6726825d.pth",
    ("https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",),
    "sha256:6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
_INCEPTION_LIKE = "*inception-2015-12-05*.pth"  # other copies of it in the user's own folder

LAYERS = {"inception-2015": ("2048", "768", "192", "64"), "random-projection": ("256", "64")}
"""Extractors and their layers, the default first. `random-projection` is for tests: it knows nothing of pictures."""

BATCH = 32


@dataclass(frozen=True)
class Extractor:
    """A feature network at one layer."""

    name: str
    layer: str
    sha256: str | None  # of the weights' file
    resizer: str
    run: Callable[[np.ndarray], np.ndarray]  # uint8 (N, H, W, 3) to float32 (N, dim)

    @property
    def dim(self) -> int:
        """Length of a feature vector."""
        return int(self.layer)

    def batches(
        self, images: Iterable[np.ndarray], progress: Callable[[int], None] = lambda done: None
    ) -> Iterator[np.ndarray]:
        """Yield features of pictures that come in batches of any size.

        Raises:
            ArtganError: If a feature is not finite.
        """
        done = 0
        for batch in images:
            for first in range(0, len(batch), BATCH):
                features = self.run(batch[first : first + BATCH])
                if not np.isfinite(features).all():
                    raise ArtganError(_not_finite(self.name, self.layer))
                done += len(features)
                progress(done)
                yield features


def load_extractor(
    name: str = "inception-2015",
    layer: str | None = None,
    *,
    weights: Path | str | None = None,
    device: torch.device | str = "cpu",
    download: bool = True,
) -> Extractor:
    """Load a feature network, and try it on two pictures before any work begins.

    Args:
        name: A name of `LAYERS`.
        layer: One of its layers, named by its dimensions; None is the first.
        weights: A file to take instead of the published one.
        device: Where it runs.
        download: Whether weights may be fetched.

    Raises:
        ArtganError: If there is no such network or layer, its weights cannot be had or read, or the layer gives
            values that are not finite.
    """
    if name not in LAYERS:
        raise ArtganError(f"there is no extractor {name!r}; there are {', '.join(LAYERS)}")
    layer = layer or LAYERS[name][0]
    if layer not in LAYERS[name]:
        raise ArtganError(f"{name} has no layer {layer!r}; it has {', '.join(LAYERS[name])}")
    if name == "random-projection":
        return Extractor(name, layer, None, "mean over blocks, 16 x 16", lambda images: _project(images, int(layer)))
    path = Path(weights) if weights else _find_inception(download)
    extractor = Extractor(
        name,
        layer,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        "bilinear to 299 x 299, as TensorFlow 1",
        _inception(path, layer, torch.device(device)),
    )
    trial = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    if not np.isfinite(extractor.run(trial)).all():
        raise ArtganError(_not_finite(f"{path}", layer))
    return extractor


def _not_finite(what: str, layer: str) -> str:
    return f"layer {layer} of {what} gives values that are not finite; choose another layer, or the published weights"


def _find_inception(download: bool) -> Path:
    found = find_weights(INCEPTION)
    own = os.environ.get(WEIGHTS_DIR)
    if found is None and own:
        found = next(iter(sorted(Path(own).glob(_INCEPTION_LIKE))), None)
    return found or fetch_weights(INCEPTION, download=download)


def _inception(path: Path, layer: str, device: torch.device) -> Callable[[np.ndarray], np.ndarray]:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        # torch-fidelity unpickles whatever it is given; after this there is nothing but weights in the file.
        torch.load(path, map_location="cpu", weights_only=True)
        network: nn.Module = FeatureExtractorInceptionV3(f"inception-{layer}", [layer], str(path))
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, AttributeError, KeyError, ValueError) as error:
        raise ArtganError(f"{path} is not the Inception of 2015 ({type(error).__name__})") from None
    network.to(device).eval()

    @torch.inference_mode()
    def run(images: np.ndarray) -> np.ndarray:
        x = torch.tensor(images, device=device).permute(0, 3, 1, 2)
        features: np.ndarray = network(x)[0].float().cpu().numpy()
        return features

    return run


def _project(images: np.ndarray, dim: int) -> np.ndarray:
    """Project the means of 16 x 16 blocks onto fixed random directions."""
    count, height, width, _ = images.shape
    if height % 16 or width % 16:
        raise ArtganError(f"random-projection takes sides that 16 divides, not {width} x {height}")
    blocks = images.reshape(count, 16, height // 16, 16, width // 16, 3).mean((2, 4)).reshape(count, -1)
    directions = np.random.default_rng(0).standard_normal((blocks.shape[1], dim)) / blocks.shape[1] ** 0.5
    projected: np.ndarray = ((blocks - 127.5) / 127.5 @ directions).astype(np.float32)
    return projected
