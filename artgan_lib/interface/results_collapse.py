"""README's tables of mode collapse, from the calibration in `data/results` and what `benchmarks/collapse.py` wrote."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path("data/results")


def collapse_tables(root: Path) -> str:
    """Make the table of what the rule of collapse is worth, and of what a look costs."""
    found = json.loads((root / RESULTS / "collapse_calibration.json").read_text(encoding="utf-8"))
    false, detected = found["held_out"]["false_alarms"], found["held_out"]["detected"]
    judged = [*false.values(), *(row for rows in detected.values() for row in rows.values())]
    told = (
        f"What the detector of mode collapse finds: alarms of {sum(row['of'] for row in judged)} samplers whose "
        "collapse is known and that its thresholds were not set on, with 95 % intervals by Wilson."
    )
    rows = [["sampler", *detected], ["---"] * (len(detected) + 1)]
    rows += [["healthy: false alarms", *(_share(false[world]) for world in detected)]]
    for kind in next(iter(detected.values())):
        rows += [[kind, *(_share(detected[world][kind]) for world in detected)]]
    return f"{told}\n\n{_table(rows)}\n{_shipped(root)}\n{_cost(root)}"


def _shipped(root: Path) -> str:
    found = json.loads((root / RESULTS / "collapse_generators.json").read_text(encoding="utf-8"))
    told = f"The shipped generators by the same rule, {found['pictures']} pictures of seed {found['seed']} each:"
    limits = found["thresholds"]
    rows = [["generator", *(name.replace("_", " ") for name in limits), "verdict"], ["---"] * (len(limits) + 2)]
    for name, signals in found["generators"].items():
        verdict = "collapsed" if signals["collapsed"] else "in order"
        rows += [[name, *(f"{signals[signal]:.2f}" for signal in limits), verdict]]
    alarming = (f"{'above' if name == 'duplicates' else 'below'} {limit:.2f}" for name, limit in limits.items())
    rows += [["alarming", *alarming, "–"]]
    return f"{told}\n\n{_table(rows)}"


def _cost(root: Path) -> str:
    found = json.loads((root / RESULTS / "collapse_cost.json").read_text(encoding="utf-8"))
    told = (
        f"What a look costs on a processor, beside training on the {found['images_between_looks']:,} images that lie "
        "between two looks at least, and on the 60,000 of the paper's epoch; the machine did other work as well."
    )
    rows = [["variant", "width, batch", "seconds a look", "beside the least", "beside 60,000"], ["---"] * 5]
    for size in found["sizes"]:
        shares = (f"{100 * size['share_at_most']:.1f} %", f"{100 * size['share_of_60000_images']:.2f} %")
        rows += [[size["variant"], f"{size['width']}, {size['batch_size']}", f"{size['look_seconds']:.2f}", *shares]]
    return f"{told}\n\n{_table(rows)}"


def _share(row: dict[str, Any]) -> str:
    return f"{row['count']} of {row['of']} ({100 * row['low']:.0f} to {100 * row['high']:.0f} %)"


def _table(rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
