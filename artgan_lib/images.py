"""The only place that knows value ranges, and Fig. 2's image conversion: numbers to pictures and to files.

Networks see float NCHW in [-1, 1]; everything else holds uint8 NHWC. Reading a training file is left to
`data.preprocessing`, naming and placing a result to `studio`.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from artgan_lib.errors import ArtganError

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
"""Formats a picture can be written in, and the ending of their files."""

_METADATA_KEY = "artgan"
_PNG_LEVEL = 3
"""Takes about a third of the time of Pillow's own level, 6, for files that are a seventh to a fifth larger."""
EXIF_DESCRIPTION = 0x010E


def to_float(images: "Tensor") -> "Tensor":
    """Map uint8 pictures (N, H, W, 3) to what networks see: float32 (N, 3, H, W) in [-1, 1], linearly."""
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def to_uint8(images: "Tensor", *, truncate: bool = False) -> np.ndarray:
    """Map float pictures (N, 3, H, W) in [-1, 1] to uint8 (N, H, W, 3), rounded to the nearest value.

    Values outside the range are clipped.

    Args:
        images: The pictures.
        truncate: Cut the fraction off instead, as the paper's author did.
    """
    import torch

    scaled = images.detach().float().add(1.0).mul_(127.5).clamp_(0, 255)
    whole = scaled.trunc_() if truncate else scaled.round_()
    return whole.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def truncated(images: np.ndarray) -> np.ndarray:
    """Return uint8 pictures after the author's way to [-1, 1] and back, where some values lose one to rounding."""
    values = np.arange(256, dtype=np.float32) / np.float32(127.5) - np.float32(1)
    table = ((values + np.float32(1)) * np.float32(127.5)).astype(np.uint8)
    found: np.ndarray = table[images]
    return found


def image_grid(images: np.ndarray, columns: int | None = None, gap: int = 2, background: int = 255) -> np.ndarray:
    """Lay pictures out row by row with a gap between them.

    Args:
        images: uint8, shape (N, H, W, 3), N at least 1.
        columns: Pictures in a row; the default makes the grid as square as it can be.
        gap: Pixels between and around the pictures.
        background: Grey value of the gaps, 0 to 255.

    Returns:
        One uint8 picture of shape (rows x (H + gap) + gap, columns x (W + gap) + gap, 3).
    """
    count, height, width, _ = images.shape
    columns = min(count, columns or int(np.ceil(np.sqrt(count))))
    rows = -(-count // columns)
    grid = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), background, dtype=np.uint8)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        grid[top : top + height, left : left + width] = image
    return grid


def fingerprint(images: np.ndarray) -> str:
    """Tell one set of pictures (N, H, W, 3) from another: a hash of its shape and of every pixel."""
    return _hash(images, range(len(images)))


def spot_fingerprint(images: np.ndarray) -> str:
    """Tell sets apart as `fingerprint` does, but quickly and not surely: by 256 pictures spread over the set."""
    return _hash(images, np.linspace(0, len(images) - 1, num=min(256, len(images))).astype(int))


def _hash(images: np.ndarray, indices: Iterable[int]) -> str:
    digest = hashlib.sha256(str(images.shape).encode())
    for index in indices:
        digest.update(images[index].tobytes())
    return digest.hexdigest()[:16]


def encode(
    image: np.ndarray,
    image_format: str,
    metadata: Mapping[str, Any] | None = None,
    quality: int = 95,
    *,
    lossless: bool = False,
) -> bytes:
    """Turn one picture into the bytes of a file that says how it was made.

    Args:
        image: uint8, shape (H, W, 3), or (H, W, 4) with transparency, which JPEG cannot hold.
        image_format: `png`, `jpeg` (without colour subsampling) or `webp`.
        metadata: JSON values, written as PNG text or as the EXIF image description of the other formats.
        quality: 1 to 100, of JPEG and WebP; PNG loses nothing.
        lossless: WebP without loss; quality then says how hard it tries to make the file small.

    Raises:
        ArtganError: If the format is unknown, the quality out of range, or the format cannot hold the picture.
    """
    if image_format not in FORMATS:
        raise ArtganError(f"there is no picture format {image_format!r}; there are {', '.join(FORMATS)}")
    if not 1 <= quality <= 100:
        raise ArtganError(f"quality must lie in 1 to 100, not {quality}")
    if lossless and image_format != "webp":
        raise ArtganError(f"lossless is a choice of webp, not of {image_format}")
    if image.shape[-1] == 4 and image_format == "jpeg":
        raise ArtganError("JPEG cannot hold transparency; take png or webp")
    text = json.dumps(metadata or {}, ensure_ascii=True)
    options: dict[str, Any] = {}
    if image_format == "png":
        options["pnginfo"] = info = PngImagePlugin.PngInfo()
        info.add_text(_METADATA_KEY, text)
        options["compress_level"] = _PNG_LEVEL
    else:
        options["exif"] = exif = Image.Exif()
        exif[EXIF_DESCRIPTION] = text
        options["quality"] = quality
        if image_format == "jpeg":
            options["subsampling"] = "4:4:4"
        else:
            options["lossless"] = lossless
    buffer = io.BytesIO()
    try:
        Image.fromarray(image).save(buffer, format=image_format, **options)
    except (OSError, ValueError) as error:  # WebP ends at 16,383 pixels a side, JPEG at 65,535
        size = " x ".join(map(str, image.shape[1::-1]))
        raise ArtganError(
            f"a picture of {size} pixels cannot be written as {image_format} ({error}); take png"
        ) from None
    return buffer.getvalue()


def read_metadata(path: Path | str) -> dict[str, Any]:
    """Read back what `encode` wrote into a picture; empty if the picture is not one of ours.

    Raises:
        ArtganError: If the file is not a picture.
    """
    try:
        with Image.open(path) as image:
            text = image.info.get(_METADATA_KEY) or image.getexif().get(EXIF_DESCRIPTION) or "{}"
    except UnidentifiedImageError:
        raise ArtganError(f"{path} is not a picture that can be read") from None
    except Image.DecompressionBombError as error:
        raise ArtganError(f"{path} has more pixels than any picture of ours ({error})") from None
    try:
        metadata = json.loads(text)
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}
