"""Image enhancement: pictures four times as large, once or twice (interfaces IES and IEDT of Fig. 2).

The networks are Real-ESRGAN's own, loaded by `studio.networks`. Between passes a picture is rounded to 8 bits, as in a
PNG, and never goes through JPEG.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.downloads import PublishedFile, fetch_weights, find_weights
from artgan_lib.errors import ArtganError
from artgan_lib.memory import kept_memory
from artgan_lib.shipped import ENLARGER
from artgan_lib.studio.networks import load_network
from artgan_lib.studio.side_by_side import side_by_side
from artgan_lib.studio.tiles import in_tiles

SCALE = 4
SIZES = {IMAGE_SIZE: 0, IMAGE_SIZE * SCALE: 1, IMAGE_SIZE * SCALE**2: 2}
"""Sides of a finished picture in pixels, and how often it was enlarged."""

INTERPOLATIONS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
BICUBIC = "bicubic"
OWN = ENLARGER.stem
"""The enlarger of our own, which comes with the clone: for pictures that are clean, since it keeps what it is given,
a generator's grid, too. It is taken where it is asked for."""
DEFAULT = "realesr-general-x4v3"
DEFAULT_GPU = "RealESRGAN_x4plus"
AUTO = "auto"
"""`DEFAULT` on a processor, `DEFAULT_GPU` on a GPU: the second is deeper and much slower."""

BACKENDS = (AUTO, "spandrel", "ncnn", "realesrgan")
"""`AUTO` is spandrel, which is PyTorch, but ncnn for small networks (`Compact`) in float32 on a processor."""
PRECISIONS = (AUTO, "float32")
"""`AUTO` is half precision where the device computes in it natively: on a GPU, and by published networks of the small
kind (`Compact`) on processors with bfloat16."""
ENLARGER_KEYS = ("upscaler", "upscaler_sha256", "upscaler_precision", "backend", "ncnn")
"""What a picture's file says of its enlarger: with the versions of other packages, all that decides its pixels."""
TILE, SMALLEST_TILE = 512, 32
"""Side of a tile in input pixels: what is begun with, and what is not gone below when memory runs out."""

_RELEASES = "https://github.com/xinntao/Real-ESRGAN/releases/download"
NETWORKS = {
    name: PublishedFile(f"{name}.pth", (f"{_RELEASES}/{release}/{name}.pth",), f"sha256:{sha256}")
    for name, release, sha256 in (
        (DEFAULT, "v0.2.5.0", "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292"),
        (DEFAULT_GPU, "v0.1.0", "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"),
        ("realesr-animevideov3", "v0.2.5.0", "b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d"),
    )
}
"""Published networks by name."""


class Upscaler:
    """Enlarges pictures.

    Args:
        name: What it is called in recipes.
        scale: How many times it enlarges a side.
        network: uint8 pictures (N, H, W, 3) to float (N, H x scale, W x scale, 3) in [0, 255].
        sha256: Of the weights' file; None where there is none.
        tile: Side of a tile in input pixels, or None to take pictures whole.
        batch: Pictures of one size that go through together.
        parallel: Whether pictures go through at once, each by itself on a core of its own.
        precision: What the network computes in; None where there is none.
        backend: What runs the network; None where there is none.
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
        parallel: bool = False,
        precision: str | None = None,
        backend: str | None = None,
    ) -> None:
        self.name, self.scale, self.sha256, self.tile, self.batch = name, scale, sha256, tile, batch
        self.parallel, self.precision, self.backend = parallel, precision, backend
        self._network = network

    @cached_property
    def about(self) -> dict[str, str | None]:
        """What a picture's file says of its enlarger, by `ENLARGER_KEYS`."""
        ncnn = version("ncnn") if self.backend == "ncnn" else None
        return dict(zip(ENLARGER_KEYS, (self.name, self.sha256, self.precision, self.backend, ncnn), strict=True))

    @property
    def at_once(self) -> int:
        """Pictures that are enlarged in the time of one, or nearly."""
        return torch.get_num_threads() if self.parallel else self.batch

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
        if self.parallel:
            return side_by_side(lambda image: self.enlarge(image, check), images)
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
        reached = 1
        while reached < scale:
            image, reached = self.enlarge(image, check), reached * self.scale
        if reached != scale:
            raise ArtganError(f"{self.name} enlarges by {self.scale} at a time, so not by {scale}")
        return image

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
        enlarged, reached = list(images), 1
        with kept_memory(self.parallel):
            while reached < SCALE ** passes(size):
                enlarged, reached = self.enlarge_batch(enlarged, check), reached * self.scale
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


def check_precision(precision: str) -> None:
    """Refuse a precision that is none of `PRECISIONS`.

    Raises:
        ArtganError: If it is none.
    """
    if precision not in PRECISIONS:
        raise ArtganError(f"the precision of an enlarger is {' or '.join(PRECISIONS)}, not {precision!r}")


def available(name: str) -> bool:
    """Tell whether an upscaler can be had without the network."""
    if name == OWN:
        return ENLARGER.is_file()
    if name in NETWORKS:
        return find_weights(NETWORKS[name]) is not None
    return name in INTERPOLATIONS or Path(name).is_file()


def load_upscaler(
    name: str = AUTO,
    *,
    device: torch.device | str = "cpu",
    download: bool = True,
    backend: str = AUTO,
    precision: str = AUTO,
) -> Upscaler:
    """Load an upscaler.

    Args:
        name: `auto`, `bicubic`, `lanczos`, `artgan-x4`, a name of `NETWORKS`, or the path of any x2 or x4 network that
            spandrel knows; a file named by path is taken as it is, and its hash recorded.
        device: Where the network runs.
        download: Whether weights may be fetched.
        backend: One of `BACKENDS`: `auto`; `spandrel`; `ncnn`, for small networks on a processor, within 1 of 255 of
            spandrel's pictures; or `realesrgan`, the package by the networks' authors, which has to be installed. The
            last two compute in float32.
        precision: `auto` or `float32`, see `PRECISIONS`. A network named by path is in float32 on a processor.

    Raises:
        ArtganError: If there is none of this name, its weights cannot be had, or the file is not such a network.
    """
    check_precision(precision)
    if backend not in BACKENDS:
        raise ArtganError(f"there is no backend {backend!r}; there are {', '.join(BACKENDS)}")
    where = torch.device(device)
    if name == AUTO:
        name = DEFAULT_GPU if where.type == "cuda" else DEFAULT
    if name in INTERPOLATIONS:
        interpolate = lambda images: _interpolate(images, INTERPOLATIONS[name])  # noqa: E731
        return Upscaler(name, SCALE, interpolate, tile=None, parallel=True)
    if name in NETWORKS:
        try:
            path = fetch_weights(NETWORKS[name], download=download)
        except ArtganError as error:
            raise ArtganError(f"{error}, or take --upscaler {BICUBIC}") from None
    elif name == OWN and ENLARGER.is_file():
        path = ENLARGER
    elif Path(name).is_file():
        path = Path(name)
    else:
        known = ", ".join([AUTO, *INTERPOLATIONS, OWN, *NETWORKS])
        raise ArtganError(f"there is no upscaler {name!r}; there are {known}, or the path of a network")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if backend == "realesrgan":
        from artgan_lib.studio.realesrgan_backend import load_realesrgan

        one = load_realesrgan(path, where)
        together = lambda images: np.stack([one(image) for image in images])  # noqa: E731
        return Upscaler(path.stem, SCALE, together, sha256=sha256, precision="float32", backend=backend)
    # What half precision changes was measured on the published networks; of others on a processor nothing is known.
    half = precision == AUTO and (where.type == "cuda" or name in NETWORKS)
    network = load_network(path, where, half=half, backend=backend)
    # On a processor a batch is no faster, and alone a picture is the same to the bit whatever comes with it.
    cpu = where.type == "cpu"
    return Upscaler(
        path.stem,
        network.scale,
        network,
        sha256=sha256,
        batch=1 if cpu else 8,
        parallel=cpu,
        precision=network.precision,
        backend=network.backend,
    )


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
