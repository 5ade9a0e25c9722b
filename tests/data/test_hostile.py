"""A folder of hostile files: what each gets, in one table."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib.data.decoding import decode

Make = Callable[[], bytes]
RAMP = (np.indices((40, 60)).sum(0)[..., None] * [2, 3, 4] % 256).astype(np.uint8)


def saved(
    mode: str = "RGB", image_format: str = "png", size: tuple[int, int] | None = None, **options: object
) -> bytes:
    image = Image.fromarray(RAMP)
    if size is not None:
        image = Image.new("RGB", size, (90, 120, 150))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, image_format, **options)
    return buffer.getvalue()


def from_array(array: np.ndarray, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, image_format, **options)
    return buffer.getvalue()


def frames(image_format: str) -> bytes:
    buffer = io.BytesIO()
    red, blue = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    red.save(buffer, image_format, save_all=True, append_images=[blue])
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb_png(side: int) -> bytes:
    """A PNG that claims a giant size and holds almost nothing."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + png_chunk(b"IDAT", zlib.compress(b""))
        + png_chunk(b"IEND", b"")
    )


def clear(mode: str) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (40, 40), 0).save(buffer, "png")
    return buffer.getvalue()


def transparent_palette() -> bytes:
    buffer = io.BytesIO()
    image = Image.new("P", (40, 40), 0)
    image.putpalette([10, 20, 30] * 256)
    image.save(buffer, "png", transparency=0)
    return buffer.getvalue()


def lab() -> bytes:
    values = np.zeros((40, 40, 3), np.uint8)
    values[..., 0], values[..., 1:] = 255, 0  # L = 100; a and b are stored signed, so 0 is neutral: white
    buffer = io.BytesIO()
    Image.frombytes("LAB", (40, 40), values.tobytes()).save(buffer, "tiff")
    return buffer.getvalue()


def turned(orientation: int) -> bytes:
    array = np.zeros((40, 40, 3), np.uint8)
    array[:20] = 255  # white above
    exif = Image.Exif()
    exif[0x0112] = orientation
    return from_array(array, "png", exif=exif)


def flipped(content: bytes, at: float) -> bytes:
    place = int(len(content) * at)
    return content[:place] + bytes(byte ^ 255 for byte in content[place : place + 8]) + content[place + 8 :]


def grey16(value: int) -> bytes:
    return from_array(np.full((40, 40), value, np.uint16), "png")


# Read: name -> (file, colour of the middle pixel within 3, None: any colour).
READ: dict[str, tuple[Make, tuple[int, int, int] | None]] = {
    "png": (lambda: saved(size=(40, 40)), (90, 120, 150)),
    "jpeg": (lambda: saved(image_format="jpeg", size=(40, 40)), (90, 120, 150)),
    "webp": (lambda: saved(image_format="webp", size=(40, 40), lossless=True), (90, 120, 150)),
    "bmp": (lambda: saved(image_format="bmp", size=(40, 40)), (90, 120, 150)),
    "gif": (lambda: saved(image_format="gif", size=(40, 40)), (90, 120, 150)),
    "tiff": (lambda: saved(image_format="tiff", size=(40, 40)), (90, 120, 150)),
    "ppm": (lambda: saved(image_format="ppm", size=(40, 40)), (90, 120, 150)),
    "progressive jpeg": (lambda: saved(image_format="jpeg", size=(40, 40), progressive=True), (90, 120, 150)),
    "grey": (lambda: saved("L", size=(40, 40)), (114, 114, 114)),
    "grey jpeg": (lambda: saved("L", "jpeg", size=(40, 40)), (114, 114, 114)),
    "one bit": (lambda: saved("1"), None),
    "palette": (lambda: saved("P", size=(40, 40)), None),
    "cmyk jpeg": (lambda: saved("CMYK", "jpeg", size=(40, 40)), (90, 120, 150)),
    "cmyk tiff": (lambda: saved("CMYK", "tiff", size=(40, 40)), (90, 120, 150)),
    "ycbcr tiff": (lambda: saved("YCbCr", "tiff", size=(40, 40)), (90, 120, 150)),
    "lab tiff": (lab, (255, 255, 255)),
    "clear rgba over white": (lambda: clear("RGBA"), (255, 255, 255)),
    "clear grey with alpha over white": (lambda: clear("LA"), (255, 255, 255)),
    "clear palette over white": (transparent_palette, (255, 255, 255)),
    "16-bit grey": (lambda: grey16(0x8080), (128, 128, 128)),
    "16-bit grey, dark": (lambda: grey16(255), (1, 1, 1)),
    "32-bit grey": (lambda: from_array(np.full((40, 40), 200, np.int32), "tiff"), (200, 200, 200)),
    "floating point 0 to 1": (lambda: from_array(np.full((40, 40), 0.5, np.float32), "tiff"), (128, 128, 128)),
    "floating point with nan": (lambda: from_array(np.full((40, 40), np.nan, np.float32), "tiff"), (0, 0, 0)),
    "animated gif, first frame": (lambda: frames("gif"), (255, 0, 0)),
    "animated webp, first frame": (lambda: frames("webp"), (255, 0, 0)),
    "animated png, first frame": (lambda: frames("png"), (255, 0, 0)),
    "tiff of several pages, first one": (lambda: frames("tiff"), (255, 0, 0)),
    "exif orientation 3": (lambda: turned(3), None),
    "exif orientation out of range": (lambda: turned(99), None),
    "damaged exif": (lambda: saved(image_format="jpeg", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"), None),
    "bytes after its end": (lambda: saved(size=(40, 40)) + b"<script>", (90, 120, 150)),
    "very wide": (lambda: saved(size=(3000, 16)), (90, 120, 150)),
}

# Quarantined: name -> (file, sentence).
QUARANTINED: dict[str, tuple[Make, str]] = {
    "empty": (lambda: b"", "the file is empty"),
    "text": (lambda: b"bought in 1888\n", "not a picture that Pillow can read"),
    "html of an error page": (lambda: b"<!DOCTYPE html><h1>404</h1>", "not a picture that Pillow can read"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture that Pillow can read"),
    "zeros": (lambda: bytes(4096), "not a picture that Pillow can read"),
    "an executable": (lambda: b"\x7fELF" + bytes(200), "not a picture that Pillow can read"),
    "a zip": (lambda: b"PK\x03\x04" + bytes(100), "not a picture that Pillow can read"),
    "only a png signature": (lambda: b"\x89PNG\r\n\x1a\n", "not a picture that Pillow can read"),
    "only a jpeg signature": (lambda: b"\xff\xd8\xff\xe0", "not a picture that Pillow can read"),
    "half a png": (lambda: saved()[: len(saved()) // 2], "damaged: "),
    "half a jpeg": (lambda: saved(image_format="jpeg", quality=95)[:900], "damaged: image file is truncated"),
    "half a webp": (lambda: saved(image_format="webp")[:60], ""),
    "half a tiff": (lambda: saved(image_format="tiff")[:500], "damaged: "),
    "flipped bytes in a png": (lambda: flipped(saved(), 0.5), "damaged: "),
    "png without pixels": (lambda: bomb_png(40), "damaged: "),
    "one pixel wide": (lambda: saved(size=(1, 9000)), "only 1 x 9000 pixels; each side needs 16"),
    "one pixel": (lambda: saved(size=(1, 1)), "only 1 x 1 pixels; each side needs 16"),
    "fifteen pixels high": (lambda: saved(size=(400, 15)), "only 400 x 15 pixels; each side needs 16"),
    "bomb": (lambda: bomb_png(10_000), "10000 x 10000 pixels are more than 89,478,485, as in a decompression bomb"),
    "giant bomb": (lambda: bomb_png(60_000), "a decompression bomb: far more pixels than a painting has"),
    "a gif that ends after its head": (lambda: b"GIF89a" + bytes(3), "not a picture that Pillow can read"),
}


def test_the_table_has_forty_kinds() -> None:
    assert len(READ) + len(QUARANTINED) >= 50


@pytest.mark.filterwarnings("ignore")  # as `prepare` does: odd metadata is no reason to stop
@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str) -> None:
    make, colour = READ[name]
    pixels, sha256, reason = decode(make(), 64)
    assert reason is None
    assert len(sha256) == 64
    assert pixels is not None
    assert (pixels.shape, pixels.dtype) == ((64, 64, 3), np.uint8)
    if colour is not None:
        assert np.abs(pixels[32, 32].astype(int) - colour).max() <= 3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", QUARANTINED)
def test_what_is_quarantined_and_why(name: str) -> None:
    make, sentence = QUARANTINED[name]
    pixels, _, reason = decode(make(), 64)
    assert pixels is None
    assert reason is not None
    assert reason.startswith(sentence)
    assert "\n" not in reason


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(orientation: int) -> None:
    pixels, _, _ = decode(turned(orientation), 64)
    assert pixels is not None
    white = {1: pixels[:20], 2: pixels[:20], 3: pixels[-20:], 4: pixels[-20:]}
    white |= {5: pixels[:, :20], 6: pixels[:, -20:], 7: pixels[:, -20:], 8: pixels[:, :20]}
    assert white[orientation].min() == 255


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    assert decode(PermissionError(13, "Permission denied"), 64).reason == "cannot be read: Permission denied"
