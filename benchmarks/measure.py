"""How things are measured here: A B A B in one run, the ratio of each pair, its median and spread.

Also the machine's own limit, measured before anything is compared with it, and what a piece of work counts: operations
by PyTorch's own formulas, bytes by looking at what each operation reads and writes.
"""

import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

import artgan_lib

Work = Callable[[], Any]
WARM_UP = 20.0
"""Seconds of work on all cores before the first measurement."""


@dataclass
class Row:
    """One line of the table."""

    name: str
    baseline: str  # what it is measured against; empty where it is a limit of time or memory
    ratio: float  # baseline / ours, the median of the pairs
    low: float
    high: float
    reach: float
    figures: dict[str, Any] = field(default_factory=dict)  # absolute ones

    @property
    def met(self) -> bool:
        """Whether the median reaches what was set."""
        return self.ratio >= self.reach

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain values, few digits each."""
        values = asdict(self) | {name: round(getattr(self, name), 3) for name in ("ratio", "low", "high")}
        return values | {"met": self.met, "figures": {name: _short(value) for name, value in self.figures.items()}}


def timed(work: Work, device: str = "cpu") -> float:
    """Return the seconds that a piece of work takes, waiting for the device at both ends."""
    wait(device)
    begun = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - begun


def wait(device: str) -> None:
    """Wait until the device has done all that it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def interleaved(baseline: Work, ours: Work, rounds: int, device: str = "cpu") -> list[tuple[float, float]]:
    """Time two pieces of work in turn, after one untimed run of each."""
    baseline(), ours()
    return [(timed(baseline, device), timed(ours, device)) for _ in range(rounds)]


class Apart:
    """A piece of work in a process of its own, called as if it were here: settings of ours do not reach it.

    Args:
        build: A function of a module, which returns the work; it is called over there.
        arguments: Its arguments.
    """

    def __init__(self, build: Callable[..., Callable[..., Any]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, build, arguments), daemon=True)
        self._process.start()
        there.close()

    def __enter__(self) -> Callable[..., Any]:
        """Return what does the work once, with its arguments, and returns what it returned."""
        return self._call

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self._here.close()
        self._process.join()

    def _call(self, *arguments: Any) -> Any:
        self._here.send(arguments)
        return self._here.recv()


def _serve(pipe: Connection, build: Callable[..., Callable[..., Any]], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(os.cpu_count() or 1)  # as over here
    warnings.simplefilter("ignore")
    work = build(*arguments)
    with suppress(EOFError):
        while True:
            pipe.send(work(*pipe.recv()))


def compared(
    name: str,
    beside: str,
    pairs: Sequence[tuple[float, float]],
    reach: float,
    *,
    count: int = 1,
    unit: str = "iterations",
    **figures: Any,
) -> Row:
    """Make a row of pairs of seconds, each the time of `count` units of the work."""
    ratios = [theirs / mine for theirs, mine in pairs]
    theirs, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
    absolute = {
        "baseline_seconds": theirs,
        "seconds": mine,
        f"baseline_{unit}_per_second": count / theirs,
        f"{unit}_per_second": count / mine,
        "rounds": len(pairs),
    }
    return Row(name, beside, statistics.median(ratios), min(ratios), max(ratios), reach, absolute | figures)


def limited(name: str, values: Sequence[float], limit: float, what: str, **figures: Any) -> Row:
    """Make a row of values that have to stay below a limit; its ratio is limit / value, 1 or more is met."""
    ratios = [limit / value for value in values]
    absolute = {what: statistics.median(values), "limit": limit, "rounds": len(values)}
    return Row(name, "", statistics.median(ratios), min(ratios), max(ratios), 1.0, absolute | figures)


class Counter(TorchDispatchMode):
    """Adds up what operations compute, by PyTorch's own formulas, and the bytes that each by itself reads and writes.

    The bytes are what would pass if nothing stayed in a cache from one operation to the next.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops, self.bytes = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count it, but for views."""
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        if not func.is_view:
            self.bytes += sum(value.numel() * value.element_size() for value in _tensors((args, kwargs, out)))
        return out


def counted(work: Work) -> dict[str, float]:
    """Count the operations and bytes of a piece of work, without timing it."""
    with Counter() as counter:
        work()
    return {"gflop": counter.flops / 1e9, "gbyte": counter.bytes / 1e9}


def peak(device: str, *, toy: bool = False) -> dict[str, float]:
    """Measure what the machine can do: the best of convolutions and products in GFLOP/s, of copies in GB/s.

    On a GPU it depends on whether TF32 is allowed; that is left as it is found.
    """
    channels, side, rows = (8, 4, 64) if toy else (256, 64, 8192) if device == "cuda" else (64, 64, 1024)
    seconds = 0.01 if toy else 0.5
    x = torch.randn(64, channels, side, side, device=device).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, device=device).contiguous(memory_format=torch.channels_last)
    square = torch.randn(rows, rows, device=device)
    long, other = torch.randn(2, rows * 2**10, device=device)
    # A machine that has been idle, a virtual one above all, takes some seconds until it is as fast as it can be.
    begun = time.perf_counter()
    while time.perf_counter() - begun < (0.0 if toy else WARM_UP):
        square @ square
    operations = 2 * 64 * 9 * channels**2 * side**2
    found = {}
    for name, work, amount in (
        ("convolution_gflops", lambda: torch.nn.functional.conv2d(x, weight, padding=1), operations),
        ("product_gflops", lambda: square @ square, 2 * rows**3),
        ("copy_gbytes", lambda: long.copy_(other), 2 * 4 * len(long)),
    ):
        work()
        times, begun = [], time.perf_counter()
        while time.perf_counter() - begun < seconds or len(times) < 3:
            times.append(timed(work, device))
        found[name] = round(amount / min(times) / 1e9, 1)
    return found | {"gflops": max(found["convolution_gflops"], found["product_gflops"])}


def machine(device: str) -> dict[str, Any]:
    """Describe where and with what it was measured."""
    name = torch.cuda.get_device_name() if device == "cuda" else _processor()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "device": name,
        "instructions": torch.backends.cpu.get_cpu_capability() if device == "cpu" else None,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 1),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "artgan": artgan_lib.__version__},
        "commit": commit.stdout.strip() or None,
    }


def fresh(code: str, *arguments: str, environment: dict[str, str] | None = None) -> tuple[str, float]:
    """Run Python code in a process of its own; return what it printed and the seconds it took."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | (environment or {}),
    )
    return done.stdout, time.perf_counter() - begun


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _tensors(tree: Any) -> list[torch.Tensor]:
    if isinstance(tree, torch.Tensor):
        return [tree]
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [tensor for part in tree for tensor in _tensors(part)] if isinstance(tree, list | tuple) else []


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
