"""Does a run grow while it goes? Memory, open files and threads of this process over thousands of steps.

    python benchmarks/steady.py [--steps 5000] [--out data/results/steady.json]

A narrow WGAN-GP trains with everything on that a run can have: an average, checkpoints, sample grids, a log, the live
view's drawing. The first third warms up allocators and caches (fonts are opened at the first drawing); what counts
is the rest.
"""

import argparse
import gc
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from artgan_lib import Callback, preset, synthetic_paintings, train
from artgan_lib.interface.live import LiveTraining
from artgan_lib.runlog import write_json

PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch(Callback):
    """Notes what the process holds, at each hundredth of the run."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_step(self, step: int, total_steps: int) -> None:
        """Read /proc, so this runs on Linux alone."""
        if step % (total_steps // 100):
            return
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6
        files = len(list(Path("/proc/self/fd").iterdir()))
        self.rows.append({"step": step, "resident_mb": resident, "files": files, "threads": threading.active_count()})


def summarize(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Compare the last two thirds of a run with one another."""
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    settled = table["step"] > table["step"][-1] / 3
    growth = np.polyfit(table["step"][settled], table["resident_mb"][settled], 1)[0] * 1000
    return {
        "steps": int(table["step"][-1]),
        "resident_mb_after_a_third": round(float(table["resident_mb"][settled][0]), 1),
        "resident_mb_at_the_end": round(float(table["resident_mb"][-1]), 1),
        "growth_mb_per_1000_steps": round(float(growth), 3),
        "files": sorted({int(value) for value in table["files"][settled]}),
        "threads": sorted({int(value) for value in table["threads"][settled]}),
    }


def main() -> None:
    """Train, then write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=Path("data/results/steady.json"))
    options = parser.parse_args()
    sizes: dict[str, Any] = {"width": 4, "batch_size": 8, "images_per_epoch": 8 * 99, "judge_updates": 2}
    config = preset("wgan-gp", "smoke", **sizes, epochs=options.steps // 100, checkpoint_every=5, ema_half_life=1000)
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        train(config, synthetic_paintings(64)[0], folder, device="cpu", callbacks=[watch, LiveTraining(config)])
    found = summarize(watch.rows)
    write_json(options.out, found | {"rows": watch.rows})
    print(found)


if __name__ == "__main__":
    main()
