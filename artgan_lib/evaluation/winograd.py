"""Wide 3 x 3 convolutions of a feature network by Winograd's algorithm, for processors; see `gan.winograd`."""

from typing import TypeGuard

import torch
from torch import Tensor, nn

from artgan_lib.gan.winograd import TILE, both_sides, cook_toom

WIDE = 64
"""Least channels on both sides: below, products do not outweigh what goes with them."""

AT_ONCE = 400
"""Tiles that go through together; more of them leave the processor's caches."""


def multiply_less(network: nn.Module) -> None:
    """Put the faster layer in the place of every convolution that it can do, for looking only."""
    for parent in network.modules():
        for name, layer in parent.named_children():
            if _suits(layer):
                setattr(parent, name, WinogradConv2d(layer))


def _suits(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    return (
        isinstance(layer, nn.Conv2d)
        and (layer.kernel_size, layer.stride, layer.dilation, layer.groups) == ((3, 3), (1, 1), (1, 1), 1)
        and layer.padding in ((0, 0), (1, 1))
        and layer.padding_mode == "zeros"
        and layer.bias is not None
        and min(layer.in_channels, layer.out_channels) >= WIDE
    )


class WinogradConv2d(nn.Module):
    """A convolution of kernel 3 and stride 1 with a bias, without gradients (Lavin and Gray 2016, F(4 x 4, 3 x 3)).

    Args:
        layer: The convolution whose weights it takes over.
    """

    values: Tensor
    pixels: Tensor
    results: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.padding, (self.channels_out, self.channels_in) = int(layer.padding[0]), layer.weight.shape[:2]
        pixels, weights, results = (torch.from_numpy(matrix) for matrix in cook_toom(3))
        taps = layer.weight.detach().double().permute(2, 3, 1, 0).reshape(9, self.channels_in, self.channels_out)
        self.register_buffer("values", both_sides(weights, taps).float())  # (36, C, C')
        self.register_buffer("pixels", pixels.float())
        self.register_buffer("results", results.float())
        self.register_buffer("bias", layer.bias)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H', W'), channels last, H' and W' as the padding leaves them."""
        count, channels, height, width = x.shape
        high, wide = height + 2 * self.padding - 2, width + 2 * self.padding - 2
        rows, columns = -(-high // TILE), -(-wide // TILE)
        y = x.new_empty(count, high, wide, self.channels_out)
        step = max(1, AT_ONCE // (rows * columns))  # pictures
        padded = x.new_zeros(step, rows * TILE + 2, columns * TILE + 2, channels)
        inner = slice(self.padding, self.padding + height), slice(self.padding, self.padding + width)
        picture, row, column, channel = padded.stride()
        for first in range(0, count, step):
            part = x[first : first + step]
            padded[: len(part), *inner] = part.permute(0, 2, 3, 1)
            shape = (6, 6, len(part), rows, columns, channels)
            tiles = padded.as_strided(shape, (row, column, picture, TILE * row, TILE * column, channel))
            values = torch.bmm(both_sides(self.pixels, tiles.reshape(36, -1, channels)), self.values)
            squares = both_sides(self.results, values).add_(self.bias)
            squares = squares.view(TILE, TILE, len(part), rows, columns, -1).permute(2, 3, 0, 4, 1, 5)
            whole = squares.reshape(len(part), rows * TILE, columns * TILE, -1)
            y[first : first + step] = whole[:, :high, :wide]
        return y.permute(0, 3, 1, 2)
