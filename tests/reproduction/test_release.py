import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib import ArtganError, load_generator, read_log, read_metadata, sample
from artgan_lib.gan.models import Generator
from artgan_lib.gan.runs import RunFolder
from reproduction.campaign import plan, train_plan
from reproduction.release import CURVE, find_runs, main, painters_at, score_run, ship, spread

CONFIG = dataclasses.replace(plan("smoke")["dcgan"], epochs=3)
CARD = {"name": "fid_768", "kernel_name": "kid_768", "fake_count": 4}


@pytest.fixture(scope="module")
def run(pictures: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("runs")
    list(train_plan({"dcgan": CONFIG}, pictures, folder, 10, device="cpu"))
    return find_runs(folder)["dcgan"]


def test_points_are_spread_and_the_last_is_among_them() -> None:
    paths = [Path(f"{number}") for number in range(20)]
    assert [int(path.name) for path in spread(paths, 4)] == [5, 10, 14, 19]
    assert spread(paths, 1) == [paths[-1]]
    assert spread(paths, 30) == paths


def test_a_run_is_scored_once_and_the_best_of_it_is_shipped(run: RunFolder, tmp_path: Path) -> None:
    asked: list[Generator] = []
    values = iter([0.5, 0.4, 0.3, 0.2, 0.1, 0.6])

    def measure(generator: Generator) -> Mapping[str, float]:
        asked.append(generator)
        return {"score": next(values), "fid_768": 100.0}

    first = score_run(run, measure, CARD, checkpoints=run.saved()[:1])
    curve = score_run(run, measure, CARD, checkpoints=run.saved())
    assert len(asked) == len(curve["points"]) == 6
    assert curve["points"][:2] == first["points"]
    assert [(point["step"], point["kind"]) for point in curve["points"]] == [
        *((3, "average"), (3, "newest"), (6, "average"), (6, "newest"), (9, "average"), (9, "newest")),
    ]
    with pytest.raises(ArtganError, match="measured with another card"):
        score_run(run, measure, CARD | {"fake_count": 5}, checkpoints=run.saved())

    model, log, config, _, scores, progress = ship(run, "dcgan", tmp_path)
    generator, header = load_generator(model)
    assert header["origin"]["score"] == {"name": "kid_768", "value": 0.1}
    assert (header["origin"]["kind"], header["origin"]["images_seen"]) == ("newest", 36)
    assert header["origin"]["pictures"] == 40
    newest = next(painters_at(run, run.saved()[-1])).generator
    away = run.saved()[-1].rename(tmp_path / "away.pt")
    left = load_generator(ship(run, "dcgan", tmp_path / "again")[0])[1]["origin"]
    assert (left["step"], left["kind"], left["score"]["value"]) == (6, "average", 0.2)
    away.rename(run.path_of(9))
    for name, value in newest.state_dict().items():
        assert np.allclose(value, generator.state_dict()[name], atol=1e-3), name
    assert log.read_bytes() == run.log.read_bytes()
    assert json.loads(config.read_text()) == CONFIG.to_dict()
    assert read_log(log)["epoch"].tolist() == [1, 2, 3]
    assert json.loads(scores.read_text()) == json.loads((run.path / CURVE).read_text())
    assert read_metadata(progress) == {"images_seen": [12, 24, 36], "kind": "newest"}
    with Image.open(progress) as picture:
        rows = np.asarray(picture).reshape(3, 64, 6, 64, 3).swapaxes(1, 2)
    assert np.array_equal(rows[2], sample(newest, 0, 6))


def test_what_was_not_measured_is_not_shipped(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="was not measured yet"):
        ship(RunFolder(tmp_path), "dcgan", tmp_path)
    with pytest.raises(ArtganError, match="there is no run with a checkpoint"):
        find_runs(tmp_path)


def test_the_command_measures_every_run(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    (run.path / CURVE).unlink(missing_ok=True)
    test = ["--test", "synthetic", "--extractor", "random-projection", "--layer", "64", "--count", "80"]
    main(["--runs", str(run.path.parent), *test, "--points", "2", "--device", "cpu"])
    assert capsys.readouterr().out.count("'kernel_distance_random_projection_64'") == 4  # newest and average, twice
    assert len(json.loads((run.path / CURVE).read_text())["points"]) == 4
    (run.path / CURVE).unlink()
