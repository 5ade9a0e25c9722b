"""Measures everything in the table of README.md, one row after the other.

    python -m benchmarks.suite [--device cpu|cuda] [--only GROUP] [--minutes 15] [--out FILE] [--toy]

What a row needs and is not there (paintings, weights, a package) is named and left out. The result goes to
`build/bench/<device>.json` and where --out says; the file is written after every row, so that a run that is stopped
keeps what it has, and --only leaves the rows of other groups in it.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from artgan_lib.downloads import WEIGHTS_DIR
from artgan_lib.errors import ArtganError
from artgan_lib.runlog import write_json
from benchmarks.data_rows import data_rows, growth_rows
from benchmarks.measure import Row, machine, peak
from benchmarks.sizes import TABLE, TOY, Sizes
from benchmarks.studio_rows import enlarging_rows, feature_rows, painting_rows
from benchmarks.training_rows import training_rows

SHARED = Path("../shared")
PAINTINGS = Path("paintings/paintings256-imagefolder-split.tar")
INCEPTION = "pt_inception-2015-12-05.up-to-768.pth"
GROUPS = ("data", "training", "studio", "features", "growth")
SEED = 0


def measure(
    device: str, sizes: Sizes, groups: tuple[str, ...], shared: Path, minutes: float, save: Callable[[Any], None]
) -> dict[str, Any]:
    """Measure the rows of some groups; a group that begins after the minutes are over is left out."""
    begun = time.perf_counter()
    torch.manual_seed(SEED)
    limit = peak(device, toy=sizes is TOY)
    found: dict[str, Any] = machine(device) | {"seed": SEED, "peak": limit, "rows": [], "left_out": []}
    with tempfile.TemporaryDirectory() as folder:
        for group in groups:
            if time.perf_counter() - begun > 60 * minutes:
                found["left_out"].append({"group": group, "reason": f"{minutes:g} minutes were over"})
                continue
            try:
                for row in _rows(group, device, sizes, shared, Path(folder), limit):
                    found["rows"].append({"group": group} | row.to_json())
                    save(found)
                    print(_told(row), flush=True)
            except (ArtganError, ImportError, FileNotFoundError) as error:
                found["left_out"].append({"group": group, "reason": str(error)})
                print(f"{group} is left out: {error}", flush=True)
    found["minutes"] = round((time.perf_counter() - begun) / 60, 1)
    save(found)
    return found


def merged(before: dict[str, Any], found: dict[str, Any], groups: tuple[str, ...]) -> dict[str, Any]:
    """Put newly measured groups in the place of their former rows, in the order of the table.

    Where and with what they were measured is kept beside that of the whole run, under `apart`.
    """
    rows = [row for row in before["rows"] if row["group"] not in groups] + found["rows"]
    left = [entry for entry in before["left_out"] if entry["group"] not in groups] + found["left_out"]
    rows.sort(key=lambda row: GROUPS.index(row["group"]))
    where = {name: value for name, value in found.items() if name not in ("rows", "left_out", "apart")}
    apart = before.get("apart", {}) | dict.fromkeys(groups, where)
    return before | {"rows": rows, "left_out": left, "apart": apart}


def _rows(group: str, device: str, sizes: Sizes, shared: Path, scratch: Path, limit: dict[str, float]) -> Iterator[Row]:
    if group == "training":
        yield from training_rows(sizes, device, limit)
    elif group == "studio":
        yield from enlarging_rows(sizes, device)
        if device == "cpu":
            yield from painting_rows(sizes)
    elif group == "features":
        yield from feature_rows(_there(shared / "weights" / INCEPTION), sizes, device)
    elif group == "data" and device == "cpu":
        yield from data_rows(_there(shared / PAINTINGS), sizes, scratch)
    elif group == "growth" and device == "cpu":
        yield from growth_rows(sizes, scratch)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path.name} beside this checkout")
    return path


def _told(row: Row) -> str:
    mark = "met" if row.met else "NOT MET"
    told = f"{row.name:<75} {row.ratio:8.2f} ({row.low:.2f} to {row.high:.2f}), reach {row.reach:g}: {mark}"
    if "of_peak" in row.figures:
        told += f"; {row.figures['gflops']:.0f} GFLOP/s = {100 * row.figures['of_peak']:.0f} % of peak"
    return told


def main(arguments: list[str] | None = None) -> None:
    """Read the options, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", choices=GROUPS, action="append", help="a group of rows; may be given again")
    parser.add_argument("--rounds", type=int, default=TABLE.rounds, help="pairs of each row (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=30.0, help="no group begins after so many")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with paintings/ and weights/")
    parser.add_argument("--out", type=Path, action="append", default=[], help="where the result goes as well")
    parser.add_argument("--toy", action="store_true", help="as small as a test can bear; the numbers mean nothing")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device on this machine")
    torch.set_num_threads(os.cpu_count() or 1)  # both sides get every core, whatever the surroundings say
    weights = options.shared / "weights"
    if weights.is_dir():
        os.environ.setdefault(WEIGHTS_DIR, str(weights.resolve()))
    # The package realesrgan and torchvision warn of their own future.
    warnings.simplefilter("ignore")
    places = [Path("build/bench") / f"{options.device}.json", *options.out]

    groups = tuple(options.only or GROUPS)
    before = {place: json.loads(place.read_text()) for place in places if options.only and place.is_file()}

    def save(found: dict[str, Any]) -> None:
        for place in places:
            write_json(place, merged(before[place], found, groups) if place in before else found)

    sizes = TOY if options.toy else replace(TABLE, rounds=options.rounds)
    found = measure(options.device, sizes, groups, options.shared, options.minutes, save)
    unmet = [row["name"] for row in found["rows"] if not row["met"]]
    print(f"{len(found['rows'])} rows in {found['minutes']} minutes, {len(unmet)} not met -> {places[-1]}")


if __name__ == "__main__":
    main()
