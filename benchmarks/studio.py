"""What a full run costs: 100 pictures at 1024 x 1024, stage by stage, beside the same run by interpolation.

    python benchmarks/studio.py [--count 100] [--size 1024] [--out data/results/studio.json]

Each run is a process of its own, so that its largest
memory is its own.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from artgan_lib import ConvertingSettings, EnhancingSettings, GenerationJob, GenerationSettings
from artgan_lib.interface.demo import SHIPPED_GENERATOR
from artgan_lib.runlog import write_json
from artgan_lib.studio.upscaling import DEFAULT_CPU


def one(upscaler: str, count: int, size: int) -> None:
    """Make the pictures and print what it took, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        job = GenerationJob(
            GenerationSettings(SHIPPED_GENERATOR, count, seed=7),
            EnhancingSettings(size, upscaler),
            ConvertingSettings(),
            Path(folder) / "run",
            device="cpu",
        )
        estimate, begun = job.estimate(), time.perf_counter()
        result = job.run()
        megabytes = sum(path.stat().st_size for path in result.folder.iterdir()) / 1e6
        found = {
            "seconds": round(time.perf_counter() - begun, 1),
            "estimated_seconds": round(estimate, 1),
            "stage_seconds": result.stage_seconds,
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
            "folder_mb": round(megabytes, 1),
        }
    print(json.dumps(found))


def main() -> None:
    """Measure each upscaler in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--out", type=Path, default=Path("data/results/studio.json"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.count, options.size)
        return
    found = {"count": options.count, "size": options.size, "threads": torch.get_num_threads(), "cores": os.cpu_count()}
    found |= {"torch": torch.__version__, "python": platform.python_version(), "upscalers": {}}
    for upscaler in ("lanczos", DEFAULT_CPU):
        command = [sys.executable, __file__, "--one", upscaler, "--count", options.count, "--size", options.size]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        found["upscalers"][upscaler] = json.loads(done.stdout.splitlines()[-1])
        print(upscaler, found["upscalers"][upscaler], flush=True)
    lanczos, network = (found["upscalers"][name]["seconds"] for name in ("lanczos", DEFAULT_CPU))
    write_json(options.out, found | {"times_as_long": round(network / lanczos, 1)})


if __name__ == "__main__":
    main()
