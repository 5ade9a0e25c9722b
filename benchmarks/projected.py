"""Where the time of a training step of `projected` goes, and images a second.

    python -m benchmarks.projected [--threads 1] [--out data/results/projected_speed.json]

Each part is timed by itself, float32 and bf16 in turn; the median of several rounds is told in milliseconds an image.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from artgan_lib import preset
from artgan_lib.config import TrainConfig
from artgan_lib.gan.augment import diffaugment
from artgan_lib.gan.precision import Precision, computing_in, lay_out
from artgan_lib.gan.updates import build_networks, draw_batch, update_alternating
from artgan_lib.runlog import write_json
from benchmarks.measure import machine, timed
from benchmarks.training_rows import CLASSES

CPU = torch.device("cpu")


def parts(config: TrainConfig) -> dict[str, Callable[[], Any]]:
    """Return the parts of a step, and the whole step, as functions to be timed."""
    images = np.random.default_rng(0).integers(0, 256, (256, 64, 64, 3), dtype=np.uint8)
    labels = torch.arange(256) % len(CLASSES)
    networks = build_networks(config, CPU)
    lay_out(networks.modules, [networks.optimizer_g, networks.optimizer_d])
    generator, discriminator = networks.generator, networks.judge
    batch, number = draw_batch(config, images, 0, CPU, labels=labels), iter(range(10**9))
    fake = generator(batch.z_generator, batch.classes).detach().requires_grad_()
    features = [x.detach() for x in discriminator.features(batch.real)]

    def total(outputs: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([x.float().mean() for x in outputs]).sum()

    def generated() -> torch.Tensor:
        return generator(batch.z_generator, batch.classes)

    def step() -> None:
        update_alternating(config, networks, draw_batch(config, images, next(number), CPU, labels=labels))
        if networks.average is not None:
            networks.average.update_parameters(networks.generator)

    return {
        "augmentation, once": lambda: diffaugment(batch.real, batch.augment[0, 0], config.diffaugment),  # type: ignore[index]
        "features of real images": torch.no_grad()(lambda: discriminator.features(batch.real)),
        "features of generated images, with the gradient to them": lambda: torch.autograd.grad(
            total(discriminator.features(fake)), fake
        ),
        "heads, with the gradient to their weights, once": lambda: torch.autograd.grad(
            total(discriminator.logits(features, batch.classes)), list(discriminator.parameters())
        ),
        "generator forward": generated,
        "generator forward and backward": lambda: torch.autograd.grad(
            generated().float().mean(), list(generator.parameters())
        ),
        "whole step": step,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads (default %(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="images a step (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="times that each part is measured (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("data/results/projected_speed.json"), help="JSON file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = replace(preset("projected", batch_size=options.batch_size), classes=CLASSES)
    work, found = parts(config), {}
    for name, part in work.items():
        times: dict[str, list[float]] = {"float32": [], "bf16": []}
        for round_ in range(options.rounds + 1):  # the first one warms up
            for precision in times:
                assert precision in get_args(Precision)
                with computing_in(precision, CPU):  # type: ignore[arg-type]
                    seconds = timed(part, "cpu")
                if round_:
                    times[precision].append(seconds)
        found[name] = {kind: 1e3 * statistics.median(taken) / options.batch_size for kind, taken in times.items()}
        print(f"{name:<60}" + "".join(f"{kind} {value:6.2f} ms an image   " for kind, value in found[name].items()))
    rates = {kind: 1e3 / value for kind, value in found["whole step"].items()}
    told = machine("cpu") | {"threads": options.threads, "batch_size": options.batch_size}
    print(json.dumps(rates))
    write_json(options.out, told | {"milliseconds_an_image": found, "images_per_second": rates})


if __name__ == "__main__":
    main()
