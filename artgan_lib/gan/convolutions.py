"""A convolution whose derivatives of any order are convolutions of the library, for penalties on gradients.

PyTorch differentiates a convolution's backward pass by a convolution of the whole batch with itself, in shapes that a
processor's kernels are two to five times slower at. A convolution, its transpose and the gradient for its weights are
closed under differentiation, so that each derivative is one of these three, and each of them has a kernel of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Convolve as `torch.nn.functional.conv2d` does; squares only, and under autocast it is that function.

    Args:
        x: Shape (N, C, H, H).
        weight: Shape (C', C, K, K).
        bias: Shape (C',).
        stride: Pixels between two places of the kernel.
        padding: Zeros on each side.
    """
    if torch.is_autocast_enabled(x.device.type):
        return F.conv2d(x, weight, bias, stride, padding)
    y: Tensor = _Convolve.apply(x, weight, stride, padding)
    return y if bias is None else y + bias[:, None, None]


@contextmanager
def only_inputs() -> Iterator[None]:
    """Leave the gradients of weights out of a backward pass that asks for those of pictures alone.

    PyTorch's own operations see what is asked for; ours, written in Python, are not told. Weights get no gradient here.
    """
    former = _weights_too.set(False)
    try:
        yield
    finally:
        _weights_too.reset(former)


# Of a thread by itself: a backward pass on a processor runs in the one that called for it.
_weights_too = ContextVar("weights_too", default=True)


class _Convolve(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (x, weight), (g,), how = ctx.saved_tensors, gradients, (ctx.stride, ctx.padding)
        for_x = _Transpose.apply(g, weight, *how, x.shape[-1]) if ctx.needs_input_grad[0] else None
        wanted = ctx.needs_input_grad[1] and _weights_too.get()
        for_weight = _WeightGradient.apply(x, g, weight, *how) if wanted else None
        return for_x, for_weight, None, None


class _Transpose(Function):
    @staticmethod
    def forward(ctx: Any, g: Tensor, weight: Tensor, stride: int, padding: int, side: int) -> Tensor:
        ctx.save_for_backward(g, weight)
        ctx.stride, ctx.padding = stride, padding
        least = (g.shape[-1] - 1) * stride - 2 * padding + weight.shape[-1]
        return F.conv_transpose2d(g, weight, None, stride, padding, side - least)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        (g, weight), (x,), how = ctx.saved_tensors, gradients, (ctx.stride, ctx.padding)
        for_g = _Convolve.apply(x, weight, *how) if ctx.needs_input_grad[0] else None
        for_weight = _WeightGradient.apply(x, g, weight, *how) if ctx.needs_input_grad[1] else None
        return for_g, for_weight, None, None, None


class _WeightGradient(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, g: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, g)
        ctx.stride, ctx.padding = stride, padding
        how: Any = [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1  # no dilation, not transposed, one group
        # Of the weight no more than shape and layout matter.
        gradients: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
            g, x, weight, None, *how, [False, True, False]
        )
        return gradients[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        (x, g), (weight,), how = ctx.saved_tensors, gradients, (ctx.stride, ctx.padding)
        for_x = _Transpose.apply(g, weight, *how, x.shape[-1]) if ctx.needs_input_grad[0] else None
        for_g = _Convolve.apply(x, weight, *how) if ctx.needs_input_grad[1] else None
        return for_x, for_g, None, None, None
