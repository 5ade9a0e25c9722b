from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from artgan_lib import ArtganError, image_grid, read_metadata
from artgan_lib.images import FORMATS, encode, to_float, to_uint8


def test_range_ends_and_round_trip() -> None:
    every = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).expand(-1, -1, -1, 3)
    values = to_float(every)
    assert values.shape == (1, 3, 16, 16)
    assert values.min() == -1
    assert values.max() == 1
    assert np.array_equal(to_uint8(values), every.numpy())


def test_to_uint8_rounds_and_clips() -> None:
    # -1 + 2 * 0.4 / 255 is 0.4 above black and rounds down; 0.6 rounds up; beyond the range is clipped.
    values = torch.tensor([-1 + 2 * 0.4 / 255, -1 + 2 * 0.6 / 255, -3.0, 3.0]).view(1, 1, 2, 2).expand(-1, 3, -1, -1)
    assert to_uint8(values)[0, :, :, 0].tolist() == [[0, 1], [0, 255]]


def test_grid_places_pictures_row_by_row() -> None:
    images = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    grid = image_grid(images, columns=3, gap=1, background=255)
    assert grid.shape == (2 * 5 + 1, 3 * 5 + 1, 3)
    assert [grid[1 + 5 * (i // 3), 1 + 5 * (i % 3), 0] for i in range(5)] == [1, 2, 3, 4, 5]
    assert (grid[0] == 255).all()
    assert (grid[6:10, 11:15] == 255).all()  # the empty cell


@pytest.mark.parametrize("image_format", FORMATS)
def test_metadata_comes_back_from_every_format(image_format: str, tmp_path: Path) -> None:
    recipe = {"seed": 7, "number": 3, "model": "ü.safetensors"}
    path = tmp_path / f"picture{FORMATS[image_format]}"
    path.write_bytes(encode(np.full((8, 8, 3), 100, np.uint8), image_format, recipe))
    assert read_metadata(path) == recipe


def test_a_picture_that_pillow_calls_a_bomb_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ArtganError, match=r"large\.png has more pixels than any picture of ours"):
        read_metadata(tmp_path / "large.png")


def test_png_keeps_every_pixel_and_jpeg_keeps_colour_resolution(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    path = tmp_path / "picture.png"
    path.write_bytes(encode(image, "png"))
    assert np.array_equal(np.asarray(Image.open(path)), image)
    path.write_bytes(encode(image, "jpeg"))
    with Image.open(path) as jpeg:
        assert {layer[1:3] for layer in jpeg.layer} == {(1, 1)}  # 4:4:4: no component is sampled more coarsely


def test_same_picture_same_bytes() -> None:
    image = np.full((8, 8, 3), 7, np.uint8)
    for image_format in FORMATS:
        assert encode(image, image_format, {"a": 1}) == encode(image, image_format, {"a": 1})


def test_what_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(ArtganError, match="no picture format 'gif'; there are png, jpeg, webp"):
        encode(image, "gif")
    with pytest.raises(ArtganError, match="quality must lie in 1 to 100, not 0"):
        encode(image, "jpeg", quality=0)
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    with pytest.raises(ArtganError, match="is not a picture"):
        read_metadata(text)
    Image.fromarray(image).save(tmp_path / "foreign.png")
    assert read_metadata(tmp_path / "foreign.png") == {}
