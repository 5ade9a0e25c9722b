import json
from pathlib import Path

import pytest

from artgan_lib import ArtganError
from reproduction.results_tables import BEGIN, END, results_tables, scored_generators

NAMES = ("fid_768", "kid_768", "precision", "recall", "density", "coverage")
CARD = {
    "protocol": "standard",
    "extractor": "inception-2015",
    "layer": "768",
    "weights": "abc",
    "resizer": "bilinear",
    "real": "test",
    "real_hash": "a",
    "real_count": 1908,
    "fake": "x",
    "fake_hash": "b",
    "fake_count": 2000,
    "seed": 0,
    "versions": {},
    "split": "test",
    "left_out": 9,
    "floor": "t",
    "floor_count": 9,
    "size": 64,
    "frechet": True,
    "skipped": [],
    "name": "fid_768",
    "warnings": ["few"],
}


def told(value: float, **card: object) -> dict[str, object]:
    scores = {
        name: {"name": name, "value": value, "floor": 0.5, "sd": 0.25 if name == "kid_768" else None, "better": "lower"}
        for name in NAMES
    }
    return {"scores": scores, "card": CARD | card}


def test_the_table_follows_the_files_and_refuses_cards_that_differ(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "results"
    folder.mkdir(parents=True)
    for name, scores in {"worse": told(2.0), "better": told(1.0, fake="y")}.items():
        (folder / f"scores_{name}.json").write_text(json.dumps(scores))
    assert list(scored_generators(tmp_path)) == ["better", "worse"]
    (folder / "scores_other.json").write_text(json.dumps(told(1.0, fake_count=5000)))
    with pytest.raises(ArtganError, match="cannot be compared: fake_count"):
        scored_generators(tmp_path)
    table = results_tables(root)
    assert "| FID, the paper's protocol (`fid_paper`) | 128.259 | not measured here |" in table
    for name, scores in scored_generators(root).items():
        value, kernel = (scores["scores"][score] for score in ("fid_768", "kid_768"))
        assert f"| {name} | {value['value']:.2f} | {1000 * kernel['value']:.2f} ± {1000 * kernel['sd']:.2f} |" in table


def test_the_readmes_results_are_those_of_the_committed_files(root: Path) -> None:
    assert f"{BEGIN}\n{results_tables(root)}{END}" in (root / "README.md").read_text(), "run make figures"
