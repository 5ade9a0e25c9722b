"""What does it cost to watch a run for collapse? A look, beside the training between two looks.

    OMP_NUM_THREADS=1 python benchmarks/collapse.py [--out data/results/collapse_cost.json]

Pictures are synthetic: their content changes no time. Each time is the least of three, on the processor.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artgan_lib import preset, synthetic_paintings
from artgan_lib.evaluation.collapse.watch import LOOK_EVERY, CollapseWatch
from artgan_lib.gan.checkpoints import export_generator
from artgan_lib.gan.updates import build_networks, draw_batch, update_in_turn, update_together
from artgan_lib.runlog import write_json

SIZES = (("dcgan", 16, 32), ("wgan-gp", 16, 32), ("dcgan", 64, 128))  # variant, width, batch
EPOCH = 60_000


def least(function: Callable[[], Any], times: int = 3) -> float:
    """Return the least of some times, in seconds."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        function()
        found.append(time.perf_counter() - begun)
    return min(found)


def measure(variant: str, width: int, batch_size: int, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Time a look and a step of one size."""
    config = preset(variant, width=width, batch_size=batch_size)
    networks = build_networks(config, torch.device("cpu"))
    update = update_together if config.judge_updates == 1 else update_in_turn
    watch = CollapseWatch(config, images, labels)
    first = least(lambda: watch.look(networks), 1)
    look = least(lambda: watch.look(networks))
    with tempfile.TemporaryDirectory() as folder:
        look += least(lambda: export_generator(Path(folder) / "g.safetensors", networks.painter, config, {}))
    batch = draw_batch(config, images, 0, torch.device("cpu"))
    step = least(lambda: update(config, networks, batch))
    return {
        "variant": variant,
        "width": width,
        "batch_size": batch_size,
        "first_look_seconds": round(first, 3),
        "look_seconds": round(look, 3),
        "step_seconds": round(step, 4),
        "share_at_most": round(look / (step * LOOK_EVERY / batch_size), 4),  # of training between two looks
        "share_of_60000_images": round(look / (step * EPOCH / batch_size), 5),
    }


def main() -> None:
    """Measure every size, then write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/results/collapse_cost.json"))
    options = parser.parse_args()
    images, labels = synthetic_paintings(2048)
    rows = [measure(*size, images, labels) for size in SIZES]
    write_json(options.out, {"threads": torch.get_num_threads(), "images_between_looks": LOOK_EVERY, "sizes": rows})
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
