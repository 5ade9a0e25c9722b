"""Iterations of both variants beside the usual scripts, what each lever brings, and the time spent waiting for data."""

import atexit
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from artgan_lib.config import TrainConfig
from artgan_lib.gan.acceleration import PLAIN, Plan, arrange, build_step, choose_plan, settled
from artgan_lib.gan.distributed import World
from artgan_lib.gan.pictures import Pictures
from artgan_lib.gan.updates import build_networks, draw_batch
from artgan_lib.memory import kept_memory
from artgan_lib.processor import has_bfloat16
from benchmarks.measure import Apart, Row, compared, counted, interleaved, limited, timed
from benchmarks.measure import peak as measured_peak
from benchmarks.plain import plain_script
from benchmarks.sizes import TOY, Sizes

PAPER_EPOCH = 995  # seconds, the paper's Table 3


def training_rows(sizes: Sizes, device: str, peak: dict[str, float]) -> Iterator[Row]:
    """Compare one iteration of DCGAN and WGAN-GP, then look how long it waits for data."""
    images = np.random.default_rng(0).integers(0, 256, (sizes.pictures, 64, 64, 3), dtype=np.uint8)
    precisions = ("tf32", "float32") if device == "cuda" else ("float32",)
    for precision in precisions:
        for variant in ("dcgan", "wgan-gp"):
            yield from _variant_rows(variant, precision, images, sizes, device, peak)
    yield _waiting(images, sizes, device)
    if device == "cpu" and (has_bfloat16() or sizes is TOY):  # elsewhere --precision bf16 is told to be slow
        yield _few_digits(images, sizes)


def step_of(config: TrainConfig, plan: Plan, images: np.ndarray, device: str) -> Callable[[], Any]:
    """Return what takes the next step of a run as `train` does, its random numbers and pictures included."""
    where = torch.device(device)
    world = World(device=where)
    networks, pictures = build_networks(config, where), Pictures(images, where)
    arrange(networks, plan)
    step, number = build_step(config, networks, plan, world), iter(range(10**9))
    return lambda: step(draw_batch(config, pictures, next(number), where, world))


def _variant_rows(
    variant: str, precision: str, images: np.ndarray, sizes: Sizes, device: str, peak: dict[str, float]
) -> Iterator[Row]:
    config, where = sizes.config(variant), torch.device(device)
    plan = choose_plan(config, World(device=where), precision=precision)  # type: ignore[arg-type]
    with ExitStack() as held:
        if device == "cpu":
            script = held.enter_context(Apart(_script, config, images, device))
        else:
            script = _script(config, images, device)
        held.enter_context(settled(plan, where))
        if device == "cuda":
            peak = measured_peak(device)  # of this precision
        ours = step_of(config, plan, images, device)
        work = counted(step_of(config, replace(plan, graph=False), images, device))
        for _ in range(5 if plan.graph else 0):
            ours()  # until the graph is recorded
        steps = sizes.steps if device == "cuda" else 1
        pairs = interleaved(_times(script, steps), _times(ours, steps), sizes.rounds, device)
    seconds = statistics.median(mine for _, mine in pairs) / steps
    reach = {"dcgan": (1.3, 2.0), "wgan-gp": (1.2, 4.0)}[variant][device == "cuda"]
    count = {"dcgan": 1, "wgan-gp": 1 + config.judge_updates}[variant]
    note = f"{variant.upper()} iteration, width {config.width}, batch {config.batch_size}, {precision}"
    share = work["gflop"] / seconds / peak["gflops"]
    figures = work | {"gflops": work["gflop"] / seconds, "of_peak": share, "updates": count}
    figures["memory_of_copy"] = work["gbyte"] / seconds / peak["copy_gbytes"]
    yield compared(note, "plain script", pairs, reach, count=steps * config.batch_size, unit="images", **figures)
    if device == "cuda":
        if variant == "dcgan":
            yield limited(
                "DCGAN: seconds for 40,000 images, " + precision, [4e4 / config.batch_size * seconds], 1.0, "s"
            )
        else:
            limit = 12.0 if precision == "tf32" else 25.0
            epoch = 938 * seconds
            row = limited(f"WGAN-GP: the paper's epoch, {precision}", [epoch], limit, "seconds")
            row.figures["times_the_papers_995_s"] = PAPER_EPOCH / epoch
            yield row


def _script(config: TrainConfig, images: np.ndarray, device: str) -> Callable[[], Any]:
    """Return what takes an iteration of the usual script on a batch that is there."""
    script = plain_script(config, device)
    real = draw_batch(config, images, 0, torch.device(device)).real.contiguous()
    return lambda: script.step(real)


def _waiting(images: np.ndarray, sizes: Sizes, device: str) -> Row:
    """Look how much of an iteration is over before the batch is there."""
    config, where = sizes.config("wgan-gp"), torch.device(device)
    plan, world, pictures = choose_plan(config, World(device=where)), World(device=where), Pictures(images, where)
    networks, shares = build_networks(config, where), []
    arrange(networks, plan)
    with settled(plan, where):
        step = build_step(config, networks, plan, world)
        steps = sizes.steps if device == "cuda" else 1
        fixed = draw_batch(config, pictures, 0, where, world)
        for _ in range(5):
            step(fixed)
            if device == "cpu":
                break
        if device == "cuda":  # what is drawn while the device works costs nothing: compare with a batch that is there
            number = iter(range(10**9))
            drawn = lambda: step(draw_batch(config, pictures, next(number), where, world))  # noqa: E731
            pairs = interleaved(_times(drawn, steps), _times(lambda: step(fixed), steps), sizes.rounds, device)
            shares = [max(1 - there / with_data, 1e-6) for with_data, there in pairs]
        for number in range(sizes.rounds if device == "cpu" else 0):
            begun = time.perf_counter()
            batch = draw_batch(config, pictures, number, where, world)
            waited = time.perf_counter() - begun
            shares.append(waited / (waited + timed(lambda batch=batch: step(batch))))  # type: ignore[misc]
    return limited("share of a WGAN-GP iteration spent waiting for data", shares, 0.02, "share")


def _few_digits(images: np.ndarray, sizes: Sizes) -> Row:
    """Compare bf16, the penalty in float32, with float32: what a run gets that asks for it."""
    config = sizes.config("dcgan")
    plan = choose_plan(config, World())
    few = step_of(config, replace(plan, precision="bf16"), images, "cpu")
    pairs = interleaved(step_of(config, plan, images, "cpu"), few, sizes.rounds)
    name = f"DCGAN iteration by --precision bf16, width {config.width}, batch {config.batch_size}"
    return compared(name, "our own step in float32", pairs, 1.0, count=config.batch_size, unit="images")


LEVERS: dict[str, Callable[[Plan], Plan]] = {
    "freed memory kept": lambda plan: replace(plan, keep_memory=True),
    "channels last": lambda plan: replace(plan, channels_last=True),
    "closed derivatives": lambda plan: replace(plan, channels_last=True, closed=True),
    "narrow layers by patches": lambda plan: replace(plan, channels_last=True, patches=True),
    "Winograd's algorithm": lambda plan: replace(plan, channels_last=True, keep_memory=True, winograd=True),
    "real and fake in one pass": lambda plan: replace(plan, together=True),
    "fused Adam": lambda plan: replace(plan, fused=True),
    "bf16 but for the penalty": lambda plan: replace(plan, channels_last=True, precision="bf16"),
    "one CUDA graph": lambda plan: replace(plan, graph=True),
}
"""How each is taken by itself; four of them need channels last, and one writes much that memory is wanted for."""


def lever_rows(sizes: Sizes, device: str) -> list[dict[str, Any]]:
    """Take each lever by itself, and all that are chosen, in turn with the plain step."""
    images = np.random.default_rng(0).integers(0, 256, (sizes.pictures, 64, 64, 3), dtype=np.uint8)
    found, where = [], torch.device(device)
    for variant in ("dcgan", "wgan-gp"):
        config = sizes.lever_config(variant)
        chosen = choose_plan(config, World(device=where))
        bare = replace(PLAIN, precision=chosen.precision)
        plans: dict[str, Plan] = {"none": bare}
        for name, turn in LEVERS.items():
            # DCGAN's judge has batch normalisation and no penalty.
            useless = variant == "dcgan" and name in ("real and fake in one pass", "closed derivatives")
            useless |= device == "cpu" and name.startswith("bf16") and not (has_bfloat16() or sizes is TOY)
            if not useless and (device == "cuda") >= (name == "one CUDA graph"):
                plans[name] = turn(bare)
        plans["all that are chosen"] = chosen
        count = sizes.steps if device == "cuda" else 1
        # Whether freed memory is kept is a setting of a process, which comes to that memory in some steps.
        kept = {name: plan for name, plan in plans.items() if plan.keep_memory}
        groups = kept, {name: plan for name, plan in plans.items() if name not in kept}
        with ExitStack() as held:
            runs: dict[str, Callable[[str], float]] = {}
            for group in groups:
                runs |= dict.fromkeys(group, held.enter_context(Apart(_levers, config, group, images, device, count)))
            for _ in range(1 if device == "cuda" else 6 // config.judge_updates + 1):  # and the graph is recorded
                for name in plans:
                    runs[name](name)
            rounds = [{name: runs[name](name) for name in plans} for _ in range(sizes.rounds)]
        for name in plans:
            ratios = [times["none"] / times[name] for times in rounds]
            found.append(
                {
                    "variant": variant,
                    "width": config.width,
                    "batch": config.batch_size,
                    "lever": name,
                    "ratio": round(statistics.median(ratios), 3),
                    "low": round(min(ratios), 3),
                    "high": round(max(ratios), 3),
                    "seconds": float(f"{statistics.median(times[name] for times in rounds) / count:.4g}"),
                    "kept": name == "none" or _kept(name, chosen),
                }
            )
    return found


def _levers(
    config: TrainConfig, plans: dict[str, Plan], images: np.ndarray, device: str, count: int
) -> Callable[[str], float]:
    """Return what takes so many steps by a plan and returns the seconds; memory is kept to the end of the process."""
    where, kept = torch.device(device), ExitStack()
    kept.enter_context(kept_memory(any(plan.keep_memory for plan in plans.values())))
    atexit.register(kept.close)
    steps = {name: step_of(config, plan, images, device) for name, plan in plans.items()}

    def run(name: str) -> float:
        with settled(plans[name], where):
            return timed(_times(steps[name], count), device)

    return run


def _kept(name: str, chosen: Plan) -> bool:
    fields = ("keep_memory", "channels_last", "closed", "patches", "winograd", "together", "fused", "bf16", "graph")
    for lever, field in zip(LEVERS, fields, strict=True):
        if lever == name:
            return bool(getattr(chosen, field, False))
    return True


def _times(work: Callable[[], Any], count: int) -> Callable[[], None]:
    def repeat() -> None:
        for _ in range(count):
            work()

    return repeat
