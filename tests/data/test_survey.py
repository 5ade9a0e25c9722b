from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from artgan_lib import SYNTHETIC_CLASSES, ArtganError, survey, synthetic_paintings
from artgan_lib.data.survey import MEASURES, PALETTE, Survey
from artgan_lib.interface.cli import main


def save(path: Path, pixels: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path, **options)


def measured(folder: Path, pixels: np.ndarray) -> pd.Series:
    save(folder / "style" / "picture.png", pixels)
    return survey(folder).pictures.iloc[0]


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Sixty synthetic pictures, a planted duplicate across splits, a torn file."""
    images, labels = synthetic_paintings(60, size=96, seed=3)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        save(
            tmp_path / "x" / ("test" if number >= 50 else "train") / SYNTHETIC_CLASSES[label] / f"{number:03d}.png",
            image,
        )
    small = np.asarray(Image.fromarray(images[1]).resize((80, 80)))
    save(tmp_path / "x" / "test" / "sea" / "copy.jpg", small, quality=70)
    (tmp_path / "x" / "train" / "sea" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    return tmp_path / "x"


def test_flat_grey_has_closed_forms(tmp_path: Path) -> None:
    row = measured(tmp_path, np.full((64, 96, 3), 51))
    assert row["brightness"] == pytest.approx(0.2)
    assert (row["contrast"], row["saturation"], row["edges"]) == (pytest.approx(0, abs=1e-6), 0, 0)
    assert row["aspect"] == 1.5
    assert np.isnan(row["kept"])  # the square has 64 pixels already


def test_two_halves_have_closed_forms(tmp_path: Path) -> None:
    halves = np.zeros((64, 64, 3))
    halves[:, 32:] = 255
    row = measured(tmp_path, halves)
    assert row["brightness"] == pytest.approx(0.5)
    assert row["contrast"] == pytest.approx(0.5)
    assert row["edges"] == pytest.approx(2 / 64)


def test_pure_red_has_closed_forms(tmp_path: Path) -> None:
    row = measured(tmp_path, np.full((64, 64, 3), [255, 0, 0]))
    assert row["saturation"] == 1
    assert row["brightness"] == pytest.approx(0.299)
    # Hasler and Süsstrunk: no spread, 0.3 times the mean of (rg, yb) = (255, 127.5).
    assert row["colourfulness"] == pytest.approx(0.3 * np.hypot(255, 127.5), rel=1e-5)


def test_what_is_kept_is_psnr(tmp_path: Path) -> None:
    assert measured(tmp_path / "flat", np.full((128, 128, 3), 90))["kept"] == pytest.approx(
        10 * np.log10(255**2 / 1e-3)
    )
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3))
    assert measured(tmp_path / "noise", noise)["kept"] < 12


def test_a_collection(collection: Path) -> None:
    found = survey(collection)
    assert len(found.pictures) == 61
    assert found.unreadable["name"].tolist() == ["train/sea/torn.png"]
    styles = found.styles()
    assert styles.loc["sea", ["test", "train"]].tolist() == [2, 5]
    assert styles.loc["portrait", "brightness"] < styles.loc["blossom", "brightness"]
    assert set(MEASURES) <= set(styles.columns)


def test_a_planted_duplicate_is_found_across_the_split(collection: Path) -> None:
    found = survey(collection).duplicates
    planted = found[(found["first"] == "test/sea/copy.jpg") & (found["second"] == "train/sea/001.png")]
    assert len(planted) == 1
    assert planted.iloc[0]["across"]
    assert planted.iloc[0]["distance"] <= 6


def test_flat_pictures_of_other_greys_are_no_duplicates(tmp_path: Path) -> None:
    for value in (40, 90, 200):
        save(tmp_path / "style" / f"{value}.png", np.full((64, 64, 3), value))
    assert len(survey(tmp_path).duplicates) == 0


def test_palettes_are_the_colours_that_are_there(tmp_path: Path) -> None:
    quarters = np.full((64, 64, 3), [200, 30, 30])
    quarters[:, :16] = [20, 20, 180]
    for number in range(4):
        save(tmp_path / "style" / f"{number}.png", quarters)
    palette = survey(tmp_path).palettes
    assert palette[["red", "green", "blue"]].to_numpy().tolist() == [[200, 30, 30], [20, 20, 180]]
    assert palette["share"].iloc[0] == pytest.approx(0.75, abs=0.15)  # 64 pixels are sampled


def test_shares_sum_to_one_and_likeness_is_an_overlap(collection: Path) -> None:
    found = survey(collection)
    assert found.palettes.groupby("style")["share"].sum().to_numpy() == pytest.approx(1, abs=1e-3)
    assert found.palettes.groupby("style").size().tolist() == [PALETTE] * 10
    likeness = found.likeness.to_numpy()
    assert np.diag(likeness) == pytest.approx(1)
    assert np.allclose(likeness, likeness.T)
    assert likeness.min() >= 0


def test_styles_without_a_common_colour_do_not_overlap(tmp_path: Path) -> None:
    save(tmp_path / "black" / "a.png", np.zeros((64, 64, 3)))
    save(tmp_path / "white" / "a.png", np.full((64, 64, 3), 255))
    assert survey(tmp_path).likeness.loc["black", "white"] == 0


def test_the_same_numbers_whatever_the_workers(collection: Path) -> None:
    one, many = survey(collection, workers=1), survey(collection, workers=5)
    for field in Survey.__dataclass_fields__:
        pd.testing.assert_frame_equal(getattr(one, field), getattr(many, field))


def test_limit_and_style(collection: Path) -> None:
    assert len(survey(collection, limit=10).pictures) <= 10
    assert set(survey(collection, styles=["tiles"]).pictures["style"]) == {"tiles"}
    with pytest.raises(ArtganError, match="there is no style 'cubism'"):
        survey(collection, styles=["cubism"])


def test_nothing_readable_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(ArtganError, match=r"no picture that can be read; notes\.txt: not a picture"):
        survey(tmp_path)


def test_the_command_writes_tables_and_a_page(
    collection: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "survey", str(collection), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "not readable: train/sea/torn.png" in told
    names = {path.name for path in (tmp_path / "out").iterdir()}
    tables = {"pictures.csv", "palettes.csv", "duplicates.csv", "unreadable.csv", "likeness.csv", "styles.csv"}
    assert names == tables | {"survey.png"}
    assert len(pd.read_csv(tmp_path / "out" / "pictures.csv")) == 61
    with Image.open(tmp_path / "out" / "survey.png") as page:
        assert page.size == (1600, 900)
