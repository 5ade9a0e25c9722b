"""A latent walk as a moving picture: GIF or WebP by Pillow, MP4 by PyAV, which is an extra of its own."""

import io
import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artgan_lib.errors import ArtganError
from artgan_lib.images import EXIF_DESCRIPTION
from artgan_lib.runlog import write_atomic

KINDS = (".gif", ".webp", ".mp4")


def check_animation(path: Path | str, fps: int) -> str:
    """Return the ending of a moving picture's file, if it can be written.

    Raises:
        ArtganError: If it is none of `KINDS`, its package is not installed, or the speed is out of range.
    """
    kind = Path(path).suffix.lower()
    if kind not in KINDS:
        raise ArtganError(f"{path} must end in one of {', '.join(KINDS)}")
    if Path(path).is_dir():
        raise ArtganError(f"{path} is a folder; name a file")
    fastest = 50 if kind == ".gif" else 60  # players slow a faster GIF down
    if not 1 <= fps <= fastest:
        raise ArtganError(f"a {kind[1:]} has 1 to {fastest} frames a second, not {fps}")
    if kind == ".mp4":
        try:
            import av  # noqa: F401
        except ImportError:
            raise ArtganError("MP4 needs the package av; pip install av, or write a .gif or .webp") from None
    return kind


def write_animation(
    frames: Iterable[np.ndarray], path: Path | str, fps: int = 24, about: Mapping[str, Any] | None = None
) -> Path:
    """Write frames as a moving picture that is played round and round, whole or not at all.

    Args:
        frames: uint8, shape (H, W, 3), all of one size, at least one; sides even for MP4. They are taken one by one.
        path: Ending in .gif (256 colours a frame), .webp or .mp4 (H.264).
        fps: Frames a second, 1 to 60; a GIF to 50.
        about: JSON values that are written into the file as a comment.

    Raises:
        ArtganError: If the ending or the speed is none of these, or there is no frame.
    """
    kind = check_animation(path, fps)
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ArtganError("a moving picture needs at least one frame")
    told, buffer = json.dumps(about or {}), io.BytesIO()
    pictures = itertools.chain([first], pictures)
    if kind == ".mp4":
        _write_mp4(pictures, first.shape, buffer, fps, told)
        return write_atomic(path, buffer.getvalue())
    # Frames last whole hundredths of a second (GIF) or thousandths; rounding is spread, so that the speed is right.
    unit = 10 if kind == ".gif" else 1
    images = [_small(Image.fromarray(picture), kind) for picture in pictures]
    ends = [round(number * 1000 / fps / unit) * unit for number in range(len(images) + 1)]
    options: dict[str, Any] = {"duration": [b - a for a, b in itertools.pairwise(ends)], "loop": 0, "save_all": True}
    if kind == ".gif":
        options["comment"] = told.encode()
    else:
        exif = Image.Exif()
        exif[EXIF_DESCRIPTION] = told
        options |= {"exif": exif, "quality": 90}
    images[0].save(buffer, format=kind[1:], append_images=images[1:], **options)
    return write_atomic(path, buffer.getvalue())


def _small(image: Image.Image, kind: str) -> Image.Image:
    """Bring a frame of a GIF to its 256 colours at once, so that it takes a third of the memory while others come."""
    return image.quantize(256) if kind == ".gif" else image


def _write_mp4(pictures: Iterable[np.ndarray], shape: tuple[int, ...], buffer: io.BytesIO, fps: int, told: str) -> None:
    import av

    with av.open(buffer, "w", format="mp4") as container:
        container.metadata["comment"] = told
        stream = container.add_stream("libx264", rate=fps, options={"crf": "16"})
        stream.height, stream.width = shape[:2]
        stream.pix_fmt = "yuv420p"  # what every player can show
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
