import json
from pathlib import Path
from typing import Any

import pytest

from artgan_lib import ArtganError, build_models, export_generator, preset
from artgan_lib.interface.cli import main
from artgan_lib.shipped import FOLDER, best_generator, shipped_generators

CONFIG = preset("dcgan", "smoke", width=2)


def put(folder: Path, name: str, **origin: Any) -> None:
    export_generator(folder / f"{name}.safetensors", build_models(CONFIG)[0], CONFIG, {"step": 1, **origin})


def test_the_best_has_the_lowest_score(tmp_path: Path) -> None:
    with pytest.raises(ArtganError, match="no generator came with this installation"):
        best_generator(tmp_path)
    put(tmp_path, "dcgan")
    put(tmp_path, "projected")
    assert best_generator(tmp_path).stem == "projected"  # the model of the longest run where no scores tell
    put(tmp_path, "dcgan-wi", score={"name": "kid_768", "value": 0.2})
    put(tmp_path, "other", score={"name": "kid_768", "value": 0.1})
    (tmp_path / "other-file.safetensors").write_bytes(b"no generator")
    assert [shipped.name for shipped in shipped_generators(tmp_path)] == ["other", "dcgan-wi", "projected", "dcgan"]
    assert shipped_generators(tmp_path)[0].score == ("kid_768", 0.1)
    assert shipped_generators(tmp_path)[0].config["width"] == 2


def test_what_was_evaluated_counts_before_what_it_was_chosen_by(tmp_path: Path) -> None:
    folder = tmp_path / "pretrained"
    put(folder, "a", score={"name": "kernel_distance_mobilenet_v2_1280", "value": 1.5})
    put(folder, "b", score={"name": "kernel_distance_mobilenet_v2_1280", "value": 1.2})
    (tmp_path / "results").mkdir()
    for name, value in (("a", 0.003), ("b", 0.004)):
        scores = {"fid_768": {"value": 2.0}, "kid_768": {"value": value}, "recall": {"value": 0.5}}
        (tmp_path / "results" / f"scores_{name}.json").write_text(json.dumps({"scores": scores}))
    assert [(one.name, one.score) for one in shipped_generators(folder)] == [
        *(("a", ("kid_768", 0.003)), ("b", ("kid_768", 0.004))),
    ]


def test_a_score_file_of_the_papers_protocol_holds_no_kernel_distance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pretrained"
    put(folder, "a", score={"name": "kid_768", "value": 0.2})
    put(folder, "b")
    (tmp_path / "results").mkdir()
    for name in ("a", "b"):
        scores = {"fid_paper": {"value": 150.0}}
        (tmp_path / "results" / f"scores_{name}.json").write_text(json.dumps({"scores": scores}))
    assert [one.score for one in shipped_generators(folder)] == [("kid_768", 0.2), None]
    assert main(["models", str(folder)]) == 0
    assert "not measured" in capsys.readouterr().out


def test_values_of_one_metric_alone_are_ranked(tmp_path: Path) -> None:
    put(tmp_path, "a", score={"name": "kid_768", "value": 0.2})
    put(tmp_path, "b", score={"name": "kid_768", "value": 0.1})
    put(tmp_path, "c", score={"name": "kid", "value": 0.001})  # on another scale
    put(tmp_path, "d")
    put(tmp_path, "projected")
    assert [one.name for one in shipped_generators(tmp_path)] == ["b", "a", "projected", "c", "d"]


def test_what_is_shipped_is_small_and_of_the_named_variants() -> None:
    found = {shipped.name: shipped for shipped in shipped_generators()}
    assert set(found) == {"dcgan", "dcgan-wi", "wgan-gp", "projected"}
    for name, shipped in found.items():
        assert shipped.config["variant"] == name
        assert shipped.path.stat().st_size <= 12e6
    assert best_generator().parent == FOLDER
