"""Enlarging pictures that are on the disk already: any file or folder, any size, with transparency."""

import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from artgan_lib.data.decoding import decode_with, to_rgb, upright
from artgan_lib.errors import ArtganError
from artgan_lib.images import FORMATS, encode, read_metadata
from artgan_lib.runlog import write_atomic
from artgan_lib.studio.pipeline import versions
from artgan_lib.studio.upscaling import Upscaler

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
LARGEST = Image.MAX_IMAGE_PIXELS or 2**28
"""Pixels of a result at most, about 9,459 x 9,459: Pillow takes larger files for decompression bombs, and so do we."""
LARGEST_ON_THE_WAY = 2**28
"""Pixels at most before the last step, which makes smaller: 16,384 x 16,384, which takes some 10 GB."""


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
    check_wanted(scale, size)
    factor = scale or size / max(height, width)
    if factor <= 1:
        raise ArtganError(f"it is {width} x {height} pixels, so as large as {size} already")
    sides = (max(1, round(width * factor)), max(1, round(height * factor)))
    passes = _passes(upscaler, factor)
    if sides[0] * sides[1] > LARGEST or width * height * upscaler.scale ** (2 * passes) > LARGEST_ON_THE_WAY:
        raise ArtganError(f"{sides[0]} x {sides[1]} pixels are more than the {LARGEST:,} that can be made")
    result = upscaler.to_scale(np.ascontiguousarray(image[..., :3]), upscaler.scale**passes)
    if result.shape[1::-1] != sides:
        result = np.asarray(Image.fromarray(result).resize(sides, Image.Resampling.LANCZOS))
    if image.shape[-1] == 4:
        alpha = np.asarray(Image.fromarray(image[..., 3]).resize(sides, Image.Resampling.BICUBIC))
        result = np.dstack([result, alpha])
    return result


def _passes(upscaler: Upscaler, factor: float) -> int:
    """Return how often an upscaler has to run until a side is so many times larger."""
    return next(passes for passes in itertools.count(1) if upscaler.scale**passes >= factor)


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
    check_wanted(scale, size)
    if not source.exists():
        raise ArtganError(f"there is no picture or folder {source}")
    if not source.is_dir() and out.suffix.lower() in ENDINGS:
        raise ArtganError(f"{out} is the name of a picture; name a folder for the result")
    if source.is_dir() and source.resolve() == out.resolve():
        raise ArtganError(f"{out} is the folder of the pictures themselves; name another one for the results")
    base = source if source.is_dir() else source.parent
    paths = [source] if not source.is_dir() else _pictures(source, out)
    if not paths:
        raise ArtganError(f"{source} holds no pictures; known endings are {', '.join(sorted(ENDINGS))}")
    targets = _targets([path.relative_to(base) for path in paths], FORMATS[image_format])
    sources = {path.resolve() for path in paths}
    for number, (path, name) in enumerate(zip(paths, targets, strict=True), 1):
        try:
            target = out / name
            _enlarge_file(path, target, sources, upscaler, scale, size, image_format, overwrite)
            yield Enlarged(path, target, "")
        except (ArtganError, OSError) as error:
            yield Enlarged(path, None, str(error))
        progress(number, len(paths))


def check_wanted(scale: int, size: int) -> None:
    """Check what is asked for, before anything is loaded.

    Raises:
        ArtganError: If not exactly one of the two is given, or it is out of range.
    """
    if (scale != 0) == (size != 0):
        raise ArtganError("give either a scale or a size")
    if scale and not 2 <= scale <= 64:
        raise ArtganError(f"the scale must lie in 2 to 64, not {scale}")
    if size < 0:
        raise ArtganError(f"the size must be positive, not {size}")


def _pictures(folder: Path, out: Path) -> list[Path]:
    """Return the pictures of a folder and those in it, but for what lies in the folder of the results."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and not path.is_dir())
    return sorted(path for path in found if not path.resolve().is_relative_to(out.resolve()))


def _targets(names: list[Path], ending: str) -> list[Path]:
    """Name the results; where two would have one name, on any system, the old ending stays in it."""
    taken = Counter(str(name.with_suffix("")).casefold() for name in names)
    return [
        name.with_suffix(ending)
        if taken[str(name.with_suffix("")).casefold()] == 1
        else name.with_name(f"{name.name}{ending}")
        for name in names
    ]


def _enlarge_file(
    path: Path, target: Path, sources: set[Path], upscaler: Upscaler, scale: int, size: int, kind: str, overwrite: bool
) -> None:
    if target.resolve() in sources:
        raise ArtganError(f"{target} would take the place of a source; name another folder")
    if target.exists() and not overwrite:
        raise ArtganError(f"{target} is there already; add --overwrite")
    found = decode_with(path.read_bytes(), read_picture, min_side=1)
    if found.result is None:
        raise ArtganError(found.reason or "")
    enlarged = enlarge_picture(found.result, upscaler, scale=scale, size=size)
    if kind == "jpeg" and enlarged.shape[-1] == 4:  # JPEG knows no transparency: it is laid over white
        white = Image.new("RGBA", enlarged.shape[1::-1], "white")
        enlarged = np.asarray(Image.alpha_composite(white, Image.fromarray(enlarged)).convert("RGB"))
    passes = _passes(upscaler, scale or size / max(found.result.shape[:2]))
    about: dict[str, Any] = {"source": path.name, "scale": scale or None, "size": size or None}
    about |= upscaler.about(passes) | {"of": read_metadata(path)} | versions()
    write_atomic(target, encode(enlarged, kind, about))


def read_picture(image: Image.Image) -> np.ndarray:
    """Return a decoded picture as uint8 (H, W, 3), or (H, W, 4) where any of it is transparent."""
    image = upright(image)
    if image.mode.startswith("I") or image.mode == "F" or not image.has_transparency_data:
        return np.asarray(_to_srgb(image))
    rgba = np.asarray(image.convert("RGBA"))
    if rgba[..., 3].min() == 255:
        return np.asarray(_to_srgb(image))
    return rgba  # not laid on white, which would show at soft edges


def _to_srgb(image: Image.Image) -> Image.Image:
    """Turn a picture into sRGB by its colour profile, if it has one that can be used."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, io.BytesIO(profile), srgb, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile says nothing
    return to_rgb(image)
