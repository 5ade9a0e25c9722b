import json
from pathlib import Path

import numpy as np
import pytest

from artgan_lib import read_metadata, train
from artgan_lib.shipped import shipped_generators
from reproduction.campaign import plan
from reproduction.model_cards import generator_card, write_model_cards
from reproduction.release import find_runs, score_run, ship

CARD = {"name": "fid_768", "kernel_name": "kid_768", "fake_count": 1000}
SCORES = {
    "scores": {
        "fid_768": {"name": "fid_768", "value": 1.5, "floor": 0.25, "sd": None, "better": "lower"},
        "kid_768": {"name": "kid_768", "value": 0.125, "floor": 0.0, "sd": 0.01, "better": "lower"},
        "recall": {"name": "recall", "value": 0.5, "floor": 0.75, "sd": None, "better": "higher"},
        "coverage": {"name": "coverage", "value": 0.25, "floor": 0.875, "sd": None, "better": "higher"},
    },
    "card": {
        "extractor": "inception-2015",
        "layer": "768",
        "resizer": "bilinear",
        "fake_count": 2000,
        "seed": 0,
        "real_count": 1917,
        "real": "test64",
        "warnings": ["measured on few pictures"],
    },
}


@pytest.fixture
def project(pictures: np.ndarray, tmp_path: Path) -> Path:
    """A project with one generator that was trained, measured and shipped."""
    train(plan("smoke")["wgan-gp"], pictures, tmp_path / "runs" / "wgan-gp", device="cpu")
    run = find_runs(tmp_path / "runs")["wgan-gp"]
    values = iter([0.4, 0.1, 0.3, 0.2])
    score_run(run, lambda generator: {"score": next(values)}, CARD, checkpoints=run.saved())
    ship(run, "wgan-gp", tmp_path / "project")
    return tmp_path / "project"


def test_a_card_tells_what_the_files_tell(project: Path) -> None:
    (shipped,) = shipped_generators(project / "data" / "pretrained")
    card = generator_card(project, shipped)
    assert "| variant | wgan-gp, base width 2 (the paper's: 64)," in card
    assert "12 images, 0.0% of the paper's 1,921,024: 3 updates of the generator" in card
    assert "the average of its weights (half-life 32 images): of 4 measured moments of the run" in card
    assert card.count("Not measured.") == 2
    log = project / "data" / "results" / "wgan-gp_paintings64.log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    varied = {"diversity": 0.9, "pairwise": 0.9, "duplicates": 0.1, "collapsed": 0.0}
    fallen = {"diversity": 0.2, "pairwise": 0.9, "duplicates": 0.25, "collapsed": 1.0}
    pairs = zip(lines, (varied, fallen), strict=True)
    log.write_text("".join(json.dumps(line | signals) + "\n" for line, signals in pairs))
    card = generator_card(project, shipped)
    assert "Checked 2 times, up to 24 images, by the rule of `artgan collapse`: diversity from 24 images." in card
    assert "had 20% of the diversity of as many real paintings, and 25% of its pictures" in card
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (project / "data" / "results" / "scores_wgan-gp.json").write_text(json.dumps(SCORES))
    card = generator_card(project, shipped)
    assert "| fid_768 | 1.5000 | 0.2500 | lower |" in card
    assert "| kid_768 | 0.1250 ± 0.0100 | 0.0000 | lower |" in card
    assert "2,000 pictures of seed 0 against 1,917 real ones (test64)" in card
    assert "Measured on few pictures." in card


def test_cards_are_written_beside_the_models_with_samples(project: Path) -> None:
    folder = project / "data" / "pretrained"
    written = list(write_model_cards(project))
    assert [path.name for path in written] == ["wgan-gp.webp", "wgan-gp.md"]
    assert read_metadata(folder / "wgan-gp.webp") == {}


def test_the_committed_cards_are_those_of_the_committed_files(root: Path) -> None:
    folder = root / "data" / "pretrained"
    for shipped in shipped_generators(folder):
        assert (folder / f"{shipped.name}.md").read_text() == generator_card(root, shipped), "run make figures"
        assert (folder / f"{shipped.name}.webp").is_file()
