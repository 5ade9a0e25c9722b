"""A latent walk as a moving picture: GIF or WebP by Pillow, MP4 by PyAV, which is an extra of its own."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_atomic

KINDS = (".gif", ".webp", ".mp4")


def check_kind(path: Path | str) -> str:
    """Return the ending of a moving picture's file.

    Raises:
        ArtganError: If it is none of `KINDS`, or its package is not installed.
    """
    kind = Path(path).suffix.lower()
    if kind not in KINDS:
        raise ArtganError(f"{path} must end in one of {', '.join(KINDS)}")
    if kind == ".mp4":
        try:
            import av  # noqa: F401
        except ImportError:
            raise ArtganError("MP4 needs the package av; pip install av, or write a .gif or .webp") from None
    return kind


def write_animation(frames: Iterable[np.ndarray], path: Path | str, fps: int = 24) -> Path:
    """Write frames as a moving picture that is played round and round, whole or not at all.

    Args:
        frames: uint8, shape (H, W, 3), all of one size, at least one; sides even for MP4.
        path: Ending in .gif (256 colours a frame), .webp or .mp4 (H.264).
        fps: Frames a second, 1 to 60.

    Raises:
        ArtganError: If the ending or the speed is none of these, or there is no frame.
    """
    kind = check_kind(path)
    if not 1 <= fps <= 60:
        raise ArtganError(f"a moving picture has 1 to 60 frames a second, not {fps}")
    pictures = list(frames)
    if not pictures:
        raise ArtganError("a moving picture needs at least one frame")
    buffer = io.BytesIO()
    if kind == ".mp4":
        _write_mp4(pictures, buffer, fps)
    else:
        first, *rest = (Image.fromarray(picture) for picture in pictures)
        options = {"save_all": True, "append_images": rest, "duration": round(1000 / fps), "loop": 0}
        first.save(buffer, format=kind[1:], **options, **({"quality": 90} if kind == ".webp" else {}))
    return write_atomic(path, buffer.getvalue())


def _write_mp4(pictures: list[np.ndarray], buffer: io.BytesIO, fps: int) -> None:
    import av

    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "16"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"  # what every player can show
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
