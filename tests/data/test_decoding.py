"""A plain JPEG file goes a quicker way; it must come out as from Pillow, to the last bit and the last word."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from artgan_lib import synthetic_paintings
from artgan_lib.data import decoding
from artgan_lib.data.decoding import decode, decode_with

PICTURE = Image.fromarray(synthetic_paintings(1, size=96, seed=7)[0][0]).crop((0, 3, 91, 86))  # no side fits blocks

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[decoding.ORIENTATION] = value
    return exif


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    PICTURE.convert(mode).save(buffer, "jpeg", **options)
    return buffer.getvalue()


def by_pillow(content: bytes, monkeypatch: pytest.MonkeyPatch) -> decoding.Decoded[np.ndarray]:
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "_open", lambda content: Image.open(io.BytesIO(content)))
        return decode(content, 64)


def same(one: decoding.Decoded[np.ndarray], other: decoding.Decoded[np.ndarray]) -> bool:
    if one.result is None or other.result is None:
        return one == other
    return np.array_equal(one.result, other.result) and one[1:] == other[1:]


@pytest.mark.parametrize(
    ("quick", "content"),
    [
        (True, jpeg()),
        (True, jpeg(quality=5)),
        (True, jpeg(quality=100, subsampling=0)),
        (True, jpeg(subsampling=1)),
        (True, jpeg(progressive=True)),
        (True, jpeg(optimize=True, restart_marker_blocks=2)),
        (True, jpeg(comment="bought in 1888", dpi=(300, 300))),
        (True, jpeg() + b"<script>"),
        (False, jpeg("L")),
        (False, jpeg("CMYK")),
        (False, jpeg(keep_rgb=True)),
        (False, jpeg(exif=oriented(1))),
        (False, jpeg(xmp=b"<x:xmpmeta/>")),
        (False, jpeg(icc_profile=PROFILE)),
    ],
)
def test_every_kind_of_jpeg_has_pillows_pixels(quick: bool, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    image = decoding._open(content)
    assert (image.format is None) == quick  # Pillow's own reader names the format
    assert np.array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(content))))
    assert same(decode(content, 64), by_pillow(content, monkeypatch))


def test_damaged_files_are_told_in_pillows_words(monkeypatch: pytest.MonkeyPatch) -> None:
    random, content, told = np.random.default_rng(3), jpeg(progressive=True), set()
    for _ in range(300):
        spoilt = np.frombuffer(content, np.uint8).copy()
        places = random.integers(0, len(spoilt) if random.random() < 0.5 else 700, 3)
        spoilt[places] = random.integers(0, 256, 3)
        cut = spoilt[: len(spoilt) if random.random() < 0.7 else random.integers(0, len(spoilt))].tobytes()
        found = decode(cut, 64)
        assert same(found, by_pillow(cut, monkeypatch))
        told.add(found.reason)
    assert len(told) > 5
    assert None in told


def test_orientation_and_colour_profile_are_not_passed_by() -> None:
    turned, upright = (decode(jpeg(exif=oriented(value), quality=95), 64).result for value in (3, 1))
    assert turned is not None
    assert upright is not None
    assert np.abs(turned[::-1, ::-1].astype(int) - upright).mean() < 2
    assert decode_with(jpeg(icc_profile=PROFILE), lambda image: image.info["icc_profile"]).result == PROFILE


def test_large_files_are_looked_at_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_PLAIN_PIXELS", 91 * 83 - 1)
    assert decoding._open(jpeg()).format == "JPEG"
