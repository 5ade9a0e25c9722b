"""Image enhancement: pictures four times as large, once or twice (interfaces IES and IEDT of Fig. 2).

The networks are Real-ESRGAN's own, found on this machine or fetched, and loaded by `studio.networks`. Between passes a
picture is rounded to 8 bits, as in a PNG, and never goes through JPEG.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.downloads import PublishedFile, fetch_weights, find_weights
from artgan_lib.errors import ArtganError
from artgan_lib.studio.ncnn_weights import PACKAGED, find_packaged
from artgan_lib.studio.networks import load_network
from artgan_lib.studio.tiles import in_tiles

SCALE = 4
SIZES = {IMAGE_SIZE: 0, IMAGE_SIZE * SCALE: 1, IMAGE_SIZE * SCALE**2: 2}
"""Sides of a finished picture in pixels, and how often it was enlarged."""

INTERPOLATIONS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
BICUBIC = "bicubic"
DEFAULT = "RealESRGAN_x4plus"
"""The network of the paper's application."""
DEFAULT_CPU = f"{DEFAULT}+realesr-animevideov3"
"""On a CPU a small network takes the later passes, whose inputs have sixteen times as many pixels."""
AUTO = "auto"
"""`DEFAULT_CPU` on a CPU, `DEFAULT` elsewhere, bicubic interpolation where neither can be had."""

ENLARGER_KEYS = ("upscaler", "upscaler_sha256")
"""What a picture's file says of its enlarger: with the versions of packages, all that decides its pixels."""
TILE, SMALLEST_TILE = 512, 32
"""Side of a tile in input pixels: what is begun with, and what is not gone below when memory runs out."""
BATCH_CPU, BATCH_GPU = 1, 8
"""Pictures that go through a network together: on a CPU more are no faster."""

_RELEASES = "https://github.com/xinntao/Real-ESRGAN/releases/download"
NETWORKS = {
    name: PublishedFile(f"{name}.pth", (f"{_RELEASES}/{release}/{name}.pth",), f"sha256:{sha256}")
    for name, release, sha256 in (
        (DEFAULT, "v0.1.0", "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"),
        (f"{DEFAULT}_anime_6B", "v0.2.2.4", "f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da"),
        ("realesr-animevideov3", "v0.2.5.0", "b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d"),
        ("realesr-general-x4v3", "v0.2.5.0", "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292"),
    )
}
"""Published networks by name. Those of `PACKAGED` need not be fetched: a copy in float16 was installed."""


class Weights(NamedTuple):
    """A network's file on this machine, and the name under which its pictures tell of it."""

    name: str
    path: Path


class Upscaler:
    """Enlarges pictures.

    Args:
        name: What it is called in recipes.
        scale: How many times it enlarges a side.
        network: uint8 pictures (N, H, W, 3) to float (N, H x scale, W x scale, 3) in [0, 255].
        sha256: Of the weights' file; None where there is none.
        tile: Side of a tile in input pixels, or None to take pictures whole.
        batch: Pictures of one size that go through together.
        note: What a user should be told of it, as a sentence; empty if nothing.
    """

    def __init__(
        self,
        name: str,
        scale: int,
        network: Callable[[np.ndarray], np.ndarray],
        *,
        sha256: str | None = None,
        tile: int | None = TILE,
        batch: int = 1,
        note: str = "",
    ) -> None:
        self.name, self.scale, self.sha256, self.tile, self.batch = name, scale, sha256, tile, batch
        self.note = note
        self._network = network
        self._later = self

    def followed_by(self, later: "Upscaler") -> "Upscaler":
        """Let another upscaler take every pass after the first; return this one.

        Raises:
            ArtganError: If the two enlarge by different scales.
        """
        if later.scale != self.scale:
            raise ArtganError(f"{self.name} enlarges by {self.scale} and {later.name} by {later.scale}; take one scale")
        self._later = later
        return self

    def about(self, passes: int) -> dict[str, str | None]:
        """Return what a picture's file says of its enlarger after so many passes, by `ENLARGER_KEYS`."""
        used = [self] if self._later is self or passes < 2 else [self, self._later]
        hashes = [upscaler.sha256 for upscaler in used if upscaler.sha256]
        values = ("+".join(upscaler.name for upscaler in used), "+".join(hashes) or None)
        return dict(zip(ENLARGER_KEYS, values, strict=True))

    def enlarge(self, image: np.ndarray, check: Callable[[], None] = lambda: None) -> np.ndarray:
        """Enlarge one picture by `scale`, in tiles where it is large.

        Args:
            image: uint8, shape (H, W, 3).
            check: Called before each tile; it may raise to stop.

        Raises:
            ArtganError: If the result is not finite or constant, or does not fit in memory in the smallest tiles.
        """
        while True:
            check()
            try:
                if self.tile is None or max(image.shape[:2]) <= self.tile:
                    return self._finish(image, self._network(image[None])[0])
                one = lambda part: self._network(part[None])[0]  # noqa: E731
                return self._finish(image, in_tiles(image, self.tile, self.scale, one, check))
            except Exception as error:
                if not _out_of_memory(error):
                    raise
            # Out of the except block, so that nothing holds on to what the failed attempt had in memory.
            self._halve_tile(max(image.shape[:2]))

    def enlarge_batch(self, images: Sequence[np.ndarray], check: Callable[[], None] = lambda: None) -> list[np.ndarray]:
        """Enlarge pictures of one size, several at once; each comes out as it would by itself, within 1 of 255."""
        done: list[np.ndarray] = []
        while len(done) < len(images):
            part = images[len(done) : len(done) + self.batch]
            if len(part) == 1 or (self.tile is not None and max(part[0].shape[:2]) > self.tile):
                done += [self.enlarge(image, check) for image in part]
                continue
            check()
            try:
                enlarged = self._network(np.stack(part))
                done += [self._finish(image, big) for image, big in zip(part, enlarged, strict=True)]
                continue
            except Exception as error:
                if not _out_of_memory(error):
                    raise
            self.batch = len(part) // 2
        return done

    def to_scale(self, image: np.ndarray, scale: int, check: Callable[[], None] = lambda: None) -> np.ndarray:
        """Enlarge by a power of `scale`, rounded to uint8 after each pass, so that the sides are exactly so large.

        Raises:
            ArtganError: If it is no power.
        """
        return self.batch_to_scale([image], scale, check)[0]

    def to_size(self, image: np.ndarray, size: int, check: Callable[[], None] = lambda: None) -> np.ndarray:
        """Enlarge a 64 x 64 picture to 64, 256 or 1024 pixels a side.

        Raises:
            ArtganError: If the size is another.
        """
        return self.to_scale(image, SCALE ** passes(size), check)

    def batch_to_size(
        self, images: Sequence[np.ndarray], size: int, check: Callable[[], None] = lambda: None
    ) -> list[np.ndarray]:
        """Enlarge several pictures as `to_size` does, `batch` at once."""
        return self.batch_to_scale(images, SCALE ** passes(size), check)

    def batch_to_scale(
        self, images: Sequence[np.ndarray], scale: int, check: Callable[[], None] = lambda: None
    ) -> list[np.ndarray]:
        """Enlarge several pictures as `to_scale` does, `batch` at once."""
        enlarged, reached, upscaler = list(images), 1, self
        while reached < scale:
            enlarged, reached = upscaler.enlarge_batch(enlarged, check), reached * self.scale
            upscaler = self._later
        if reached != scale:
            raise ArtganError(f"{self.name} enlarges by {self.scale} at a time, so not by {scale}")
        return enlarged

    def _halve_tile(self, side: int) -> None:
        tile = min(self.tile or TILE, side) // 2
        if tile < SMALLEST_TILE:
            raise ArtganError(
                f"there is not enough memory to enlarge a picture by {self.name}, even in tiles of {SMALLEST_TILE} "
                "pixels; close other programs, or take --device cpu or --upscaler bicubic"
            )
        self.tile = tile

    def _finish(self, image: np.ndarray, enlarged: np.ndarray) -> np.ndarray:
        if not np.isfinite(enlarged).all():
            raise ArtganError(f"{self.name} gave a picture that is not finite; take --device cpu or another upscaler")
        result: np.ndarray = enlarged.round().clip(0, 255).astype(np.uint8)
        flat = (np.ptp(result, axis=(0, 1)) == 0).all()
        if flat and np.ptp(image, axis=(0, 1)).max() > 1:
            raise ArtganError(f"{self.name} gave a picture of one colour; take --device cpu or another upscaler")
        return result


def passes(size: int) -> int:
    """Return how often a picture is enlarged by four to reach a size.

    Raises:
        ArtganError: If the size is none of `SIZES`.
    """
    if size not in SIZES:
        raise ArtganError(f"pictures come at {', '.join(map(str, SIZES))} pixels, not at {size}")
    return SIZES[size]


def find_network(name: str) -> Weights | None:
    """Find a network on this machine: in the user's folder, in the cache, or in the wheel that was installed."""
    path = find_weights(NETWORKS[name]) if name in NETWORKS else None
    if path is not None:
        return Weights(name, path)
    packaged = name if name in PACKAGED else f"{name}-fp16"
    path = find_packaged(packaged)
    return Weights(packaged, path) if path is not None else None


def available(name: str) -> bool:
    """Tell whether an upscaler can be had without fetching anything."""
    if name == AUTO:
        return available(DEFAULT_CPU)
    if Path(name).is_file() or name in INTERPOLATIONS:
        return True
    return all(find_network(part) is not None for part in name.split("+"))


def known(name: str) -> bool:
    """Tell whether a name, or each part of it, is that of an interpolation or of one of our networks."""
    return all(part in INTERPOLATIONS or part in NETWORKS or part in PACKAGED for part in name.split("+"))


def load_upscaler(name: str = AUTO, *, device: torch.device | str = "cpu", download: bool = True) -> Upscaler:
    """Load an upscaler.

    Args:
        name: `auto`, `bicubic`, `lanczos`, a name of `NETWORKS` or `PACKAGED`, or the path of any x2 or x4 network that
            spandrel knows, which is taken as it is. `one+other` takes `one` for the first pass and `other` for the
            later ones.
        device: Where the network runs.
        download: Whether weights may be fetched if they are not on this machine.

    Returns:
        The upscaler. Where `auto` finds no network it is bicubic interpolation, and its `note` says so.

    Raises:
        ArtganError: If there is none of this name, its weights cannot be had, or the file is not such a network.
    """
    device = torch.device(device)
    if name == AUTO:
        chosen = DEFAULT_CPU if device.type == "cpu" else DEFAULT
        try:
            return load_upscaler(chosen, device=device, download=download)
        except ArtganError as error:
            upscaler = load_upscaler(BICUBIC, device=device)
            upscaler.note = f"Pictures are enlarged by bicubic interpolation, without a network: {error}."
            return upscaler
    if "+" in name and not Path(name).is_file():
        one, other = name.split("+", 1)
        first, later = (load_upscaler(part, device=device, download=download) for part in (one, other))
        return first.followed_by(later)
    batch = BATCH_CPU if device.type == "cpu" else BATCH_GPU
    if name in INTERPOLATIONS:
        interpolate = lambda images: _interpolate(images, INTERPOLATIONS[name])  # noqa: E731
        return Upscaler(name, SCALE, interpolate, tile=None, batch=batch)
    found = find_network(name)
    if found is None and name in NETWORKS:
        try:
            found = Weights(name, fetch_weights(NETWORKS[name], download=download))
        except ArtganError as error:
            raise ArtganError(f"{error}, or take --upscaler {BICUBIC}") from None
    if found is None:
        if not Path(name).is_file():
            choices = ", ".join([AUTO, *INTERPOLATIONS, *NETWORKS])
            raise ArtganError(f"there is no upscaler {name!r}; there are {choices}, or the path of a network")
        found = Weights(Path(name).stem, Path(name))
    network = load_network(found.path, device)
    sha256 = hashlib.sha256(found.path.read_bytes()).hexdigest()
    return Upscaler(found.name, network.scale, network, sha256=sha256, batch=batch)


def _interpolate(images: np.ndarray, kind: Image.Resampling) -> np.ndarray:
    height, width = images.shape[1:3]
    sides = (width * SCALE, height * SCALE)
    return np.stack([np.asarray(Image.fromarray(image).resize(sides, kind)) for image in images]).astype(np.float32)


_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def _out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)
    )
