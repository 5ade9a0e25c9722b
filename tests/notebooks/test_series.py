"""Executes every notebook at smoke in a real kernel, offline, and reads what it wrote."""

import json
import math
from pathlib import Path

import nbformat
import pytest

from artgan_lib.interface.notebooks import run_notebooks

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.notebooks
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook_runs_and_says_nothing_on_stderr(path: Path, tmp_path: Path) -> None:
    (run,) = run_notebooks([path], tmp_path / "executed", {"PROFILE": "smoke", "OUT": str(tmp_path / "out")})
    assert run.error is None
    executed = nbformat.read(run.executed, as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert "widgets" not in executed.metadata
    assert any("image/png" in output.get("data", {}) for output in outputs), "a notebook without a figure"
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["profile"] == "smoke"
    numbers = [value for value in results.values() if isinstance(value, float)]
    assert numbers
    assert all(math.isfinite(value) for value in numbers)
    if path.stem == "00_start_here":
        assert results["same_picture_at_any_count"]
        assert 20 < results["mean_brightness"] < 235
    elif path.stem == "01_dataset_survey":
        assert (results["pictures"], results["unreadable"]) == (129, 1)
        assert results["duplicates_across_splits"] >= 1  # the planted one
        assert results["edges_against_kept"] < 0
    elif path.stem == "02_preprocessing":
        assert (results["pictures"], results["quarantined"]) == (128, 2)
        assert all(25 < value < 70 for value in results["psnr_by_style"].values())
    elif path.stem == "03_dcgan":
        assert results["bce_of_undecided"] == pytest.approx(2 * math.log(2))
        assert results["optimal_discriminator_error"] < 1e-6
        assert results["gradient_ratio_last"] < 0.05 < 0.5 < results["gradient_ratio_first"]
        assert results["fooled_saturating"] < 0.1 < 0.5 < results["fooled_non_saturating"]
    elif path.stem == "04_dcgan_wi":
        assert results["spread_normal"] == pytest.approx(0.02, rel=0.01)
        assert results["spread_uniform"] == pytest.approx(0.02, rel=0.01)
        assert (results["coverage_even_kernel_5"], results["coverage_odd_kernel_5"]) == (2, 3)
        for kernel, by_hand in ((3, 0.5), (4, 1.0), (5, 1.5)):
            assert results[f"checkerboard_kernel_{kernel}"] == pytest.approx(by_hand, rel=0.1)
    elif path.stem == "08_upscaling":
        assert results["psnr_by_hand"] == pytest.approx(48.1308, abs=1e-3)
        assert results["psnr_lanczos"] > results["psnr_bicubic"]
        assert results["tile_difference"] <= 1
    elif path.stem == "09_generation_panel":
        assert results["seconds_by_hand"] == 6
        assert results["cancelled_kept"] == results["cancelled_whole"] >= 2
        assert results["refusals"] == 3
        assert results["distance_neighbours"] < results["distance_others"]
    elif path.stem == "05_wgan_gp":
        assert results["slope_with_clipping"] < 1e-3 < results["slope_with_penalty"]
        assert results["linear_penalty"] == pytest.approx(4, rel=1e-5)
        assert results["steps"] == 10
