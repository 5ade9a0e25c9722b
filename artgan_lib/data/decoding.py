"""From the bytes of one file to the pixels that networks are trained on, exactly as the paper does.

Every mode that Pillow knows becomes RGB; what cannot be read is told in one sentence. What is done with many files is
left to `data.preprocessing`.
"""

import hashlib
import io
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import PIL
import simplejpeg
from PIL import Image, ImageCms, ImageOps

from artgan_lib.config import IMAGE_SIZE

ORIENTATION = 0x0112  # EXIF's tag

MIN_SIDE = 16
"""Pixels that the shorter side of a painting must have."""

_JPEG = b"\xff\xd8\xff"  # how such a file begins
_SCAN, _METADATA = 0xDA, (0xE1, 0xE2)  # markers: where pixels begin; EXIF and XMP, a colour profile
_PLAIN_PIXELS = 1 << 24
"""Pixels up to which a file is decoded before it is looked at any closer."""

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
        with _open(content) as image:
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


def _open(content: bytes) -> Image.Image:
    """Open the bytes of one file as Pillow does.

    A JPEG file without metadata, as data sets are full of, goes another way to the same pixels: Pillow holds the
    interpreter's lock while it reads the head of a file, so that threads would wait for each other.
    """
    if _is_plain_jpeg(content):
        with suppress(ValueError):  # Pillow then says what is wrong, or reads it all the same
            height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
            if colours == "YCbCr" and width * height <= _PLAIN_PIXELS:
                pixels = simplejpeg.decode_jpeg(content, "RGBX", strict=True)  # with the gap that Pillow has
                return Image.frombytes("RGB", (width, height), pixels, "raw", "RGBX")
    return Image.open(io.BytesIO(content))


def _is_plain_jpeg(content: bytes) -> bool:
    """Tell whether a file is JPEG and has neither EXIF nor XMP nor a colour profile."""
    place = 2
    while content.startswith(_JPEG) and place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == _SCAN:
            return True
        if not 0xC0 <= marker <= 0xFE or marker in _METADATA:
            return False
        place += 2 + int.from_bytes(content[place + 2 : place + 4])
    return False


def _first_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
