import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artgan_lib import ArtganError
from reproduction.results_tables import BEGIN, END, results_tables, scored_generators


def test_the_table_follows_the_files_and_refuses_cards_that_differ(
    told: Callable[..., dict[str, Any]], root: Path, tmp_path: Path
) -> None:
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
