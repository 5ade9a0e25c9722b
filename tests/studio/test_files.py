from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib import ArtganError, load_upscaler, read_metadata, synthetic_paintings
from artgan_lib.studio.files import LARGEST, enlarge_files, enlarge_picture
from artgan_lib.studio.upscaling import Upscaler


@pytest.fixture
def bicubic() -> Upscaler:
    return load_upscaler("bicubic")


@pytest.fixture
def picture() -> np.ndarray:
    return synthetic_paintings(1, seed=2)[0][0][:40]


@pytest.mark.parametrize(
    ("wanted", "sides"),
    [
        ({"scale": 4}, (256, 160)),
        ({"scale": 2}, (128, 80)),
        ({"scale": 3}, (192, 120)),
        ({"scale": 16}, (1024, 640)),
        ({"size": 256}, (256, 160)),
        ({"size": 100}, (100, 62)),
    ],
)
def test_any_scale_or_size_is_met_exactly(
    wanted: dict[str, int], sides: tuple[int, int], picture: np.ndarray, bicubic: Upscaler
) -> None:
    assert enlarge_picture(picture, bicubic, **wanted).shape == (*sides[::-1], 3)


def test_transparency_is_enlarged_with_the_picture(picture: np.ndarray, bicubic: Upscaler) -> None:
    alpha = np.zeros((40, 64), np.uint8)
    alpha[:, 32:] = 255
    enlarged = enlarge_picture(np.dstack([picture, alpha]), bicubic, scale=4)
    assert enlarged.shape == (160, 256, 4)
    assert np.array_equal(enlarged[..., :3], enlarge_picture(picture, bicubic, scale=4))
    assert enlarged[:, :100, 3].max() == 0
    assert enlarged[:, 150:, 3].min() == 255


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({}, "give either a scale or a size"),
        ({"scale": 2, "size": 256}, "give either a scale or a size"),
        ({"scale": 1}, "the scale must lie in 2 to 64, not 1"),
        ({"scale": 65}, "the scale must lie in 2 to 64, not 65"),
        ({"size": 64}, "it is 64 x 40 pixels, so as large as 64 already"),
        ({"size": 1_000_000}, "pixels are more than the"),
    ],
)
def test_what_makes_no_sense_is_refused(
    wanted: dict[str, int], sentence: str, picture: np.ndarray, bicubic: Upscaler
) -> None:
    with pytest.raises(ArtganError, match=sentence):
        enlarge_picture(picture, bicubic, **wanted)


def test_a_folder_keeps_its_order_and_names_what_was_left_out(
    picture: np.ndarray, bicubic: Upscaler, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    Image.fromarray(picture).save(source / "a.png")
    Image.fromarray(picture).convert("CMYK").save(source / "deep" / "b.jpg")
    Image.fromarray(np.dstack([picture, picture[..., 0]])).save(source / "deep" / "c ü.webp", lossless=True)
    Image.fromarray(picture[:1, :1]).save(source / "dot.png")
    (source / "broken.png").write_bytes(b"\x89PNG nothing")
    (source / "notes.txt").write_text("no picture")
    heard: list[tuple[int, int]] = []
    found = list(enlarge_files(source, out, bicubic, scale=4, progress=lambda done, total: heard.append((done, total))))
    assert [(item.source.name, item.reason) for item in found if not item.result] == [
        ("broken.png", "not a picture that Pillow can read")
    ]
    assert heard[-1] == (5, 5)
    kinds = {}
    for path in sorted(out.rglob("*.png")):
        with Image.open(path) as image:
            kinds[path.relative_to(out).as_posix()] = (image.size, image.mode)
    assert kinds == {
        "a.png": ((256, 160), "RGB"),
        "deep/b.png": ((256, 160), "RGB"),
        "deep/c ü.png": ((256, 160), "RGBA"),
        "dot.png": ((4, 4), "RGB"),
    }
    assert read_metadata(out / "a.png")["upscaler"] == "bicubic"
    again = list(enlarge_files(source / "a.png", out, bicubic, scale=4))
    assert "is there already; add --overwrite" in again[0].reason


def test_the_largest_result_is_one_that_can_be_read_again(bicubic: Upscaler, tmp_path: Path) -> None:
    assert (Image.MAX_IMAGE_PIXELS or LARGEST) >= LARGEST
    Image.new("L", (4, 600_000)).save(tmp_path / "long.png")  # 38 megapixels; once more, 154
    (once,) = enlarge_files(tmp_path / "long.png", tmp_path / "out", bicubic, scale=4)
    assert once.result is not None
    assert read_metadata(once.result)["scale"] == 4
    (twice,) = enlarge_files(once.result, tmp_path / "twice", bicubic, scale=2)
    assert twice.reason == "32 x 4800000 pixels are more than the 89,478,485 that can be made"


def test_a_source_that_is_not_there_or_holds_nothing_is_refused(bicubic: Upscaler, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="there is no picture or folder"):
        list(enlarge_files(tmp_path / "nothing", tmp_path / "out", bicubic, scale=4))
    with pytest.raises(ArtganError, match="holds no pictures"):
        list(enlarge_files(tmp_path, tmp_path / "out", bicubic, scale=4))


def test_nothing_takes_the_place_of_a_source_or_of_another_result(
    picture: np.ndarray, bicubic: Upscaler, tmp_path: Path
) -> None:
    for name in ("a.png", "a.jpg", "A.webp", "b.png"):
        Image.fromarray(picture).save(tmp_path / name)
    before = (tmp_path / "b.png").read_bytes()
    with pytest.raises(ArtganError, match="is the folder of the pictures themselves"):
        list(enlarge_files(tmp_path, tmp_path, bicubic, scale=2, overwrite=True))
    (one,) = enlarge_files(tmp_path / "b.png", tmp_path, bicubic, scale=2, overwrite=True)
    assert "would take the place of a source" in one.reason
    assert (tmp_path / "b.png").read_bytes() == before
    for number in range(2):  # the second time the results lie inside the source, and are not enlarged again
        inside = list(enlarge_files(tmp_path, tmp_path / "out", bicubic, scale=2, overwrite=True))
        names = sorted(item.result.name for item in inside if item.result)
        assert {"a.jpg.png", "a.png.png", "A.webp.png", "b.png"} <= set(names), number
        assert len(names) == len(set(names)) == len(inside)
    with pytest.raises(ArtganError, match="is the name of a picture; name a folder"):
        list(enlarge_files(tmp_path / "b.png", tmp_path / "c.png", bicubic, scale=2))


def test_one_file_does_not_stop_the_others(picture: np.ndarray, bicubic: Upscaler, tmp_path: Path) -> None:
    Image.fromarray(picture).save(tmp_path / "z.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    found = list(enlarge_files(tmp_path, tmp_path / "out", bicubic, scale=2))
    assert [(item.source.name, bool(item.result)) for item in found] == [("gone.png", False), ("z.png", True)]


def test_sixteen_bits_profiles_and_transparency_are_seen_as_a_viewer_sees_them(
    bicubic: Upscaler, tmp_path: Path
) -> None:
    grey = np.full((8, 8), 128 * 257, np.uint16)
    Image.fromarray(grey).save(tmp_path / "sixteen.png", transparency=0)
    clear = np.zeros((8, 8, 4), np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    out = tmp_path / "out"
    for _ in enlarge_files(tmp_path, out, bicubic, scale=2, image_format="jpeg"):
        pass
    with Image.open(out / "sixteen.jpg") as image:
        assert np.asarray(image).mean() == pytest.approx(128, abs=1)
    with Image.open(out / "clear.jpg") as image:
        assert np.asarray(image).min() > 250  # laid over white
