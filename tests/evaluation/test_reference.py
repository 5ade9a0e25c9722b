from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib import ArtganError, prepare, synthetic_paintings
from artgan_lib.data.dataset import open_split
from artgan_lib.evaluation.reference import choose_reference, open_scored

STYLES = ("cubism", "ukiyo_e")


def write(folder: Path, images: np.ndarray, first: int = 0) -> None:
    """Write pictures turn by turn into two styles."""
    for number, image in enumerate(images, first):
        path = folder / STYLES[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 train and 20 test pictures; test numbers 0 and 3 are train pictures, one of them in other light."""
    folder = tmp_path_factory.mktemp("reference")
    images = varied(60)
    images[40] = images[7]
    images[43] = np.clip(images[9].astype(int) + 4, 0, 255)
    write(folder / "all" / "train", images[:40])
    write(folder / "all" / "test", images[40:])
    prepare(folder / "all", folder / "cache")
    return folder / "cache"


def varied(count: int) -> np.ndarray:
    """Make pictures none of which is like another: low-pass noise."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BICUBIC)) for image in small])


def test_a_split_is_compared_with_and_the_rest_is_the_floor(cache: Path) -> None:
    found = choose_reference(cache, split="test")
    assert (len(found.real.images), len(found.others.images), found.left_out) == (18, 40, 2)
    assert (found.about, found.split, found.size) == ("all", "test", 64)
    assert found.about_others == "all, its other splits"
    train = {image.tobytes() for image in open_split(cache, "train")[0].images}
    assert {image.tobytes() for image in found.others.images} == train
    assert not train & {image.tobytes() for image in found.real.images}
    assert found.real.styles is not None
    assert {style: len(found.real.of(style)) for style in STYLES} == {"cubism": 9, "ukiyo_e": 9}


def test_halves_of_one_set_share_no_picture(cache: Path) -> None:
    found = choose_reference(cache, seed=4)
    one, other = ({image.tobytes() for image in part.images} for part in (found.real, found.others))
    assert len(found.real.images) == len(found.others.images) == 30
    assert len(one & other) <= 1  # the copy
    assert (found.about, found.about_others) == ("half of all", "the other half")
    whole = choose_reference(cache, halves=False)
    assert (len(whole.real.images), len(whole.others.images)) == (60, 0)


def test_splits_that_are_not_there_are_named(cache: Path) -> None:
    with pytest.raises(ArtganError, match="has no picture of the split 'val'; it has test, train"):
        choose_reference(cache, split="val")
    taken, rest = open_split(cache, "train")
    assert rest is not None
    assert (len(taken.images), len(taken.labels), len(rest.images)) == (40, 40, 20)
    assert open_split(cache, None)[1] is None


def test_the_floors_cache_is_searched_for_the_references_pictures(cache: Path, tmp_path: Path) -> None:
    write(tmp_path / "mine", np.asarray(open_split(cache, None)[0].images))
    prepare(tmp_path / "mine", tmp_path / "copy")
    with pytest.raises(ArtganError, match=r"every picture of .* stands among the others, too"):
        choose_reference(cache, floor=tmp_path / "copy")
    prepare(tmp_path / "mine", tmp_path / "small", size=32)
    with pytest.raises(ArtganError, match="pictures of 64 and 32 pixels cannot be compared"):
        choose_reference(cache, floor=tmp_path / "small")


def test_a_folder_of_pictures_is_scored_as_it_is(cache: Path, tmp_path: Path) -> None:
    images = synthetic_paintings(6)[0]
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    flat = open_scored(tmp_path, 64)
    assert np.array_equal(flat.images, images)
    assert flat.styles is None
    assert np.array_equal(flat.of("cubism"), images)
    assert len(open_scored(cache, 64).of("ukiyo_e")) == 30
    with pytest.raises(ArtganError, match="holds pictures of 64 pixels, the real ones have 32"):
        open_scored(cache, 32)
