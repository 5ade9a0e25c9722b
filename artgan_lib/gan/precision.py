"""How a step is computed, applied from outside the networks: memory layout, precision, compilation.

The defaults, float32 and eager, are the same on every device. TF32, bf16 on a GPU, fused Adam and compilation have not
been run on a GPU by us, so they are options.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, get_args

import torch
from torch import nn

from artgan_lib.config import TrainConfig
from artgan_lib.errors import ArtganError

Precision = Literal["float32", "tf32", "bf16"]


def check_precision(precision: str) -> None:
    """Refuse a precision that does not exist.

    Raises:
        ArtganError: If it is none of `float32`, `tf32` and `bf16`.
    """
    if precision not in get_args(Precision):
        raise ArtganError(f"there is no precision {precision!r}; there are {', '.join(get_args(Precision))}")


def lay_out(networks: Sequence[nn.Module], optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Store weights and Adam's moments channels last, which the convolutions of every device prefer.

    Call it again after a state was loaded: moments come back in the layout they were saved in.
    """
    for network in networks:
        network.to(memory_format=torch.channels_last)
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            for name, value in state.items():
                if value.shape == parameter.shape:
                    state[name] = torch.empty_like(parameter).copy_(value)


def compile_networks(config: TrainConfig, networks: Sequence[nn.Module]) -> None:
    """Compile networks in place by `torch.compile`.

    Raises:
        ArtganError: If the config has a gradient penalty, which compiled networks cannot be differentiated for.
    """
    if config.gradient_correction == "penalty":
        raise ArtganError("--compile cannot differentiate twice, as the gradient penalty does; leave it out")
    for network in networks:
        network.compile()


@contextmanager
def computing_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """Compute in a precision inside the `with`.

    Args:
        precision: `float32`; `tf32`, matrix products and convolutions of float32 numbers rounded to 10 bits of mantissa
            on an NVIDIA GPU, float32 elsewhere; `bf16`, the same of numbers of 7 bits (autocast), on any device. The
            gradient penalty stays in float32.
        device: Where the step is computed.
    """
    matmul, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
    former = matmul.fp32_precision, convolutions.fp32_precision
    kind = "tf32" if precision == "tf32" else "ieee"
    matmul.fp32_precision, convolutions.fp32_precision = kind, kind
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False):
            yield
    finally:
        matmul.fp32_precision, convolutions.fp32_precision = former
