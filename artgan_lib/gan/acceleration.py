"""How a step is computed: layout, precision, passes, and one CUDA graph. What it computes stays with `gan.updates`.

Each of these gives what the plain step gives but for rounding (tests compare 20 iterations), and switches itself off
where the device or the networks do not allow it. `benchmarks` tells what each of them brings.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError
from artgan_lib.gan.distributed import World
from artgan_lib.gan.models import SameConv2d, SameConvTranspose2d
from artgan_lib.gan.updates import Batch, Networks, update_in_turn, update_together
from artgan_lib.memory import kept_memory
from artgan_lib.processor import has_only_avx2

Precision = Literal["float32", "tf32", "bf16"]
Step = Callable[[Batch], Tensor]

PATCHED = (5, 48)
"""Kernel and least width of networks whose narrowest layers go by patches; others the library's kernels do as fast."""

MULTIPLIED_LESS, WIDE, MANY = (4, 5), 64, 24
"""Kernels, and least channels on both sides, of layers that go by Winograd's algorithm, and how many pictures the judge
has to see at once: there products outweigh what goes with them, transforming the weights above all. That was measured
with AVX2 alone; AVX-512 has faster products, and of others nothing is known."""

WARM_UP = 3
"""Steps before a CUDA graph is recorded: they are steps of the run like any other."""


@dataclass(frozen=True)
class Plan:
    """What is used of all that makes a step faster; `PLAIN` uses nothing."""

    channels_last: bool = False
    keep_memory: bool = False  # `memory`, on a processor
    closed: bool = False  # `gan.convolutions`, where a penalty differentiates twice
    patches: bool = False  # `gan.patches`, on a processor
    winograd: bool = False  # `gan.winograd`, on a processor
    together: bool = False  # real and fake judged in one pass
    fused: bool = False  # one kernel for all of Adam
    graph: bool = False  # the whole step recorded once as a CUDA graph
    precision: Precision = "float32"


PLAIN = Plan()


def choose_plan(config: TrainConfig, world: World, *, fast: bool = True, precision: Precision | None = None) -> Plan:
    """Choose what the device and the networks allow.

    Args:
        config: Of the run.
        world: With the device.
        fast: False gives the plain step.
        precision: `float32`; `tf32`, on an NVIDIA GPU products of 10 bits of mantissa; `bf16`, products of 7 bits but
            for the gradient penalty. None is `tf32` on such a GPU, `float32` elsewhere.

    Raises:
        ArtganError: If there is no such precision.
    """
    kind = world.device.type
    if precision is None:
        precision = "tf32" if kind == "cuda" else "float32"
    if precision not in get_args(Precision):
        raise ArtganError(f"there is no precision {precision!r}; there are {', '.join(get_args(Precision))}")
    if precision == "tf32" and kind != "cuda":
        precision = "float32"
    if not fast:
        return Plan(precision=precision)
    together = config.judge_normalization != "batch"  # there a picture's score depends on its neighbours
    many = config.batch_size // world.size * (1 + together) >= MANY
    # In few digits what goes by Winograd's algorithm would lose most of them.
    exact = kind == "cpu" and precision == "float32"
    winograd = exact and many and config.kernel_size in MULTIPLIED_LESS and has_only_avx2()
    patches = kind == "cpu" and config.kernel_size == PATCHED[0] and config.width >= PATCHED[1] and not winograd
    return Plan(
        # Without tensor cores a GPU is no faster with channels last.
        channels_last=kind == "cpu" or (kind == "cuda" and precision != "float32"),
        keep_memory=kind == "cpu",
        closed=kind == "cpu" and config.gradient_correction == "penalty",
        patches=patches,
        winograd=winograd,
        together=together,
        fused=kind == "cuda" and config.optimizer == "adam",
        graph=kind == "cuda" and world.size == 1 and config.gradient_correction != "clip-norm",
        precision=precision,
    )


def arrange(networks: Networks, plan: Plan) -> None:
    """Lay the networks and their optimisers out as planned; to be called again after a state was loaded."""
    layout = torch.channels_last if plan.channels_last else torch.contiguous_format
    for network in networks.modules:
        network.to(memory_format=layout)
    for network in networks.modules:
        for layer in network.modules():
            if isinstance(layer, SameConv2d):
                layer.closed = plan.closed
            if isinstance(layer, SameConv2d | SameConvTranspose2d):
                layer.by_winograd = plan.winograd and min(layer.in_channels, layer.out_channels) >= WIDE
    for layer in (_first(networks.generator, SameConvTranspose2d), _last(networks.judge, SameConv2d)):
        layer.by_patches = plan.patches
    for optimizer in (networks.optimizer_g, networks.optimizer_d):
        _arrange_optimizer(optimizer, plan)


def build_step(config: TrainConfig, networks: Networks, plan: Plan, world: World) -> Step:
    """Return the function that takes one step with one batch and returns the values of `LOG_KEYS`."""
    update = update_together if config.judge_updates == 1 else update_in_turn
    device = world.device.type

    def step(batch: Batch) -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=plan.precision == "bf16", cache_enabled=False):
            return update(config, networks, batch, together=plan.together, world=world)

    return GraphedStep(step, CudaGraph()) if plan.graph else step


@contextmanager
def settled(plan: Plan, device: torch.device) -> Iterator[None]:
    """Set what PyTorch keeps for the whole process, and put it back."""
    if device.type != "cuda":
        with kept_memory(plan.keep_memory):
            yield
        return
    products, convolutions, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn  # type: ignore[attr-defined]
    former = products.fp32_precision, convolutions.fp32_precision, cudnn.benchmark
    kind = "ieee" if plan.precision == "float32" else "tf32"
    products.fp32_precision, convolutions.fp32_precision, cudnn.benchmark = kind, kind, plan != PLAIN
    try:
        yield
    finally:
        products.fp32_precision, convolutions.fp32_precision, cudnn.benchmark = former


class CudaGraph:
    """Records CUDA work once and plays it again; what it reads and writes stays where it was."""

    def __init__(self) -> None:
        self._graph = torch.cuda.CUDAGraph()

    def aside(self, call: Callable[[], Tensor]) -> Tensor:
        """Run something on a stream of its own, as recording asks of what comes before it."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = call()
        torch.cuda.current_stream().wait_stream(stream)
        return result

    def record(self, call: Callable[[], Tensor]) -> Tensor:
        """Record a call without running it, and return where its result will be."""
        with torch.cuda.graph(self._graph):
            return call()

    def replay(self) -> None:
        """Run what was recorded."""
        self._graph.replay()


class GraphedStep:
    """A step that is recorded once, after `WARM_UP` plain ones, and replayed from then on.

    Args:
        step: The plain step. It must do the same work every time and ask the device nothing.
        graph: What records it; tests put a stand-in here.
    """

    def __init__(self, step: Step, graph: CudaGraph | Any) -> None:
        self._step, self._graph, self._done = step, graph, 0
        self._batch: Batch | None = None
        self._values: Tensor | None = None

    def __call__(self, batch: Batch) -> Tensor:
        """Take a step; the batch is copied to where the graph reads it."""
        if self._batch is None:
            self._batch = Batch(*(torch.empty_like(part) for part in batch))
        static = self._batch
        for place, part in zip(static, batch, strict=True):
            place.copy_(part, non_blocking=True)
        self._done += 1
        if self._done <= WARM_UP:
            values: Tensor = self._graph.aside(lambda: self._step(static))
            return values
        if self._values is None:
            self._values = self._graph.record(lambda: self._step(static))
        self._graph.replay()
        return self._values.clone()  # the next replay writes over it


def _arrange_optimizer(optimizer: torch.optim.Optimizer, plan: Plan) -> None:
    """Choose Adam's implementation, and lay its moments out as the weights are, wherever they were saved."""
    for group in optimizer.param_groups:
        if "fused" in group:
            group.update(fused=plan.fused or None, foreach=None, capturable=plan.graph)
        for parameter in group["params"]:
            for name, value in optimizer.state.get(parameter, {}).items():
                if name == "step":
                    on_device = plan.graph or (plan.fused and parameter.is_cuda)
                    optimizer.state[parameter][name] = value.to(parameter.device if on_device else "cpu")
                else:
                    optimizer.state[parameter][name] = torch.empty_like(parameter).copy_(value)


def _first(network: nn.Module, kind: type[Any]) -> Any:
    return next(layer for layer in network.modules() if isinstance(layer, kind))


def _last(network: nn.Module, kind: type[Any]) -> Any:
    return [layer for layer in network.modules() if isinstance(layer, kind)][-1]
