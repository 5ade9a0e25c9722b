import json
from pathlib import Path
from typing import Any

import pytest

from artgan_lib import ArtganError, preset
from artgan_lib.evaluation.cards import MetricCard
from artgan_lib.evaluation.compare import Comparison, compare, read_run
from artgan_lib.evaluation.features import load_extractor
from artgan_lib.interface.cli import main
from artgan_lib.runlog import write_json

PAPER_FID = "fid_paper"
FRECHET = "frechet_distance_random_projection_64"


def make_run(folder: Path, variant: str = "dcgan", seed: int = 0, **scores: Any) -> Path:
    """Write what a run leaves behind: three epochs of five updates of four pictures, two minutes in all."""
    config = preset(variant, "smoke", seed=seed, batch_size=4, images_per_epoch=19, epochs=3)
    write_json(folder / "config.json", config.to_dict())
    lines = [
        {"epoch": epoch, "step": 5 * epoch, "images_seen": 20 * epoch, "seconds": 40 * epoch} for epoch in (1, 2, 3)
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name, values in scores.items():
        write_json(folder / f"scores-{name}.json", values)
    return folder


def scores(value: float, floor: float, **changes: Any) -> dict[str, Any]:
    fields = {"protocol": "standard", "real": "test", "real_hash": "a", "real_count": 500, "fake": "x"}
    fields |= {"fake_hash": "b", "fake_count": 500, "seed": 0}
    card = MetricCard(**fields | load_extractor("random-projection", "64").provenance | changes)  # type: ignore[arg-type]
    found = {card.name: {"value": value, "floor": floor}, "precision": {"value": value / 100, "floor": 0.5}}
    return {"scores": found, "card": card.to_dict()}


def paper_scores(value: float) -> dict[str, Any]:
    card = scores(
        0, 0, protocol="paper", extractor="inception-imagenet", layer="2048", real_count=3000, fake_count=3000
    )
    return {"scores": {PAPER_FID: {"value": value, "floor": 20.0}}, "card": card["card"]}


def by_hand(found: Comparison, quantity: str) -> Any:
    return next(row for row in found.rows if row.quantity == quantity)


@pytest.fixture
def paper(root: Path) -> Path:
    return root / "data" / "paper" / "table3.csv"


def test_the_papers_numbers_stand_beside_ours(tmp_path: Path, paper: Path) -> None:
    found = compare([read_run(make_run(tmp_path / v, v)) for v in ("wgan-gp", "dcgan")], paper)
    frame = found.to_frame()
    assert list(frame.columns) == ["dcgan, paper", "dcgan, here", "wgan-gp, paper", "wgan-gp, here", "comparable"]
    assert frame.loc["epochs"].tolist() == ["260", "3", "32", "3", "no"]
    assert frame.loc["images seen"].tolist() == ["15,608,320", "60", "1,921,024", "60", "yes"]
    assert frame.loc["training time, min"].tolist() == ["about 280", "2", "about 530", "2", "no"]
    assert frame.loc["time an epoch, s", "dcgan, here"] == "40.0"
    assert frame.loc["mode collapse"].tolist() == ["yes", "not watched", "no", "not watched", "in part"]
    assert frame.loc[PAPER_FID].tolist() == ["102.344", "not measured here", "128.259", "not measured here", "in part"]
    assert json.loads(json.dumps(found.to_dict()))["rows"][0]["paper"]["dcgan"]["value"] == 260


def test_runs_that_differ_in_their_seed_alone_share_a_column(tmp_path: Path, paper: Path) -> None:
    values = (10.0, 12.0, 17.0)  # mean 13, sample variance (9 + 1 + 16) / 2 = 13
    runs = [make_run(tmp_path / f"{seed}", seed=seed, own=scores(v, 5.0, seed=seed)) for seed, v in enumerate(values)]
    found = compare([read_run(run) for run in runs], paper)
    assert found.runs == {"dcgan": ["0", "1", "2"]}
    cell = by_hand(found, FRECHET).here["dcgan"]
    assert cell.text == "13.000 ± 3.606 (n = 3), floor 5.000"
    assert (cell.value, cell.sd, cell.runs, cell.floor) == (13.0, pytest.approx(13**0.5), 3, 5.0)
    assert by_hand(found, "epochs").here["dcgan"].text == "3 (n = 3)"


def test_a_number_that_rounds_to_nought_has_no_sign_and_reasons_are_told_once(tmp_path: Path, paper: Path) -> None:
    found = compare([read_run(make_run(tmp_path / "run", own=scores(-1e-5, 5.0)))], paper)
    assert by_hand(found, FRECHET).here["dcgan"].text == "0.000, floor 5.000"
    assert found.remarks().count("not measured in the paper") == 1


def test_runs_of_other_settings_do_not(tmp_path: Path, paper: Path) -> None:
    wide = make_run(tmp_path / "wide")
    write_json(wide / "config.json", preset("dcgan", "smoke", width=16).to_dict() | {"batch_size": 4})
    found = compare([read_run(wide), read_run(make_run(tmp_path / "narrow"))], paper)
    assert set(found.runs) == {
        "dcgan width=16 epochs=2 images_per_epoch=64",
        "dcgan width=8 epochs=3 images_per_epoch=19",
    }
    assert [name for name in found.to_frame().columns if name.endswith("paper")] == ["dcgan, paper"]


def test_the_papers_protocol_is_the_only_row_beside_its_number(tmp_path: Path, paper: Path) -> None:
    run = make_run(tmp_path / "run", standard=scores(40.0, 4.0), paper=paper_scores(150.0))
    found = compare([read_run(run)], paper)
    frame = found.to_frame()
    assert frame.loc[PAPER_FID].tolist() == ["102.344", "150.000, floor 20.000", "in part"]
    assert frame.loc[FRECHET].tolist() == ["–", "40.000, floor 4.000", "no"]
    assert frame.loc[f"precision ({FRECHET})", "dcgan, here"] == "0.400, floor 0.500"
    beside = [row.quantity for row in found.rows if row.paper["dcgan"].text == "102.344"]
    assert beside == [PAPER_FID]
    assert "500 generated against 500 real pictures" in found.to_markdown()


def test_cards_that_differ_share_no_table(tmp_path: Path, paper: Path) -> None:
    one = make_run(tmp_path / "one", own=scores(1.0, 1.0))
    other = make_run(tmp_path / "other", "wgan-gp", own=scores(1.0, 1.0, fake_count=400))
    with pytest.raises(ArtganError, match="cannot be compared: fake_count is 500 and 400"):
        compare([read_run(one), read_run(other)], paper)


def test_what_a_run_measured_by_itself_counts_where_there_are_no_scores(tmp_path: Path, paper: Path) -> None:
    run = make_run(tmp_path / "run")
    lines = [
        {"epoch": 1, "step": 5, "images_seen": 20, "seconds": 1, FRECHET: 9.0},
        {"epoch": 2, "step": 10},
    ]
    lines[1] |= {"images_seen": 40, "seconds": 2, FRECHET: None}
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_json(run / "metric_card.json", scores(0, 0)["card"])
    assert by_hand(compare([read_run(run)], paper), FRECHET).here["dcgan"].text == "9.000"


def test_a_point_of_ours_has_no_column_of_the_papers(tmp_path: Path, paper: Path) -> None:
    frame = compare([read_run(make_run(tmp_path / "run", "dcgan-fast"))], paper).to_frame()
    assert list(frame.columns) == ["dcgan-fast, here", "comparable"]


def test_the_command_writes_markdown_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run")
    assert main(["compare", str(run), "--out", str(tmp_path / "out")]) == 0
    assert "102.344" in capsys.readouterr().out
    assert (tmp_path / "out" / "table3.md").read_text().startswith("|  | dcgan, paper | dcgan, here | comparable |")
    assert json.loads((tmp_path / "out" / "table3.json").read_text())["columns"] == {"dcgan": "dcgan"}


def test_folders_that_are_no_runs_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run")
    (run / "log.jsonl").write_text("")
    broken = make_run(tmp_path / "broken", own=[1])
    torn = make_run(tmp_path / "torn")
    (torn / "scores.json").write_text('{"scores": {}}')
    for arguments, sentence in (
        ([str(tmp_path)], "is not the folder of a run: it has no config.json"),
        ([str(run)], "has not finished an epoch yet"),
        ([str(broken)], "scores-own.json cannot be read"),
        ([str(torn)], "does not hold scores with their card"),
        ([str(make_run(tmp_path / "good")), "--paper", str(run / "config.json")], "is not the paper's Table 3"),
    ):
        assert main(["compare", *arguments]) == 2
        assert sentence in capsys.readouterr().err
