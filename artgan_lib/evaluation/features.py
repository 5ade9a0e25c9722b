"""Features of images: which networks there are, where their weights come from, and a cache of what they saw.

A network is tried on two images before any work begins. The networks themselves are in `networks`.
"""

import contextlib
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artgan_lib.downloads import (
    CACHE_DIR,
    WEIGHTS_DIR,
    PublishedFile,
    cache_dir,
    evict,
    fetch_weights,
    find_weights,
)
from artgan_lib.errors import ArtganError
from artgan_lib.evaluation import networks
from artgan_lib.images import fingerprint
from artgan_lib.runlog import write_atomic

BATCH = 16
"""Images at once; more are no faster on a processor."""


@dataclass(frozen=True)
class Network:
    """A feature network that can be asked for by name."""

    layers: tuple[str, ...]  # by their dimensions, the deepest first
    resizer: str
    build: Callable[[Path, str, torch.device], networks.Run]
    published: PublishedFile  # where its weights are fetched from
    accepted: tuple[str, ...]  # SHA-256, or its beginning, of files that are these weights


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
    # training, so a card tells which were taken by their hash.
    "inception-imagenet": Network(
        ("2048",),
        "Pillow's bicubic to 299 x 299, 8 bits",
        networks.inception_imagenet,
        PublishedFile(_TORCHVISION, (f"https://download.pytorch.org/models/{_TORCHVISION}",), None),
        ("0cc3c7bd",),
    ),
}
"""The networks that have weights."""

PROJECTION, _DIMENSIONS = "random-projection", ("256", "64")
EXTRACTORS = (*NETWORKS, PROJECTION)
"""All names. The projection needs no weights and knows nothing of images: it is for tests and lessons."""

_PACKAGES = ("artgan", "torch", "numpy", "scipy", "pillow", "torch-fidelity")


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
    def provenance(self) -> dict[str, Any]:
        """What features depend on besides the image: the part of a metric card that the extractor knows."""
        return {
            "extractor": self.name,
            "layer": self.layer,
            "weights": self.sha256,
            "resizer": self.resizer,
            "versions": {package: _version(package) for package in _PACKAGES},
        }

    def batches(
        self, images: Iterable[np.ndarray], progress: Callable[[int], None] = lambda done: None
    ) -> Iterator[np.ndarray]:
        """Yield features of images that come in batches of any size.

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
    """Load a feature network, and try it on two images before any work begins.

    Args:
        name: One of `EXTRACTORS`.
        layer: One of its layers, named by its dimensions; None is the deepest one whose weights are finite.
        weights: A file to take instead of the published one.
        device: Where it runs.
        download: Whether weights may be fetched.

    Raises:
        ArtganError: If there is no such network or layer, its weights cannot be had or read, or the layer gives
            values that are not finite.
    """
    if name not in EXTRACTORS:
        raise ArtganError(f"there is no extractor {name!r}; there are {', '.join(EXTRACTORS)}")
    layers = _DIMENSIONS if name == PROJECTION else NETWORKS[name].layers
    if layer not in (None, *layers):
        raise ArtganError(f"{name} has no layer {layer!r}; it has {', '.join(layers)}")
    wanted = (layer,) if layer else layers
    if name == PROJECTION:
        dim = int(wanted[0])
        return Extractor(
            name, wanted[0], None, "mean over blocks, 16 x 16", lambda images: networks.random_projection(images, dim)
        )
    network, path = NETWORKS[name], Path(weights) if weights else find_network(name) or _fetch(name, download)
    if not path.is_file():
        raise ArtganError(f"there is no file of weights {path}")
    sha256, trial = _sha256(path), np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    for candidate in wanted:
        run = network.build(path, candidate, torch.device(device))
        if np.isfinite(run(trial)).all():
            return Extractor(name, candidate, sha256, network.resizer, run)
    raise ArtganError(_not_finite(f"{path}", wanted[-1]))


def find_network(name: str) -> Path | None:
    """Return where a network's weights lie on this machine, whatever the file is called, or None.

    Raises:
        ArtganError: If the user's own folder is not there.
    """
    network = NETWORKS[name]
    named = find_weights(network.published)
    own = os.environ.get(WEIGHTS_DIR)
    others = sorted(Path(own).glob("*.pth")) if own else []
    for path in [named, *others] if named else others:
        if _sha256(path).startswith(network.accepted):
            return path
    return None


def features_of(
    images: np.ndarray, extractor: Extractor, progress: Callable[[int], None] = lambda done: None
) -> np.ndarray:
    """Return the features of images, from the cache where this very set was looked at before.

    The cache is one file a set, named by a hash of the images and of all that features depend on, versions of the
    libraries included: after an upgrade they are computed anew.

    Args:
        images: uint8 (N, H, W, 3).
        extractor: From `load_extractor`.
        progress: Told how many are done.

    Returns:
        float32 (N, dim).

    Raises:
        ArtganError: If a feature is not finite, or the cache cannot be written.
    """
    key = hashlib.sha256(json.dumps(extractor.provenance, sort_keys=True).encode()).hexdigest()[:16]
    path = cache_dir() / "features" / f"{extractor.name}-{extractor.layer}-{key}-{fingerprint(images)}.npz"
    damaged = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
    with contextlib.suppress(*damaged), np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
        found: np.ndarray = kept["features"]
        if found.shape == (len(images), extractor.dim) and np.isfinite(found).all():
            progress(len(images))
            return found
    found = np.concatenate(list(extractor.batches([images], progress)))
    buffer = io.BytesIO()
    np.savez(buffer, features=found)
    try:
        write_atomic(path, buffer.getvalue())
    except OSError as error:
        raise ArtganError(
            f"the cache of features {path} cannot be written ({error}); {CACHE_DIR} names another"
        ) from None
    return found


def _fetch(name: str, download: bool) -> Path:
    network = NETWORKS[name]
    path = fetch_weights(network.published, download=download)
    if not _sha256(path).startswith(network.accepted):
        if path.parent == cache_dir():
            evict(network.published, cache_dir())
        raise ArtganError(f"{path} is not the file that was published: its SHA-256 differs; name another by --weights")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _not_finite(what: str, layer: str) -> str:
    return f"layer {layer} of {what} gives values that are not finite; choose another layer, or the published weights"
