"""Which pictures are compared: what is scored, the real ones beside it, and other real ones for the floor."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artgan_lib.data.dataset import ImageDataset, is_cache, open_cache, open_split
from artgan_lib.data.duplicates import found_among
from artgan_lib.data.preprocessing import prepare
from artgan_lib.data.sources.base import UNLABELLED
from artgan_lib.errors import ArtganError


@dataclass(frozen=True)
class Labelled:
    """Pictures and the name of the style of each; None for pictures that have no style, as a generator's."""

    images: np.ndarray  # uint8 (N, H, W, 3)
    styles: np.ndarray | None = None  # str (N,)

    def of(self, style: str) -> np.ndarray:
        """Return the pictures of a style; all, if they have none."""
        return self.images if self.styles is None else self.images[self.styles == style]

    def take(self, chosen: np.ndarray) -> "Labelled":
        """Return the pictures with these numbers."""
        return Labelled(self.images[chosen], None if self.styles is None else self.styles[chosen])


@dataclass(frozen=True)
class Reference:
    """Real pictures to compare with, other real pictures for the floor, and what a card says of them."""

    real: Labelled
    others: Labelled
    about: str  # where the real pictures come from
    split: str  # theirs
    left_out: int = 0  # pictures that nearly stand among the others, too
    about_others: str = ""

    @property
    def size(self) -> int:
        """Side of the pictures."""
        return int(self.real.images.shape[1])


def choose_reference(
    data: Path, *, split: str | None = None, floor: Path | None = None, halves: bool = True, seed: int = 0
) -> Reference:
    """Choose the real pictures of an evaluation.

    The others are those of `floor`; or the cache's other splits; or every other picture, drawn at random, which then is
    not among the first. Pictures of the reference that nearly stand among the others of another split or cache are left
    out: what a generator was trained on must not be what it is measured against.

    Args:
        data: A cache.
        split: Of the cache; None takes all.
        floor: Another cache.
        halves: Where there are no others, take half of the reference for them; else there are none.
        seed: Of the order of the others.

    Raises:
        ArtganError: If a cache cannot be opened, has no such split, or the two differ in size.
    """
    chosen, rest = open_split(data, split)
    pictures, (source, told) = labelled(chosen), _origin(chosen, split)
    rng = np.random.default_rng(seed)
    if floor is None and rest is None:
        order = rng.permutation(len(pictures.images))
        if not halves:
            return Reference(pictures, pictures.take(order[:0]), source, told)
        real, others = pictures.take(order[::2]), pictures.take(order[1::2])
        return Reference(real, others, f"half of {source}", told, 0, "the other half")
    if floor:
        beside = open_split(floor, None)[0]
        about_others = " ".join(_origin(beside, None))
    else:
        assert rest is not None
        beside, about_others = rest, f"{source}, its other splits"
    others = labelled(beside)
    if others.images.shape[1:] != pictures.images.shape[1:]:
        raise ArtganError(
            f"pictures of {pictures.images.shape[1]} and {others.images.shape[1]} pixels cannot be compared; prepare "
            "both at one size"
        )
    twice = found_among(pictures.images, others.images)
    kept = np.setdiff1d(np.arange(len(pictures.images)), twice)
    if not len(kept):
        raise ArtganError(f"every picture of {data} stands among the others, too; name other pictures for the floor")
    order = rng.permutation(len(others.images))
    return Reference(pictures.take(kept), others.take(order), source, told, len(twice), about_others)


def labelled(pictures: ImageDataset) -> Labelled:
    """Return the pictures of a cache with the names of their styles; with none, where they lie in no folders."""
    images = np.asarray(pictures.images)
    if set(pictures.styles) <= {UNLABELLED}:
        return Labelled(images)
    return Labelled(images, np.asarray(pictures.styles)[pictures.labels])


def open_scored(path: Path, size: int) -> Labelled:
    """Read pictures that are to be scored into memory.

    Args:
        path: A cache, or a folder or archive of pictures, which are cut to a square of `size` pixels.
        size: Side of the real pictures.

    Raises:
        ArtganError: If it cannot be read, or a cache has another size.
    """
    if is_cache(path):
        pictures = open_cache(path)
        if pictures.images.shape[1] != size:
            raise ArtganError(f"{path} holds pictures of {pictures.images.shape[1]} pixels, the real ones have {size}")
        return labelled(pictures)
    with tempfile.TemporaryDirectory() as folder:
        pictures = prepare(path, Path(folder) / "scored", size=size)
        images = np.array(pictures.images)  # into memory: the folder goes
        return labelled(ImageDataset(images, pictures.labels, pictures.styles, pictures.manifest))


def _origin(pictures: ImageDataset, split: str | None) -> tuple[str, str]:
    """Return what pictures were made from, and which split of it they are."""
    manifest = pictures.manifest
    return str(manifest["source"]), split or manifest["split"] or "all"
