"""A convolution of stride 2 as one matrix product over patches, forwards and backwards, as often as is differentiated.

On a processor the library's own kernels lose half their speed where the result is only four pixels wide, which is where
half the work of a critic with kernel 5 lies. Cutting the patches out costs next to nothing there, and the product runs
at full speed. `SameConv2d` and `SameConvTranspose2d` take this way where `gan.acceleration` has marked them.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def cut(x: Tensor, kernel: int) -> Tensor:
    """Cut overlapping patches out, two pixels apart: (N, C, H, H) to (N, kernel * kernel * C, O, O), channels last."""
    patches: Tensor = _Cut.apply(x, kernel)
    return patches


def lay(patches: Tensor, kernel: int, side: int) -> Tensor:
    """Lay patches back and add up where they overlap: the transpose of `cut` for pictures of this side."""
    x: Tensor = _Lay.apply(patches, kernel, side)
    return x


class _Cut(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int) -> Tensor:
        ctx.kernel, ctx.side = kernel, x.shape[-1]
        count, channels, height, _ = x.shape
        out = (height - kernel) // 2 + 1
        x = x.permute(0, 2, 3, 1)
        picture, row, column, channel = x.stride()
        strides = (picture, 2 * row, 2 * column, row, column, channel)
        patches = x.as_strided((count, out, out, kernel, kernel, channels), strides, x.storage_offset())
        return patches.reshape(count, out, out, -1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return lay(gradients[0], ctx.kernel, ctx.side), None


class _Lay(Function):
    @staticmethod
    def forward(ctx: Any, patches: Tensor, kernel: int, side: int) -> Tensor:
        ctx.kernel = kernel
        count, _, out, _ = patches.shape
        cells = patches.permute(0, 2, 3, 1).reshape(count, out, out, kernel, kernel, -1)
        x = cells.new_zeros(count, side, side, cells.shape[-1])
        for row in range(kernel):
            for column in range(kernel):
                x[:, row : row + 2 * out - 1 : 2, column : column + 2 * out - 1 : 2] += cells[:, :, :, row, column]
        return x.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        return cut(gradient, ctx.kernel), None, None
