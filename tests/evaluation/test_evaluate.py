import json
from pathlib import Path

import numpy as np
import pytest
import torch

from artgan_lib import ArtganError, synthetic_paintings
from artgan_lib.evaluation.cards import MetricCard, measured_with, require_alike
from artgan_lib.evaluation.evaluate import evaluate, features_of
from artgan_lib.evaluation.extractors import Extractor, load_extractor
from artgan_lib.interface.cli import main


@pytest.fixture(scope="module")
def paintings() -> np.ndarray:
    return synthetic_paintings(400, seed=5)[0]


@pytest.fixture
def projection() -> Extractor:
    return load_extractor("random-projection", "64")


def card(**changes: object) -> MetricCard:
    fields = {"protocol": "standard", "real": "test", "real_hash": "a", "real_count": 5000, "fake": "x"}
    fields |= {"fake_hash": "b", "fake_count": 5000, "seed": 0}
    return MetricCard(**fields | measured_with(load_extractor("random-projection", "64")) | changes)  # type: ignore[arg-type]


def test_real_pictures_score_at_the_floor_and_noise_far_above_it(paintings: np.ndarray, projection: Extractor) -> None:
    real, others, same = paintings[:150], paintings[150:270], paintings[270:390]
    good = {score.name: score for score in evaluate(same, real, others, projection).scores}
    noise = np.random.default_rng(0).integers(0, 256, (120, 64, 64, 3), dtype=np.uint8)
    bad = {score.name: score for score in evaluate(noise, real, others, projection).scores}
    name = "FD-random-projection"
    assert good[name].value == pytest.approx(good[name].floor, rel=0.5)
    assert bad[name].value > 5 * bad[name].floor
    assert bad[name].floor == good[name].floor
    assert bad["recall"].value == 0 < good["recall"].value
    assert bad["coverage"].value < good["coverage"].value
    assert abs(good["KD-random-projection"].value) < bad["KD-random-projection"].value / 4


def test_the_card_says_what_the_number_was_measured_with(paintings: np.ndarray, projection: Extractor) -> None:
    found = evaluate(paintings[:80], paintings[80:240], paintings[240:], projection, seed=3).to_dict()
    told = json.loads(json.dumps(found))["card"]
    assert (told["extractor"], told["layer"], told["fake_count"], told["real_count"]) == (
        *("random-projection", "64"),
        *(80, 160),
    )
    assert told["seed"] == 3
    assert torch.__version__.startswith(told["versions"]["torch"])
    assert told["warnings"] == ["measured on 80 pictures; under 10,000 the distance is too large by its bias"]


def test_too_few_pictures_for_the_dimensions_are_refused(paintings: np.ndarray, projection: Extractor) -> None:
    with pytest.raises(ArtganError, match="64 pictures are too few for a Frechet distance in 64 dimensions"):
        evaluate(paintings[:64], paintings[100:300], paintings[300:], projection)
    with pytest.raises(ArtganError, match="the floor needs more than 64 real pictures beside the 100"):
        evaluate(paintings[:90], paintings[100:200], paintings[200:250], projection)


def test_numbers_that_were_not_measured_alike_do_not_share_a_table() -> None:
    require_alike([card(), card(fake="y", fake_hash="z", seed=4)])
    changes = ({"real_hash": "c"}, {"fake_count": 4000}, {"resizer": "nearest"}, {"weights": "1"}, {"protocol": "p"})
    for change in changes:
        with pytest.raises(ArtganError, match=f"cannot be compared: {next(iter(change))} is"):
            require_alike([card(), card(**change)])


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"extractor": "inception-2015", "layer": "2048"}, "FID"),
        ({"extractor": "inception-2015", "layer": "768"}, "FID-768"),
        ({}, "FD-random-projection"),
    ],
)
def test_a_number_bears_the_name_that_it_has_earned(changes: dict[str, object], name: str) -> None:
    assert card(**changes).name == name
    assert card(fake_count=20_000, real_count=20_000).warnings == []


def test_features_do_not_depend_on_the_batch_and_are_kept_by_content(
    paintings: np.ndarray, projection: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(tmp_path))
    whole = features_of(paintings, projection, keep=True)
    parts = np.concatenate(list(projection.batches(np.array_split(paintings, 7))))
    np.testing.assert_allclose(whole, parts, rtol=1e-5)
    (kept,) = (tmp_path / "features").iterdir()
    monkeypatch.setattr(Extractor, "batches", lambda *arguments: pytest.fail("they were kept"))
    assert np.array_equal(features_of(paintings, projection, keep=True), whole)
    monkeypatch.undo()
    monkeypatch.setenv("ARTGAN_CACHE_DIR", str(tmp_path))
    kept.write_bytes(b"torn")
    assert np.array_equal(features_of(paintings, projection, keep=True), whole)


def test_the_inception_of_2015_up_to_its_768_features(shared_weights: Path, paintings: np.ndarray) -> None:
    weights = next(shared_weights.glob("*inception-2015-12-05*"))
    found = {layer: load_extractor(layer=layer, weights=weights).run(paintings[:2]) for layer in ("64", "192", "768")}
    assert {layer: features.shape for layer, features in found.items()} == {
        layer: (2, int(layer)) for layer in ("64", "192", "768")
    }
    assert found["768"].std() > 0.01
    with pytest.raises(ArtganError, match=r"layer 2048 of .* gives values that are not finite; choose another layer"):
        load_extractor(weights=weights)


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
    assert "FD-random-projection and others, 80 pictures against half of cache, 100 pictures" in told
    scores = json.loads(out.read_text())["scores"]
    assert set(scores) == {"FD-random-projection", "KD-random-projection", "precision", "recall", "density", "coverage"}
    assert scores["FD-random-projection"]["value"] > scores["FD-random-projection"]["floor"]
    for wrong, sentence in (
        (["--n", "80"], "either --model or --images"),
        (["--model", str(model), "--n", "50"], "50 pictures are too few for a Frechet distance in 64 dimensions"),
        (["--model", str(model), "--n", "1"], "scores need at least two pictures, not 1"),
    ):
        assert main([*measuring, *wrong]) == 2
        assert sentence in capsys.readouterr().err
