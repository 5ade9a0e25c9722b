"""From the bytes of a file to the pixels that networks are trained on, exactly as the paper does.

Every mode that Pillow knows becomes RGB; what cannot be read is told in one sentence. Owns the work on one file and the
threads that do it for many; what is kept of them is left to `data.preprocessing` and `data.survey`.
"""

import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageOps

from artgan_lib.config import IMAGE_SIZE
from artgan_lib.data.sources.base import Source

ORIENTATION = 0x0112  # EXIF's tag

MIN_SIDE = 16
"""Pixels that the shorter side of a painting must have."""

_AHEAD = 4
"""Files that are read ahead for each thread."""

Result = TypeVar("Result")


class Decoded(NamedTuple, Generic[Result]):
    """What became of one file."""

    result: Result | None  # None: it is quarantined
    sha256: str  # of the file's bytes
    reason: str | None  # why it is quarantined


def square_thumbnail(image: Image.Image, size: int = IMAGE_SIZE) -> np.ndarray:
    """Bring one picture to what the networks are trained on, as the paper does.

    The EXIF orientation is applied and the picture turned into RGB; then the surplus on both sides of the longer
    axis is cut and the square is resized by Pillow's bicubic filter. A picture that has the size already keeps its
    pixels.

    Args:
        image: Any picture that Pillow opens; of an animation, its first frame.
        size: Side of the result in pixels.

    Returns:
        uint8, shape (size, size, 3), RGB.
    """
    image = to_rgb(upright(image))
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = image if width == height else image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF orientation says; a damaged EXIF block says nothing."""
    image.load()
    try:
        # Pillow would copy a picture that stands upright.
        return ImageOps.exif_transpose(image) if image.getexif().get(ORIENTATION, 1) != 1 else image
    except Exception:
        return image


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn any of Pillow's modes into RGB.

    One that is RGB already is handed back as it is. Transparency is laid over white, 16 bits a channel are scaled to
    eight, LAB goes by its colour profile.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":  # first, for Pillow would clip them, not scale
        values = np.asarray(image, dtype=np.float64)
        if image.mode == "F":  # scientific pictures: 0 to 1, or 0 to 255
            values = values * (255 if np.nanmax(values) <= 1 else 1)
        elif image.mode != "I" or values.max() > 255:
            values = values / 257
        return Image.fromarray(np.nan_to_num(values).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None  # it is only for in-place conversion
        return converted
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def decode(content: bytes | Exception, size: int) -> Decoded[np.ndarray]:
    """Turn the bytes of one file into pixels, uint8 (size, size, 3), or say in one sentence why not."""
    return decode_with(content, lambda image: square_thumbnail(image, size))


def decode_with(
    content: bytes | Exception, work: Callable[[Image.Image], Result], min_side: int = MIN_SIDE
) -> Decoded[Result]:
    """Open the bytes of one file and work on the picture, or say in one sentence why that is not possible."""
    if isinstance(content, Exception):
        return Decoded(None, "", f"cannot be read: {_first_line(content)}")
    sha256 = hashlib.sha256(content).hexdigest()
    if not content:
        return Decoded(None, sha256, "the file is empty")
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            limit = Image.MAX_IMAGE_PIXELS or width * height
            if width * height > limit:
                reason = f"{width} x {height} pixels are more than {limit:,}, as in a decompression bomb"
                return Decoded(None, sha256, reason)
            if min(width, height) < min_side:
                return Decoded(None, sha256, f"only {width} x {height} pixels; each side needs {min_side}")
            return Decoded(work(image), sha256, None)
    except PIL.UnidentifiedImageError:
        return Decoded(None, sha256, "not a picture that Pillow can read")
    except Image.DecompressionBombError:
        return Decoded(None, sha256, "a decompression bomb: far more pixels than a painting has")
    except Exception as error:  # Pillow's readers raise almost anything on a damaged file
        return Decoded(None, sha256, f"damaged: {_first_line(error)}")


def map_files(
    source: Source,
    chosen: Sequence[int],
    work: Callable[[bytes | Exception], Result],
    workers: int | None = None,
) -> Iterator[tuple[int, Result]]:
    """Work on many files: read one after the other, worked on in threads, handed back in order, with flat memory.

    Threads are enough: Pillow and hashlib leave the interpreter's lock while they work.

    Args:
        source: An open collection.
        chosen: Numbers of its paintings.
        work: Gets the bytes of a file, or why it cannot be read; must not raise.
        workers: Threads; as many as there are cores by default.

    Yields:
        The number and the result of each file, in the order in which the source is read.
    """
    workers = workers or os.cpu_count() or 1
    waiting = deque[tuple[int, Future[Result]]]()
    with ThreadPoolExecutor(workers) as pool:
        for number, content in source.stream(chosen):
            waiting.append((number, pool.submit(work, content)))
            if len(waiting) > _AHEAD * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        for number, future in waiting:
            yield number, future.result()


def _first_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
