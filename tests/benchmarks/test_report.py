from typing import Any

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from artgan_lib.interface.figures import BLUE, GREY
from benchmarks.report import bench_table, plot_ratios


def told() -> dict[str, Any]:
    row = {"name": "an iteration", "baseline": "plain script", "ratio": 1.25, "low": 1.2, "high": 1.3, "reach": 1.2}
    limit = {"name": "a picture", "baseline": "", "ratio": 0.5, "low": 0.4, "high": 0.6, "reach": 1.0}
    return {
        "device": "A processor",
        "threads": 2,
        "cores": 2,
        "load_before": 0.3,
        "versions": {"torch": "2.15.0+cpu"},
        "peak": {"gflops": 500.4, "copy_gbytes": 20.1},
        "rows": [
            row | {"met": True, "figures": {"images_per_second": 123.4, "of_peak": 0.514}},
            limit | {"met": False, "figures": {"seconds": 2.0, "limit": 1.0}},
        ],
    }


def test_the_table_tells_ratio_spread_reach_and_absolute_figures() -> None:
    *_, first, second = bench_table(told()).splitlines()
    assert first == "| an iteration | plain script | 1.25, 1.20 – 1.30 | 1.2 | 123 images/s, 51 % of peak | yes |"
    assert second == "| a picture | a limit | 0.5, 0.4 – 0.6 | 1 | 2.00 s | **no** |"
    assert bench_table(told()).startswith("A processor, 2 threads, PyTorch 2.15.0; measured peak 500 GFLOP/s, 20 GB/s.")
    assert bench_table(told() | {"instructions": "AVX2"}).startswith("A processor (AVX2), 2 threads")
    assert "Other programs ran on it (load 9)" in bench_table(told() | {"load_before": 9.0})


def test_rows_that_were_measured_apart_say_where() -> None:
    first, second = told()["rows"]
    here = told() | {"rows": [first | {"group": "training"}, second | {"group": "data"}]}
    there = {"data": told() | {"device": "Another"}, "growth": told() | {"device": "A third"}}
    text = bench_table(here | {"apart": there})
    assert "| an iteration | plain" in text
    assert "| a picture¹ | a limit" in text
    assert "\n\n¹ Measured apart: Another, 2 threads" in text
    assert "A third" not in text


def test_bars_are_as_long_as_the_ratios_and_blue_where_they_reach() -> None:
    ax = plot_ratios(told(), Figure().subplots())
    bars = [bar for bar in ax.patches if bar.get_width() in (1.25, 0.5)]
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [to_hex(BLUE), to_hex(GREY)]
