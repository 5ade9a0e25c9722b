"""Tables and the picture of what the benchmarks measured, from their files in `data/results`."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from artgan_lib.interface.figures import BLUE, GREY, ORANGE, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS = Path("data/results")

_MARKS = "¹²³⁴⁵⁶"
"""Of rows that were measured apart from the rest, on another machine perhaps."""

_RATES = ("images_per_second", "pictures_per_second")


def read_benches(root: Path) -> dict[str, dict[str, Any]]:
    """Return what the benchmarks wrote, `data/results/bench-NAME.json`, by name: a device, or one machine of many."""
    files = sorted((root / RESULTS).glob("bench-*.json"), key=lambda path: path.stem)
    return {path.stem.removeprefix("bench-"): json.loads(path.read_text(encoding="utf-8")) for path in files}


def bench_tables(root: Path) -> list[str]:
    """Make the tables of how fast it is, one for each machine, with the names of their files."""
    return [f"`bench-{name}.json`: {bench_table(told)}" for name, told in read_benches(root).items()]


def bench_table(told: Mapping[str, Any]) -> str:
    """Write the rows as a table in Markdown, and where they were measured as a sentence before it."""
    head = ["what", "beside", "times as fast: median, low – high", "to reach", "here", "met"]
    rows = []
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
    return "\n\n".join(places) + "\n\n" + markdown(head, rows)


def studio_table(root: Path) -> str:
    """Make the table of what a full run costs, from what `benchmarks/studio.py` wrote."""
    found = json.loads((root / RESULTS / "studio.json").read_text(encoding="utf-8"))
    count, size = found["count"], found["size"]
    told = f"{count} pictures at {size} × {size} on {found['cores']} processor cores, seconds a stage:"
    stages = list(next(iter(found["upscalers"].values()))["stage_seconds"])
    head = ["enlarged by", *stages, "all", "memory, MB", "folder, MB"]
    rows = []
    for name, run in found["upscalers"].items():
        seconds = [f"{value:.1f}" for value in run["stage_seconds"].values()]
        rows.append([name, *seconds, f"{run['seconds']:.0f}", f"{run['peak_memory_mb']:,}", f"{run['folder_mb']:.0f}"])
    return f"{told}\n\n" + markdown(head, rows)


def collapse_cost_table(root: Path) -> str:
    """Make the table of what a look for mode collapse costs."""
    found = json.loads((root / RESULTS / "collapse_cost.json").read_text(encoding="utf-8"))
    told = (
        f"What a look costs on a processor, beside training on the {found['images_between_looks']:,} images that lie "
        "between two looks at least, and on the 60,000 of the paper's epoch; the machine did other work as well."
    )
    head, rows = ["variant", "width, batch", "seconds a look", "beside the least", "beside 60,000"], []
    for size in found["sizes"]:
        shares = (f"{100 * size['share_at_most']:.1f} %", f"{100 * size['share_of_60000_images']:.2f} %")
        rows.append([size["variant"], f"{size['width']}, {size['batch_size']}", f"{size['look_seconds']:.2f}", *shares])
    return f"{told}\n\n{markdown(head, rows)}"


def draw_benches(root: Path, folder: Path) -> Iterator[Path]:
    """Draw how fast it is beside what others use, one picture for each machine."""
    for name, told in read_benches(root).items():
        figure = Figure(figsize=(11, 1.2 + 0.5 * len(told["rows"])), layout="constrained")
        plot_ratios(told, figure.subplots()).set_title(f"How fast, on {told['device']} (bench-{name}.json)")
        yield save_figure(figure, folder / f"bench_{name}.png")


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


def markdown(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Write a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


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
