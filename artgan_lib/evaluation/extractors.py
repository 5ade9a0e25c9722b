"""Networks that turn pictures into feature vectors, each with what a number made with it has to tell.

Owns their names and layers, where their weights come from, and a trial before any work begins; the networks
themselves are in `networks`.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from artgan_lib.downloads import WEIGHTS_DIR, PublishedFile, cache_dir, evict, fetch_weights, find_weights
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation import networks
from artgan_lib.memory import kept_memory

BATCH = 16  # at once; a processor clears less memory for these than for larger ones


@dataclass(frozen=True)
class Network:
    """A feature network that can be asked for by name."""

    layers: tuple[str, ...]  # by their dimensions, the default first
    resizer: str
    build: Callable[[Path, str, torch.device], networks.Run] | None  # None: it needs no weights
    published: PublishedFile | None = None  # where its weights are fetched from
    accepted: tuple[str, ...] = ()  # SHA-256, or its beginning, of files that are these weights


_INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
_TORCHVISION = "inception_v3_google-0cc3c7bd.pth"

NETWORKS = {
    "inception-2015": Network(
        ("2048", "768", "192", "64"),
        "bilinear to 299 x 299, as TensorFlow 1",
        networks.inception_2015,
        PublishedFile(
            _INCEPTION,
            (f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{_INCEPTION}",),
            "sha256:6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        ),
        (
            "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            "68d2f7b9e8cd71431e01802ea6f1993f41acd07d53b10c4a5b8e4dd73ba5d42e",  # the same up to its 768 features
        ),
    ),
    # The author's weights were Keras'. torchvision's are a port of Google's, and nobody states that they are the same
    # training, so a card tells which were taken by their hash. Keras' own file is taken where --weights names it.
    "inception-imagenet": Network(
        ("2048",),
        "Pillow's bicubic to 299 x 299, 8 bits",
        networks.inception_imagenet,
        PublishedFile(_TORCHVISION, (f"https://download.pytorch.org/models/{_TORCHVISION}",), None),
        ("0cc3c7bd",),
    ),
    "mobilenet-v2": Network(
        ("1280",),
        "bilinear to 224 x 224, antialiased",
        networks.mobilenet_v2,
        None,
        ("d7efbfd082a18ca2800746a0419ad51f36db7cf0e2c6336dd4e10b939f2852d4",),
    ),
    "random-projection": Network(("256", "64"), "mean over blocks, 16 x 16", None),
}
"""All there are. `random-projection` is for tests: it knows nothing of pictures."""

_WEIGHTS = (".pth", ".safetensors", ".h5")


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

    @property
    def key(self) -> str:
        """What features depend on beside the picture, as one hash."""
        told = f"{self.name} {self.layer} {self.sha256} {self.resizer}"
        return f"{self.name}-{self.layer}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def batches(
        self, images: Iterable[np.ndarray], progress: Callable[[int], None] = lambda done: None
    ) -> Iterator[np.ndarray]:
        """Yield features of pictures that come in batches of any size.

        Raises:
            ArtganError: If a feature is not finite.
        """
        done = 0
        with kept_memory():
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
        name: A name of `NETWORKS`.
        layer: One of its layers, named by its dimensions; None is the first.
        weights: A file to take instead of the published one.
        device: Where it runs.
        download: Whether weights may be fetched.

    Raises:
        ArtganError: If there is no such network or layer, its weights cannot be had or read, or the layer gives
            values that are not finite.
    """
    if name not in NETWORKS:
        raise ArtganError(f"there is no extractor {name!r}; there are {', '.join(NETWORKS)}")
    network = NETWORKS[name]
    layer = layer or network.layers[0]
    if layer not in network.layers:
        raise ArtganError(f"{name} has no layer {layer!r}; it has {', '.join(network.layers)}")
    if network.build is None:
        return Extractor(name, layer, None, network.resizer, lambda images: networks.project(images, int(layer)))
    path = Path(weights) if weights else find_network(name) or _fetch(name, download)
    if not path.is_file():
        raise ArtganError(f"there is no file of weights {path}")
    run = network.build(path, layer, torch.device(device))
    extractor = Extractor(name, layer, _sha256(path), network.resizer, run)
    trial = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    if not np.isfinite(extractor.run(trial)).all():
        raise ArtganError(_not_finite(f"{path}", layer))
    return extractor


def find_network(name: str) -> Path | None:
    """Return where a network's weights lie on this machine, whatever the file is called, or None.

    Raises:
        ArtganError: If the user's own folder is not there.
    """
    network = NETWORKS[name]
    named = find_weights(network.published) if network.published else None
    own = os.environ.get(WEIGHTS_DIR)
    if own and not Path(own).is_dir():
        raise ArtganError(f"{WEIGHTS_DIR} names {own}, which is not a folder")
    others = sorted(path for path in Path(own).iterdir() if path.suffix in _WEIGHTS) if own else []
    for path in [named, *others] if named else others:
        if _sha256(path).startswith(network.accepted):
            return path
    return None


def _fetch(name: str, download: bool) -> Path:
    network = NETWORKS[name]
    if network.published is None:
        raise ArtganError(
            f"the weights of {name} are not on this machine, and there is no address to fetch them from; put the file "
            f"with the SHA-256 {network.accepted[0]} into a folder and set {WEIGHTS_DIR} to it, or take inception-2015"
        )
    path = fetch_weights(network.published, download=download)
    if not _sha256(path).startswith(network.accepted):
        if path.parent == cache_dir():
            evict(network.published, cache_dir())
        raise ArtganError(f"{path} is not the file that was published: its SHA-256 differs; name another by --weights")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_finite(what: str, layer: str) -> str:
    return f"layer {layer} of {what} gives values that are not finite; choose another layer, or the published weights"
