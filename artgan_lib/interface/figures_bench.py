"""Tables and the picture of what `benchmarks` measured: ratios beside their baselines, and what was to be reached.

They take what `python -m benchmarks.suite` wrote, not files.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artgan_lib.interface.figures import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKS = "¹²³⁴⁵⁶"
"""Of rows that were measured apart from the rest, on another machine perhaps."""

_RATES = ("images_per_second", "pictures_per_second")


def bench_table(told: Mapping[str, Any]) -> str:
    """Write the rows as a table in Markdown, and where they were measured as a sentence before it."""
    head = ["what", "beside", "times as fast: median, low – high", "to reach", "here", "met"]
    rows = [head, ["---"] * len(head)]
    apart = told.get("apart", {})
    wheres = {row["group"]: _where(apart[row["group"]]) for row in told["rows"] if row.get("group") in apart}
    elsewhere = list(dict.fromkeys(wheres.values()))
    marks = {group: _MARKS[elsewhere.index(where)] for group, where in wheres.items()}
    for row in told["rows"]:
        ratio = f"{_digits(row['ratio'])}, {_digits(row['low'])} – {_digits(row['high'])}"
        name = row["name"] + marks.get(row.get("group"), "")
        rows.append([name, row["baseline"] or "a limit", ratio, f"{row['reach']:g}", _absolute(row), _met(row)])
    places = [
        _where(told),
        *(f"{mark} Measured apart: {place}" for mark, place in zip(_MARKS, elsewhere, strict=False)),
    ]
    return "\n\n".join(places) + "\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def plot_ratios(told: Mapping[str, Any], ax: "Axes") -> "Axes":
    """Draw each ratio as a bar with its spread, and what was to be reached as a mark; both on one logarithmic scale."""
    rows = told["rows"]
    places = range(len(rows))
    ratios = [row["ratio"] for row in rows]
    spread = [
        [row["ratio"] - row["low"] for row in rows],
        [row["high"] - row["ratio"] for row in rows],
    ]
    colors = [BLUE if row["met"] else GREY for row in rows]
    ax.barh(places, ratios, color=colors, height=0.6, xerr=spread, ecolor="black", error_kw={"linewidth": 1})
    ax.scatter([row["reach"] for row in rows], places, marker="|", s=260, color=ORANGE, linewidth=2.5, zorder=3)
    ax.set_xscale("log")
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set_yticks(places, [_name(row) for row in rows])
    ax.invert_yaxis()
    ax.set_xlabel("times as fast as the baseline, or limit divided by\nwhat was measured; orange: to be reached")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _where(told: Mapping[str, Any]) -> str:
    versions = told["versions"]
    peak = told["peak"]
    load = told["load_before"]
    busy = f" Other programs ran on it (load {load:g}), so the ratios are rough." if load > 0.5 * told["cores"] else ""
    kind = f" ({told['instructions']})" if told.get("instructions") else ""
    return (
        f"{told['device']}{kind}, {told['threads']} threads, PyTorch {versions['torch'].partition('+')[0]}; measured "
        f"peak {peak['gflops']:,.0f} GFLOP/s, {peak['copy_gbytes']:.0f} GB/s.{busy}"
    )


def _absolute(row: Mapping[str, Any]) -> str:
    """Tell the absolute figures of a row that people ask for."""
    figures = row["figures"]
    told = [f"{_digits(figures[name])} {name.partition('_')[0]}/s" for name in _RATES if name in figures]
    if "of_peak" in figures:
        told.append(f"{100 * figures['of_peak']:.0f} % of peak")
    if "seconds" in figures and not told:
        told.append(f"{_digits(figures['seconds'])} s")
    if "share" in figures:
        told.append(f"{100 * figures['share']:.2f} %")
    if "kilobytes" in figures:
        told.append(f"{_digits(figures['kilobytes'])} kB")
    if "megabytes" in figures:
        told.append(f"{_digits(figures['megabytes'])} MB")
    if "times_as_long" in figures:
        told.append(f"{_digits(figures['times_as_long'])} times as long")
    return ", ".join(told)


def _name(row: Mapping[str, Any]) -> str:
    return str(row["name"]) + (f"\nbeside {row['baseline']}" if row["baseline"] else "")


def _met(row: Mapping[str, Any]) -> str:
    return "yes" if row["met"] else "**no**"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 1 else f"{value:.2f}"
