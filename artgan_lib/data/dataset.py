"""The cache on disk: one memory-mapped array of images, their labels, and a manifest that says what they are.

It is the interface IPDT of Fig. 2: training sees nothing but the array. Making one is left to `data.preprocessing`.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artgan_lib.data.sources.base import Skipped, Source, SourceImage
from artgan_lib.errors import ArtganError
from artgan_lib.images import spot_fingerprint

FORMAT = 2
IMAGES, LABELS, FILES, MANIFEST = "images.npy", "labels.npy", "files.jsonl", "manifest.json"


@dataclass(frozen=True)
class ImageDataset:
    """Images ready for training, with the class of each (interface IPDT of Fig. 2)."""

    images: np.ndarray  # uint8 (N, size, size, 3), memory-mapped if it comes from a cache
    labels: np.ndarray  # int16 (N,), index into `styles`
    styles: tuple[str, ...]  # names of the classes
    manifest: dict[str, Any]  # where the images come from, counts, quarantine, versions

    def take(self, chosen: np.ndarray) -> "ImageDataset":
        """Return the images that a mask, bool (N,), chooses: without a copy where they follow one another."""
        numbers = np.flatnonzero(chosen)
        first, last = numbers[[0, -1]]
        rows = slice(first, last + 1) if last - first + 1 == len(numbers) else numbers
        return replace(self, images=self.images[rows], labels=self.labels[rows])


def is_cache(path: Path | str) -> bool:
    """Tell whether a folder claims to be a cache of ours."""
    return (Path(path) / MANIFEST).is_file() and (Path(path) / IMAGES).is_file()


def open_cache(path: Path | str, *, verify: bool = False) -> ImageDataset:
    """Open a cache, after checking that it is whole.

    Shape, labels and counts are always compared, and the pixels of 256 images spread over the array.

    Args:
        path: Folder of the cache.
        verify: Compare every pixel with the manifest's hash as well, which reads the whole array.

    Raises:
        ArtganError: If it is not a cache, was made by another version, or its files do not fit its manifest.
    """
    path = Path(path)
    if not is_cache(path):
        raise ArtganError(f"{path} is not a cache of pictures; `artgan prepare SOURCE --out {path}` makes one")
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ArtganError(f"the cache {path} was made by another version of artgan; prepare it again")
        images = np.load(path / IMAGES, mmap_mode="r", allow_pickle=False)
        labels = np.load(path / LABELS, allow_pickle=False)
        styles = tuple(manifest["styles"])
        wrong = _difference(path, manifest, images, labels, verify)
    except ArtganError:
        raise
    except Exception as error:  # numpy and json raise almost anything on a damaged file
        wrong = str(error).splitlines()[0] if str(error) else type(error).__name__
    if wrong:
        raise ArtganError(f"the cache {path} is damaged: {wrong}; prepare it again")
    return ImageDataset(images, labels, styles, manifest)


def open_split(path: Path | str, split: str | None) -> tuple[ImageDataset, ImageDataset | None]:
    """Open a cache and take one split of it.

    Args:
        path: Folder of the cache.
        split: `train`, `test` or `val`; None takes all images.

    Returns:
        The images of the split and all others, None if there are none. Both stay memory-mapped where the source's
        names begin with their split, as `train/style/file`; else they are copied into memory.

    Raises:
        ArtganError: If it is no whole cache, or has no such images.
    """
    dataset = open_cache(path)
    counts = dataset.manifest["splits"]
    if split is None or counts.get(split) == len(dataset.images):
        return dataset, None
    if split not in counts:
        raise ArtganError(f"the cache {path} has no picture of the split {split!r}; it has {', '.join(counts)}")
    inside = np.array([(SourceImage.named(name).split or "all") == split for name in _names(path, dataset)])
    if inside.sum() != counts[split]:
        raise ArtganError(f"the cache {path} is damaged: {FILES} does not count the splits as the manifest does")
    return dataset.take(inside), dataset.take(~inside)


class CachedImages:
    """A cache read as a collection of paintings, each handed over as a file that loses nothing."""

    def __init__(self, dataset: ImageDataset, names: list[str]) -> None:
        self.skipped: list[Skipped] = []
        self._images = dataset.images
        self.images = [
            SourceImage.named(name)._replace(style=dataset.styles[label])
            for name, label in zip(names, dataset.labels, strict=True)
        ]

    def stream(self, chosen: Sequence[int]) -> Iterator[tuple[int, bytes | Exception]]:
        """Hand over one image after the other."""
        for number in chosen:
            buffer = io.BytesIO()
            Image.fromarray(self._images[number]).save(buffer, "bmp")
            yield number, buffer.getvalue()


@contextmanager
def open_as_source(path: Path) -> Iterator[Source]:
    """Open a cache as `open_source` opens anything else."""
    dataset = open_cache(path)
    yield CachedImages(dataset, _names(path, dataset))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _names(path: Path | str, dataset: ImageDataset) -> list[str]:
    """Return the name that the file of each image had in its source."""
    try:
        lines = (Path(path) / FILES).read_text(encoding="utf-8").splitlines()
        names = [str(json.loads(line)["name"]) for line in lines]
    except (OSError, ValueError, KeyError, TypeError):
        names = []
    if len(names) != len(dataset.images):
        raise ArtganError(f"the cache {path} is damaged: {FILES} does not name its pictures; prepare it again")
    return names


def _difference(
    path: Path, manifest: dict[str, Any], images: np.ndarray, labels: np.ndarray, verify: bool
) -> str | None:
    """Say how the files differ from the manifest, or None."""
    shape = (manifest["count"], manifest["size"], manifest["size"], 3)
    if images.shape != shape or images.dtype != np.uint8:
        return f"{IMAGES} holds {images.dtype} {images.shape}, the manifest says uint8 {shape}"
    counts = {style: int((labels == index).sum()) for index, style in enumerate(manifest["styles"])}
    if labels.shape != shape[:1] or counts != manifest["styles"]:
        return f"{LABELS} does not count the styles as the manifest does"
    changed = spot_fingerprint(images) != manifest["fingerprint"]
    if changed or (verify and hash_file(path / IMAGES) != manifest["sha256"]):
        return f"{IMAGES} has been changed since it was made"
    return None
