"""Training steps compared with the usual scripts, bf16 compared with float32, and the time spent waiting for data."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from artgan_lib.config import TrainConfig
from artgan_lib.gan.pictures import Pictures
from artgan_lib.gan.precision import Precision, computing_in, lay_out
from artgan_lib.gan.training import choose_update
from artgan_lib.gan.updates import build_networks, draw_batch
from benchmarks.measure import Apart, Row, compared, counted, interleaved, limited, timed
from benchmarks.measure import peak as measured_peak
from benchmarks.plain import plain_script
from benchmarks.sizes import Sizes

CLASSES = ("a", "b", "c", "d", "e", "f", "g")


def training_rows(sizes: Sizes, device: str, peak: dict[str, float]) -> Iterator[Row]:
    """Compare a step of each variant, then look how long one waits for data."""
    images = np.random.default_rng(0).integers(0, 256, (sizes.pictures, 64, 64, 3), dtype=np.uint8)
    for precision in ("tf32", "float32") if device == "cuda" else ("float32",):
        for variant in ("dcgan", "wgan-gp"):
            yield _variant_row(variant, precision, images, sizes, device, peak)  # type: ignore[arg-type]
    for variant in ("dcgan", "projected"):
        yield _few_digits(variant, images, sizes, device)
    yield _waiting(images, sizes, device)


def step_of(
    config: TrainConfig, images: np.ndarray, device: str, precision: Precision = "float32"
) -> Callable[[], Any]:
    """Return what takes the next step of a run as `train` does, its random numbers and images included."""
    where = torch.device(device)
    networks, held = build_networks(config, where), Pictures(images, where)
    lay_out(networks.modules, [networks.optimizer_g, networks.optimizer_d])
    update, number = choose_update(config), iter(range(10**9))
    labels = torch.arange(len(images)) % max(len(config.classes), 1)

    def step() -> Any:
        with computing_in(precision, where):
            return update(config, networks, draw_batch(config, held, next(number), where, labels=labels))

    return step


def _variant_row(
    variant: str, precision: Precision, images: np.ndarray, sizes: Sizes, device: str, peak: dict[str, float]
) -> Row:
    config = sizes.config(variant)
    with ExitStack() as held:
        if device == "cpu":
            script = held.enter_context(Apart(_script, config, images, device))
        else:
            script, peak = _script(config, images, device), measured_peak(device)
        ours = step_of(config, images, device, precision)
        work = counted(step_of(config, images, device, precision))
        steps = sizes.steps if device == "cuda" else 1
        pairs = interleaved(_times(script, steps), _times(ours, steps), sizes.rounds, device)
    seconds = statistics.median(mine for _, mine in pairs) / steps
    note = f"{variant.upper()} iteration, {config.width} base channels, batch {config.batch_size}, {precision}"
    figures = work | {"gflops": work["gflop"] / seconds, "of_peak": work["gflop"] / seconds / peak["gflops"]}
    return compared(note, "plain script", pairs, 1.0, count=steps * config.batch_size, unit="images", **figures)


def _script(config: TrainConfig, images: np.ndarray, device: str) -> Callable[[], Any]:
    """Return what takes an iteration of the usual script on a batch that is there."""
    script = plain_script(config, device)
    real = draw_batch(config, images, 0, torch.device(device)).real.contiguous()
    return lambda: script.step(real)


def _few_digits(variant: str, images: np.ndarray, sizes: Sizes, device: str) -> Row:
    """Compare bf16 with float32: what a run gets that asks for it."""
    config = sizes.config(variant)
    if config.conditional:
        config = replace(config, classes=CLASSES)
    plain, rough = (step_of(config, images, device, precision) for precision in ("float32", "bf16"))  # type: ignore[arg-type]
    pairs = interleaved(plain, rough, sizes.rounds, device)
    name = f"{variant} iteration in bf16, {config.width} base channels, batch {config.batch_size}"
    return compared(name, "our own step in float32", pairs, 1.0, count=config.batch_size, unit="images")


def _waiting(images: np.ndarray, sizes: Sizes, device: str) -> Row:
    """Look how much of an iteration is over before the batch is there."""
    config, where, shares = sizes.config("wgan-gp"), torch.device(device), []
    held, networks, update = Pictures(images, where), build_networks(config, where), choose_update(config)
    update(config, networks, draw_batch(config, held, 0, where))
    for number in range(sizes.rounds):
        begun = time.perf_counter()
        batch = draw_batch(config, held, number, where)
        waited = time.perf_counter() - begun
        shares.append(waited / (waited + timed(lambda batch=batch: update(config, networks, batch), device)))  # type: ignore[misc]
    return limited("share of a WGAN-GP iteration spent waiting for data", shares, 0.02, "share")


def _times(work: Callable[[], Any], count: int) -> Callable[[], None]:
    def repeat() -> None:
        for _ in range(count):
            work()

    return repeat
