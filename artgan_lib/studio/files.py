"""Enlarging pictures that are on the disk already: any file or folder, any size, with transparency."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from artgan_lib.data.decoding import decode_with, to_rgb, upright
from artgan_lib.errors import ArtganError
from artgan_lib.images import encode
from artgan_lib.runlog import write_atomic
from artgan_lib.studio.upscaling import Upscaler

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
LARGEST = 2**28
"""Pixels of a result at most: 16,384 x 16,384, which takes some 5 GB while it is made."""


class Enlarged(NamedTuple):
    """What became of one file."""

    source: Path
    result: Path | None
    reason: str  # why there is no result; empty if there is


def enlarge_picture(image: np.ndarray, upscaler: Upscaler, *, scale: int = 0, size: int = 0) -> np.ndarray:
    """Enlarge one picture.

    Args:
        image: uint8, shape (H, W, 3) or (H, W, 4); transparency is enlarged by bicubic interpolation.
        upscaler: From `load_upscaler`.
        scale: How many times a side becomes larger, 2 to 64; or
        size: Pixels of the longer side. Either is reached from above, by Lanczos, where it is not met exactly.

    Raises:
        ArtganError: If not exactly one of the two is given, the picture is that large already, or the result is too
            large.
    """
    height, width = image.shape[:2]
    if (scale > 0) == (size > 0):
        raise ArtganError("give either a scale or a size")
    if scale and not 2 <= scale <= 64:
        raise ArtganError(f"the scale must lie in 2 to 64, not {scale}")
    factor = scale or size / max(height, width)
    if factor <= 1:
        raise ArtganError(f"it is {width} x {height} pixels, so as large as {size} already")
    sides = (max(1, round(width * factor)), max(1, round(height * factor)))
    passes = next(n for n in itertools.count(1) if upscaler.scale**n >= factor)
    if max(sides[0] * sides[1], width * height * upscaler.scale ** (2 * passes)) > LARGEST:
        raise ArtganError(f"{sides[0]} x {sides[1]} pixels are more than the {LARGEST:,} that can be made")
    result = upscaler.to_scale(np.ascontiguousarray(image[..., :3]), upscaler.scale**passes)
    if result.shape[1::-1] != sides:
        result = np.asarray(Image.fromarray(result).resize(sides, Image.Resampling.LANCZOS))
    if image.shape[-1] == 4:
        alpha = np.asarray(Image.fromarray(image[..., 3]).resize(sides, Image.Resampling.BICUBIC))
        result = np.dstack([result, alpha])
    return result


def enlarge_files(
    source: Path,
    out: Path,
    upscaler: Upscaler,
    *,
    scale: int = 0,
    size: int = 0,
    image_format: str = "png",
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Enlarged]:
    """Enlarge a picture, or all pictures of a folder and the folders in it, into a folder.

    Args:
        source: File or folder.
        out: Folder of the results, which keep their names and places; with another ending if the format asks for it.
        upscaler: From `load_upscaler`.
        scale: As in `enlarge_picture`.
        size: As in `enlarge_picture`.
        image_format: `png`, `jpeg` or `webp`.
        overwrite: Replace results that are there.
        progress: Told of each file that is done, and of how many there are.

    Yields:
        What became of each file; one that cannot be enlarged does not stop the others.

    Raises:
        ArtganError: If there is no such source, or it holds no pictures.
    """
    if not source.exists():
        raise ArtganError(f"there is no picture or folder {source}")
    base = source if source.is_dir() else source.parent
    paths = [source]
    if source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in ENDINGS)
    if not paths:
        raise ArtganError(f"{source} holds no pictures; known endings are {', '.join(sorted(ENDINGS))}")
    ending = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}[image_format]
    for number, path in enumerate(paths, 1):
        target = out / path.relative_to(base).with_suffix(ending)
        try:
            if target.exists() and not overwrite:
                raise ArtganError(f"{target} is there already; add --overwrite")
            found = decode_with(path.read_bytes(), read_picture, min_side=1)
            if found.result is None:
                raise ArtganError(found.reason or "")
            enlarged = enlarge_picture(found.result, upscaler, scale=scale, size=size)
            if image_format == "jpeg":
                enlarged = enlarged[..., :3]
            about = {"source": path.name, "upscaler": upscaler.name, "upscaler_sha256": upscaler.sha256}
            write_atomic(target, encode(enlarged, image_format, about))
            yield Enlarged(path, target, "")
        except ArtganError as error:
            yield Enlarged(path, None, str(error))
        progress(number, len(paths))


def read_picture(image: Image.Image) -> np.ndarray:
    """Return a decoded picture as uint8 (H, W, 3), or (H, W, 4) where any of it is transparent."""
    image = upright(image)
    rgb = np.asarray(to_rgb(image))
    if not image.has_transparency_data:
        return rgb
    alpha = np.asarray(image.convert("RGBA"))[..., 3]
    if alpha.min() == 255:
        return rgb
    colours = np.asarray(image.convert("RGBA"))[..., :3]  # not laid on white, which would show at soft edges
    return np.dstack([colours, alpha])
