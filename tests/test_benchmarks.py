"""Every benchmark runs at toy size, so that none rots; what it measures there means nothing."""

import importlib.util
import json
from pathlib import Path

import pytest

from artgan_lib.runlog import write_json
from benchmarks.measure import Row, compared, counted, limited
from benchmarks.sizes import TOY
from benchmarks.suite import GROUPS, measure, merged


def test_a_row_is_the_median_of_pairs_of_one_run() -> None:
    row = compared("work", "a script", [(2.0, 1.0), (9.0, 3.0), (4.0, 4.0)], 1.5, count=8, unit="images")
    assert (row.low, row.ratio, row.high) == (1.0, 2.0, 3.0)
    assert row.met
    assert row.figures["seconds"] == 3.0
    assert row.figures["baseline_images_per_second"] == 2.0
    assert not Row("work", "a script", 1.49, 1.0, 3.0, 1.5).met
    assert limited("work", [0.5, 0.25], 1.0, "seconds").ratio == 3.0
    assert not limited("work", [1.1], 1.0, "seconds").met


def test_one_group_measured_anew_leaves_the_others() -> None:
    before = {"rows": [{"group": "growth", "name": "a"}, {"group": "data", "name": "b"}], "left_out": []}
    found = {"rows": [{"group": "data", "name": "c"}], "left_out": [], "commit": "new"}
    after = merged(before | {"commit": "old"}, found, ("data",))
    assert [row["name"] for row in after["rows"]] == ["c", "a"]
    assert (after["commit"], after["apart"]) == ("old", {"data": {"commit": "new"}})
    again = merged(after, found | {"commit": "newest"}, ("growth",))
    assert again["apart"] == {"data": {"commit": "new"}, "growth": {"commit": "newest"}}


def test_operations_and_bytes_are_counted() -> None:
    import torch

    x, weight = torch.ones(2, 3, 8, 8), torch.ones(4, 3, 3, 3)
    found = counted(lambda: torch.nn.functional.conv2d(x, weight))
    assert found["gflop"] * 1e9 == pytest.approx(2 * 2 * 4 * 36 * 27)
    assert found["gbyte"] * 1e9 == pytest.approx(4 * (x.numel() + weight.numel() + 2 * 4 * 36))


@pytest.mark.usefixtures("installed_networks")
@pytest.mark.filterwarnings("ignore")  # what is measured against has its own
@pytest.mark.parametrize("group", GROUPS)
def test_every_benchmark_runs_at_toy_size(
    group: str,
    tmp_path: Path,
    root: Path,
    shared_paintings: Path,
    shared_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("ARTGAN_WEIGHTS_DIR", str(shared_weights))
    if group == "studio" and importlib.util.find_spec("realesrgan") is None:
        pytest.skip("the package realesrgan is not installed")
    if group == "features":
        pytest.importorskip("pytorch_fid", reason="the package pytorch-fid is not installed")
    path = tmp_path / "cpu.json"
    found = measure("cpu", TOY, (group,), shared_weights.parent, 10, lambda values: write_json(path, values))
    assert found["left_out"] == []
    assert found["rows"]
    for row in json.loads(path.read_text())["rows"]:
        assert {"name", "ratio", "low", "high", "reach", "met", "baseline", "figures"} <= set(row)
        assert 0 < row["low"] <= row["ratio"] <= row["high"]
    if group == "data":
        assert found["rows"][0]["figures"]["pixels_exact"]
    if group == "features":
        assert found["rows"][0]["figures"]["largest_feature"] > 0
