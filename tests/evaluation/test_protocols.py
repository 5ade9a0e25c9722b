import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation.cards import MetricCard, require_alike
from artgan_lib.evaluation.features import Extractor, load_extractor
from artgan_lib.evaluation.protocols import evaluate, evaluate_as_paper, evaluate_by_style
from artgan_lib.evaluation.reference import Labelled
from artgan_lib.images import to_float, to_uint8, truncated
from artgan_lib.interface.cli import main

KERNEL, FRECHET = "kernel_distance_random_projection_64", "frechet_distance_random_projection_64"


@pytest.fixture(scope="module")
def paintings() -> np.ndarray:
    return synthetic_paintings(400, seed=5)[0]


@pytest.fixture
def projection() -> Extractor:
    return load_extractor("random-projection", "64")


def card(**changes: object) -> MetricCard:
    fields = {"protocol": "standard", "real": "test", "real_hash": "a", "real_count": 5000, "fake": "x"}
    fields |= {"fake_hash": "b", "fake_count": 5000, "seed": 0}
    return MetricCard(**fields | load_extractor("random-projection", "64").provenance | changes)  # type: ignore[arg-type]


def test_real_pictures_score_at_the_floor_and_noise_far_above_it(paintings: np.ndarray, projection: Extractor) -> None:
    real, others, same = paintings[:150], paintings[150:270], paintings[270:390]
    good = {score.name: score for score in evaluate(same, real, others, projection).scores}
    noise = np.random.default_rng(0).integers(0, 256, (120, 64, 64, 3), dtype=np.uint8)
    bad = {score.name: score for score in evaluate(noise, real, others, projection).scores}
    name = FRECHET
    assert good[name].value == pytest.approx(good[name].floor, rel=0.5)
    assert bad[name].value > 5 * bad[name].floor
    assert bad[name].floor == good[name].floor
    assert bad["recall"].value == 0 < good["recall"].value
    assert bad["coverage"].value < good["coverage"].value
    assert abs(good[KERNEL].value) < bad[KERNEL].value / 4


def test_the_card_says_what_the_number_was_measured_with(paintings: np.ndarray, projection: Extractor) -> None:
    found = evaluate(paintings[:80], paintings[80:240], paintings[240:], projection, seed=3).to_dict()
    told = json.loads(json.dumps(found))["card"]
    assert (told["extractor"], told["layer"], told["fake_count"], told["real_count"]) == (
        *("random-projection", "64"),
        *(80, 160),
    )
    assert told["seed"] == 3
    assert torch.__version__.startswith(told["versions"]["torch"])
    assert told["warnings"] == [f"measured on 80 images; below 10,000 {FRECHET} is clearly biased upwards"]


@pytest.mark.parametrize(("generated", "real"), [(64, 200), (200, 64)])
def test_a_small_set_has_every_score_but_the_frechet_distance(
    generated: int, real: int, paintings: np.ndarray, projection: Extractor
) -> None:
    found = evaluate(paintings[:generated], paintings[generated : generated + real], paintings[264:], projection)
    frechet, *others = found.scores
    assert (frechet.value, frechet.note) == (None, "too few images (64; this layer needs more than 64)")
    assert [score.name for score in others] == [
        KERNEL,
        "precision",
        "recall",
        "density",
        "coverage",
    ]
    assert all(score.value is not None and score.floor is not None and not score.note for score in others)
    assert not found.card.frechet
    assert found.card.warnings == []
    assert json.loads(json.dumps(found.to_dict()))["scores"][FRECHET]["value"] is None


def test_a_small_floor_has_no_frechet_distance_of_its_own(paintings: np.ndarray, projection: Extractor) -> None:
    frechet, kernel, *_ = evaluate(paintings[:90], paintings[100:200], paintings[200:250], projection).scores
    assert frechet.value is not None
    assert frechet.floor is None
    assert kernel.floor is not None


def test_a_handful_of_images_is_refused(paintings: np.ndarray, projection: Extractor) -> None:
    with pytest.raises(ArtganError, match="more than 5 images on every side; there are 90 generated, 100 real and 5"):
        evaluate(paintings[:90], paintings[100:200], paintings[200:205], projection)


def test_numbers_that_were_not_measured_alike_do_not_share_a_table() -> None:
    require_alike([card(), card(fake="y", fake_hash="z", seed=4)])
    changes = ({"real_hash": "c"}, {"fake_count": 4000}, {"resizer": "nearest"}, {"weights": "1"}, {"protocol": "p"})
    for change in changes:
        with pytest.raises(ArtganError, match=f"cannot be compared: {next(iter(change))} is"):
            require_alike([card(), card(**change)])


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"extractor": "inception-2015", "layer": "2048"}, "fid"),
        ({"extractor": "inception-2015", "layer": "768"}, "fid_768"),
        ({}, FRECHET),
    ],
)
def test_a_number_bears_the_name_that_it_has_earned(changes: dict[str, object], name: str) -> None:
    assert card(**changes).name == name
    assert card(fake_count=20_000, real_count=20_000).warnings == []


def test_a_card_is_read_back_and_tells_its_warnings() -> None:
    few = card(fake_count=60, frechet=False, skipped=("realism (6)", "renaissance (18)"))
    again = MetricCard.from_dict(json.loads(json.dumps(few.to_dict())))
    assert again == few
    assert again.warnings == ["styles with too few pictures, skipped: realism (6), renaissance (18)"]
    with pytest.raises(ArtganError, match=r"too few images \(60; this layer needs more than 64\)"):
        card(fake_count=60)
    with pytest.raises(ArtganError, match="written by another version"):
        MetricCard.from_dict({"extractor": "inception-2015"})


def test_pictures_in_order_of_style_are_compared_as_in_any_order(paintings: np.ndarray, projection: Extractor) -> None:
    """A subset for precision and recall is drawn, not cut off at the end."""
    dark = np.sort(paintings[:200].mean((1, 2, 3)).argsort())
    in_order = paintings[:200][paintings[:200].mean((1, 2, 3)).argsort()]
    found = [
        {score.name: score.value for score in evaluate(paintings[200:280], real, paintings[280:], projection).scores}
        for real in (paintings[:200][dark], in_order)
    ]
    assert found[1]["precision"] == pytest.approx(found[0]["precision"], abs=0.15)
    assert found[1][FRECHET] == pytest.approx(found[0][FRECHET], rel=1e-6)


def test_distances_agree_with_torch_fidelity_from_pictures_to_number(
    shared_weights: Path, paintings: np.ndarray
) -> None:
    """The whole way: resizing, network at its 64 features, statistics."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    weights = next(shared_weights.glob("*inception-2015-12-05*"))
    network = FeatureExtractorInceptionV3("x", ["64"], str(weights))
    real, fake = paintings[:66], paintings[150:216] // 2
    with torch.no_grad():
        theirs = [network(torch.from_numpy(images).permute(0, 3, 1, 2))[0].numpy() for images in (fake, real)]
    statistics = [{"mu": values.mean(0), "sigma": np.cov(values, rowvar=False)} for values in theirs]
    expected = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    found = evaluate(fake, real, real, load_extractor(layer="64", weights=weights)).scores[0]
    assert found.name == "fid_64"
    assert found.value == pytest.approx(expected, rel=1e-3)
    assert found.floor == pytest.approx(0, abs=1e-6)  # the same pictures


def test_the_author_loses_one_of_some_grey_values_on_the_way() -> None:
    grey = np.arange(256, dtype=np.uint8)
    # Independently: 2 / 127.5 - 1 + 1 is not 2 / 127.5 in float32.
    expected = [
        int((np.float32(v) / np.float32(127.5) - np.float32(1) + np.float32(1)) * np.float32(127.5)) for v in grey
    ]
    assert truncated(grey).tolist() == expected
    assert set(grey - truncated(grey)) == {0, 1}
    image = np.tile(grey.reshape(1, 16, 16, 1), (1, 1, 1, 3))
    assert np.array_equal(to_uint8(to_float(torch.from_numpy(image))), image)  # our own way loses nothing


def test_the_papers_protocol_step_by_step(paintings: np.ndarray, projection: Extractor) -> None:
    import scipy.linalg

    fake, real, others = paintings[:150], paintings[150:300], paintings[300:]
    found = evaluate_as_paper(fake, real, others, projection, seed=3)
    rng = np.random.default_rng(3)
    drawn = real[rng.integers(150, size=150)]
    x, y = projection.run(truncated(drawn)), projection.run(fake)
    root = scipy.linalg.sqrtm(np.cov(x, rowvar=False) @ np.cov(y, rowvar=False)).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(
        np.cov(x, rowvar=False) + np.cov(y, rowvar=False) - 2 * root
    )
    (score,) = found.scores
    assert score.value == pytest.approx(expected, rel=1e-6)
    assert score.floor is not None
    assert 0 < score.floor < score.value * 3
    assert found.card.protocol == "paper"
    assert found.card.real == "training pictures, 150 drawn with replacement"
    assert card(protocol="paper", extractor="inception-imagenet", layer="2048").name == "fid_paper"
    # Without other pictures the floor is of those that were not drawn.
    alone = evaluate_as_paper(fake, paintings, None, projection)
    assert alone.scores[0].floor is not None
    assert alone.scores[0].floor > 0
    with pytest.raises(ArtganError, match=r"drawn with replacement, there are too few images \(\d\d; "):
        evaluate_as_paper(fake[:70], real, others, projection)


def test_scores_by_style_skip_and_name_what_is_too_small(paintings: np.ndarray, projection: Extractor) -> None:
    images = synthetic_paintings(1000, seed=9)[0]
    styles = np.random.default_rng(0).permutation(["dark"] * 450 + ["light"] * 450 + ["rare"] * 100)
    images = np.where((styles == "light")[:, None, None, None], 255 - images // 2, images // 2)
    sets = [Labelled(images[part::3], styles[part::3]) for part in range(3)]
    whole = evaluate(sets[0].images, sets[1].images, sets[2].images, projection)
    found = evaluate_by_style(whole, *sets, projection)
    assert set(found.styles) == {"dark", "light"}
    fewest = min(len(part.of("rare")) for part in sets)
    assert found.card.skipped == (f"rare ({fewest})",)
    assert found.card.warnings[-1].endswith(f"skipped: rare ({fewest})")
    by_style = {style: {score.name: score for score in scores} for style, scores in found.styles.items()}
    for scores in by_style.values():
        assert scores[FRECHET].value == pytest.approx(scores[FRECHET].floor, rel=0.4)
    # A generator has no styles: all its pictures stand against each; these are of the dark one.
    dark = Labelled(sets[0].of("dark"))
    mixed = evaluate_by_style(whole, dark, *sets[1:], projection).styles
    kernel = {style: scores[1].value for style, scores in mixed.items()}
    assert kernel["dark"] < kernel["light"] / 10
    with pytest.raises(ArtganError, match="real pictures in folders by style"):
        evaluate_by_style(whole, sets[0], Labelled(images), sets[2], projection)


def test_the_inception_of_2015_up_to_its_768_features(shared_weights: Path, paintings: np.ndarray) -> None:
    weights = next(shared_weights.glob("*inception-2015-12-05*"))
    found = {layer: load_extractor(layer=layer, weights=weights).run(paintings[:2]) for layer in ("64", "192", "768")}
    assert {layer: features.shape for layer, features in found.items()} == {
        layer: (2, int(layer)) for layer in ("64", "192", "768")
    }
    assert found["768"].std() > 0.01
    with pytest.raises(ArtganError, match=r"layer 2048 of .* gives values that are not finite; choose another layer"):
        load_extractor(layer="2048", weights=weights)
    assert load_extractor(weights=weights).layer == "768"


def test_extractors_that_cannot_be_had_are_told_before_any_work(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("code was run",)

    with pytest.raises(ArtganError, match="there is no extractor 'clip'; there are inception-2015"):
        load_extractor("clip")
    with pytest.raises(ArtganError, match="has no layer '100'; it has 2048, 768, 192, 64"):
        load_extractor(layer="100")
    with pytest.raises(ArtganError, match="is not on this machine"):
        load_extractor(download=False)
    torch.save({"evil": Hostile()}, tmp_path / "w.pth")
    with pytest.raises(ArtganError, match=r"w\.pth is not the Inception of 2015"):
        load_extractor(weights=tmp_path / "w.pth")


def test_the_command_writes_scores_with_their_card(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    folder = tmp_path / "paintings"
    folder.mkdir()
    for number, image in enumerate(synthetic_paintings(200, seed=6)[0]):
        Image.fromarray(image).save(folder / f"{number}.png")
    assert main(["prepare", str(folder), "--out", str(tmp_path / "cache")]) == 0
    measuring = ["evaluate", "--data", str(tmp_path / "cache"), "--extractor", "random-projection", "--layer", "64"]
    out = tmp_path / "scores.json"
    assert main([*measuring, "--model", str(model), "--n", "80", "--device", "cpu", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert f"{FRECHET} and others, 80 pictures against half of paintings, 100 pictures" in told
    scores = json.loads(out.read_text())["scores"]
    assert set(scores) == {
        FRECHET,
        KERNEL,
        "precision",
        "recall",
        "density",
        "coverage",
    }
    with Image.open(tmp_path / "scores.png") as sheet:
        assert sheet.size == (1000, 700)
    assert scores[FRECHET]["value"] > scores[FRECHET]["floor"]
    for wrong, sentence in (
        (["--n", "80"], "either --model or --images"),
        (["--model", str(model), "--n", "1"], "scores need at least two pictures, not 1"),
        (["--model", str(model), "--protocol", "paper"], "the paper's protocol measures with inception-imagenet"),
        (["--model", str(model), "--split", "test"], "has no picture of the split 'test'; it has all"),
        (["--model", str(model), "--seed", "-1"], "the seed must lie in 0"),
        (["--model", str(model), "--n", "80", "--by-style"], "scores by style need real pictures in folders by style"),
    ):
        assert main([*measuring, *wrong]) == 2
        assert sentence in capsys.readouterr().err
    few = ["--model", str(model), "--n", "50", "--device", "cpu", "--out", str(out)]
    assert main([*measuring, *few]) == 0
    told = capsys.readouterr().out
    assert re.search(
        r"^frechet_distance_random_projection_64 +too few images \(50; this layer needs more than 64\)$", told, re.M
    )
    assert (
        len(
            re.findall(
                r"^(kernel_distance|precision|recall|density|coverage).*\d\.\d{3} +-?\d\.\d{3}", told, re.MULTILINE
            )
        )
        == 5
    )
    with Image.open(tmp_path / "scores.png") as sheet:
        assert sheet.size == (1000, 700)
    # A folder of pictures, among them copies of what was trained on: all of them.
    copies = ["--images", str(folder), "--n", "80", "--trained-on", str(tmp_path / "cache")]
    assert main([*measuring, *copies, "--out", str(out)]) == 0
    assert "(shows paintings: look, do not publish)" in capsys.readouterr().out
    found = json.loads(out.read_text())["memorization"]
    assert (found["generated"], found["training_count"]) == (0, 200)
    assert (tmp_path / "scores_neighbours.png").is_file()


def test_weights_are_checked_before_images_are_read(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torn.pth").write_bytes(b"torn")
    absent = ["--model", str(model), "--data", str(tmp_path / "absent")]
    assert main(["evaluate", *absent, "--weights", str(tmp_path / "torn.pth")]) == 2
    assert "torn.pth is not the Inception of 2015" in capsys.readouterr().err
