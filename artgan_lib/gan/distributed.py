"""Several processes that train one network: who this one is, and all that they say to one another.

`torchrun` starts them and tells each its number. Every process draws the random numbers of the whole batch and takes
its part, so that the number of processes does not change a run; gradients are averaged before every optimiser step.
That is done by `torch.distributed` itself and not by `DistributedDataParallel`, which averages what `backward()`
accumulates and, as its documentation says, does not work with `torch.autograd.grad`, without which there is no penalty.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from artgan_lib.errors import ArtganError
from artgan_lib.gan.models import choose_device

Value = TypeVar("Value")
Network = TypeVar("Network", bound=nn.Module)

PATIENCE = timedelta(hours=2)
"""How long processes wait for one that is busy, with measuring, say; one that is lost is noticed at once."""

_LOST = ("connection closed by peer", "connection reset", "gloo", "nccl", "broken pipe", "timed out")

ASK_EVERY = 10
"""Steps on a GPU between two questions whether any process was asked to stop; each waits for the device."""


@dataclass(frozen=True)
class World:
    """The processes of a run, and which of them this is. Alone, every method does nothing."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def part(self, values: Tensor, dim: int = 0) -> Tensor:
        """Return this process' part of what was drawn for the whole batch."""
        return values if self.size == 1 else values.chunk(self.size, dim)[self.rank]

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means over all processes, in one message."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        for tensor, mean in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(mean.view(tensor.shape))

    def average_statistics_(self, networks: Sequence[nn.Module]) -> None:
        """Average the running statistics of batch normalisation, which each process gathers from its part alone."""
        layers = [layer for network in networks for layer in network.modules() if isinstance(layer, _BatchNorm)]
        found = [value for layer in layers for value in (layer.running_mean, layer.running_var) if value is not None]
        if found:
            self.average_(found)

    def any(self, asked: bool) -> bool:
        """Tell whether any process says yes."""
        if self.size == 1:
            return asked
        answer = torch.tensor(float(asked), device=self.device)
        distributed.all_reduce(answer, distributed.ReduceOp.MAX)
        return bool(answer)

    def stops(self, asked: bool, step: int) -> bool:
        """Tell whether any process was asked to stop; all of them get the same answer at the same step."""
        if self.size > 1 and self.device.type == "cuda" and step % ASK_EVERY:
            return False
        return self.any(asked)

    def share(self, make: Callable[[], Value]) -> Value:
        """Let the first process make something and give it to all; what it raises, all raise."""
        if self.size == 1:
            return make()
        box: list[Any] = [None, None]
        if self.leads:
            try:
                box[0] = make()
            except ArtganError as error:
                box[1] = error
        distributed.broadcast_object_list(box, device=self.device)
        if box[1] is not None:
            raise box[1]
        made: Value = box[0]
        return made


ALONE = World()


def started_by_torchrun() -> bool:
    """Tell whether this is one process of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def leads() -> bool:
    """Tell whether this process speaks for all of them."""
    return os.environ.get("RANK", "0") == "0"


def local_device(name: str) -> torch.device:
    """Return the device of this name; each process of a machine gets a GPU of its own."""
    device = choose_device(name)
    if started_by_torchrun() and device.type == "cuda" and ":" not in name:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


@contextmanager
def joined(device: torch.device, batch_size: int) -> Iterator[World]:
    """Join the other processes, and leave them at the end.

    Raises:
        ArtganError: If the batch cannot be divided, or another process is lost on the way.
    """
    if not started_by_torchrun():
        yield World(device=device)
        return
    size = int(os.environ["WORLD_SIZE"])
    if batch_size % size:
        raise ArtganError(f"a batch of {batch_size} cannot be divided among {size} processes; set batch_size otherwise")
    ours = not distributed.is_initialized()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        if ours:
            # Loaded later, by an optimiser's first step, its defaults would hold on to the group, whose threads then
            # outlive it and now and then abort the process as it ends.
            from torch.distributed.nn import functional  # noqa: F401

            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
        yield World(distributed.get_rank(), size, device)
    except RuntimeError as error:
        if "Dist" not in type(error).__name__ and not any(word in str(error).lower() for word in _LOST):
            raise
        detail = str(error).splitlines()[0][:120]
        raise ArtganError(
            f"another process of this run was lost, so it ends here; the same command goes on from the newest "
            f"checkpoint ({detail})"
        ) from None
    finally:
        if ours and distributed.is_initialized():
            distributed.destroy_process_group()


def synchronized(network: Network, world: World) -> Network:
    """Let batch normalisation see the whole batch where several GPUs train; elsewhere each process sees its part."""
    if world.size > 1 and world.device.type == "cuda":
        converted: Network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    return network
