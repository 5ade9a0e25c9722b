"""Convolutions of stride 2 and their transposes with a third to less than a half of the multiplications.

A convolution is a product of polynomials, and one of degree n - 1 is known from n of its values: instead of
multiplying each pixel by each weight, tiles and weights are evaluated at n points, multiplied value by value, and what
comes out is interpolated (Winograd 1980, *Arithmetic Complexity of Computations*; for networks Lavin and Gray 2016,
*Fast Algorithms for Convolutional Neural Networks*, sections 4 and 5). Of stride 2, pixels of even places meet only
weights of even places, and odd ones odd ones, so that there are two such products, whose values stand side by side.

For kernel K a tile of (K + 6) x (K + 6) pixels gives 4 x 4 results by (K + 6)**2 products for each pair of channels
instead of 16 K**2. All but the products is linear, and each linear map is differentiated by its transpose, so that
derivatives of any order are made of the same parts and cost as little.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

TILE = 4
"""Results of a tile, a side; the sides of results must be multiples of it. More would cost digits of float32."""

_POINTS = (0, 1, -1, 2, -2)  # and infinity: where polynomials are evaluated


def convolve(x: Tensor, weight: Tensor, before: int) -> Tensor:
    """Convolve by stride 2: (N, C, 2 H, 2 H) to (N, C', H, H).

    Args:
        x: Pictures; zeros are put around them so that the result has half their side.
        weight: Shape (C', C, K, K), K of at least 3.
        before: Zeros in front of the first row and column.
    """
    kernel, side = weight.shape[-1], x.shape[-1]
    values = torch.bmm(_linear(x, Tiles(kernel, side, before)), _linear(weight, Weights(kernel)))
    return _linear(values, Results(kernel, side // 2), transposed=True)


def convolve_transposed(x: Tensor, weight: Tensor, before: int) -> Tensor:
    """Go the way of `convolve` back: (N, C', H, H) to (N, C, 2 H, 2 H); `before` rows and columns are cut off."""
    kernel, side = weight.shape[-1], 2 * x.shape[-1]
    weights = _linear(weight, Weights(kernel))
    values = torch.bmm(_linear(x, Results(kernel, side // 2)), weights.transpose(1, 2))
    return _linear(values, Tiles(kernel, side, before), transposed=True)


class Tiles(NamedTuple):
    """Pictures (N, C, S, S) to values of their tiles (points, tiles, C)."""

    kernel: int
    side: int
    before: int

    def forward(self, x: Tensor) -> Tensor:
        """Pad, cut tiles that overlap by K - 2 pixels, and transform both sides of each."""
        count, channels = x.shape[:2]
        padded = x.new_zeros(count, *self._around, channels)
        inner = slice(self.before, self.before + self.side)
        padded[:, inner, inner] = x.permute(0, 2, 3, 1)
        picture, row, column, channel = padded.stride()
        size, across = self.kernel + 2 * TILE - 2, self.side // (2 * TILE)
        strides = (row, column, picture, 2 * TILE * row, 2 * TILE * column, channel)
        tiles = padded.as_strided((size, size, count, across, across, channels), strides)
        return both_sides(_matrices(self.kernel, x.dtype).pixels, tiles.reshape(size * size, -1, channels))

    def transpose(self, values: Tensor) -> Tensor:
        """Transform back and add tiles up where they overlap."""
        step, across, channels = 2 * TILE, self.side // (2 * TILE), values.shape[-1]
        size, rest = self.kernel + step - 2, self.kernel - 2
        tiles = both_sides(_matrices(self.kernel, values.dtype).pixels.T, values)
        tiles = tiles.view(size, size, -1, across, across, channels).permute(2, 3, 0, 4, 1, 5)
        count = len(tiles)
        x = values.new_zeros(count, across + 1, step, across + 1, step, channels)
        # The part of a tile that is its own and of its left and upper neighbour's rest, then its three rests.
        x[:, :-1, :, :-1] = tiles[:, :, :step, :, :step]
        x[:, 1:, :rest, :-1] += tiles[:, :, step:, :, :step]
        x[:, :-1, :, 1:, :rest] += tiles[:, :, :step, :, step:]
        x[:, 1:, :rest, 1:, :rest] += tiles[:, :, step:, :, step:]
        inner = slice(self.before, self.before + self.side)
        whole = x.view(count, *[step * (across + 1)] * 2, channels)
        return whole[:, inner, inner].contiguous().permute(0, 3, 1, 2)

    @property
    def _around(self) -> tuple[int, int]:
        return (self.side + self.kernel - 2,) * 2


class Results(NamedTuple):
    """Pictures (N, C, H, H) to values (points, tiles, C); what is wanted of it is above all the transpose."""

    kernel: int
    side: int

    def forward(self, y: Tensor) -> Tensor:
        """Cut pictures into squares of 4 x 4 and transform both sides of each."""
        count, channels = y.shape[:2]
        across = self.side // TILE
        squares = y.permute(0, 2, 3, 1).reshape(count, across, TILE, across, TILE, channels).permute(2, 4, 0, 1, 3, 5)
        return both_sides(_matrices(self.kernel, y.dtype).results.T, squares.reshape(TILE * TILE, -1, channels))

    def transpose(self, values: Tensor) -> Tensor:
        """Interpolate, and put the squares side by side."""
        across, channels = self.side // TILE, values.shape[-1]
        squares = both_sides(_matrices(self.kernel, values.dtype).results, values)
        squares = squares.view(TILE, TILE, -1, across, across, channels).permute(2, 3, 0, 4, 1, 5)
        return squares.reshape(-1, self.side, self.side, channels).permute(0, 3, 1, 2)


class Weights(NamedTuple):
    """Weights (C', C, K, K) to values (points, C, C')."""

    kernel: int

    def forward(self, weight: Tensor) -> Tensor:
        """Transform both sides of each kernel."""
        taps = weight.permute(2, 3, 1, 0).reshape(self.kernel**2, weight.shape[1], weight.shape[0])
        return both_sides(_matrices(self.kernel, weight.dtype).weights, taps)

    def transpose(self, values: Tensor) -> Tensor:
        """Transform back."""
        taps = both_sides(_matrices(self.kernel, values.dtype).weights.T, values)
        return taps.view(self.kernel, self.kernel, *taps.shape[1:]).permute(3, 2, 0, 1).contiguous()


def _linear(x: Tensor, way: Tiles | Results | Weights, *, transposed: bool = False) -> Tensor:
    there, back = (way.transpose, way.forward) if transposed else (way.forward, way.transpose)
    y: Tensor = _Linear.apply(x, there, back)
    return y


class _Linear(Function):
    """A linear map, whose derivative is its transpose, whose derivative is the map."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.maps = back, there
        return there(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _Linear.apply(gradients[0], *ctx.maps), None, None


def both_sides(matrix: Tensor, x: Tensor) -> Tensor:
    """Multiply both sides of squares (p p, M, C), of which each number is a matrix, by (q, p): (q q, M, C)."""
    after, before = matrix.shape
    rows = (matrix @ x.reshape(before, -1)).view(after, before, -1)
    return torch.matmul(matrix, rows).view(after * after, *x.shape[1:])


class Matrices(NamedTuple):
    """What pixels, weights and results are multiplied by, a side: (n, n), (n, K) and (4, n) for n = K + 6 points."""

    pixels: Tensor
    weights: Tensor
    results: Tensor


@lru_cache
def _matrices(kernel: int, kind: torch.dtype) -> Matrices:
    size, even = kernel + 2 * TILE - 2, (kernel + 1) // 2
    pixels, weights, results = np.zeros((size, size)), np.zeros((size, kernel)), np.zeros((TILE, size))
    rows = slice(0, TILE + even - 1), slice(TILE + even - 1, size)
    for phase, taps in enumerate((even, kernel - even)):
        pixels[rows[phase], phase::2], weights[rows[phase], phase::2], results[:, rows[phase]] = cook_toom(taps)
    return Matrices(*(torch.from_numpy(matrix).to(kind) for matrix in (pixels, weights, results)))


def cook_toom(taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return B, G and A for which A @ ((G @ w) * (B @ x)) is x correlated with w, of stride 1 (Lavin and Gray, eq. 6).

    Args:
        taps: Weights in w, r; there are 4 results of n = r + 3 pixels.

    Returns:
        float64 matrices of shape (n, n), (n, r) and (4, n).
    """
    size = TILE + taps - 1
    points = np.array(_POINTS[: size - 1], dtype=float)

    def evaluate(count: int) -> np.ndarray:
        """Values of a polynomial of so many coefficients at all points, the last one infinity."""
        return np.vstack([points[:, None] ** np.arange(count), np.eye(1, count, count - 1)])

    # A product of polynomials is inv(V_n) @ ((V_4 @ a) * (V_r @ w)); transposed with respect to a it is a correlation.
    pixels = np.linalg.inv(evaluate(size)).T
    scale = np.abs(pixels).max(1, keepdims=True)  # powers of ten apart, values would lose digits
    return pixels / scale, evaluate(taps) * scale, evaluate(TILE).T
