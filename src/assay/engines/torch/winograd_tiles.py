"""Convolutions of 3 x 3 of R runs with a quarter of the multiplications, in tiles of 4 x 4 outputs.

With x the 6 x 6 inputs that a tile of outputs depends on, and g a kernel
(Lavin & Gray 2016; the matrices are those of `assay.engines.torch.tile_matrices`),

    v = INPUT x INPUT^T,   u = KERNEL g KERNEL^T,   m = sum over channels of u v,   y = OUTPUT m OUTPUT^T,

so that each of the 36 positions is a matrix product over all tiles, and those of all positions and runs are
one batched product. Backward, the gradient of u is the sum over tiles of v times GRADIENT dy GRADIENT^T,
that of g is KERNEL^T du KERNEL, and that of x a convolution of dy. Triton's kernels make tiles of maps, and
maps of products, on a GPU; elsewhere PyTorch's operations do.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from assay.engines.torch.layout import channels_last
from assay.engines.torch.tile_matrices import (
    GRADIENT,
    INPUT,
    KERNEL,
    OUT,
    OUTPUT,
    POSITIONS,
    SIDE,
    TAPS,
    Matrix,
)
from assay.shapes import Pair

aten = torch.ops.aten

WORKSPACE = 2**29
"""Bytes of tiles at a time: more images than that has room for are taken part by part."""

Grid = Pair
"""Tiles in a column and in a row."""


class TiledConvolution:
    """Convolutions of one size, with stride 1; ``like`` has the device and type of all values.

    What depends on no values is put on the device here, since no graph can record it.
    """

    def __init__(self, runs: int, padding: Pair, like: Tensor) -> None:
        self._runs = runs
        self._padding = padding
        matrix = torch.tensor(KERNEL, dtype=torch.float64)
        self._taps = torch.kron(matrix, matrix).to(like.device, like.dtype)

    def correlate(self, x: Tensor, kernels: Tensor, bias: Tensor | None) -> Tensor:
        """Return maps (N, R O, H', W') of x (N, R C, H, W) with kernels (R, O, C, 3, 3) and a bias (R O)."""
        x, (out, channels) = channels_last(x), kernels.shape[1:3]
        (up, left), (height, width) = self._padding, x.shape[2:]
        size = height + 2 * up - TAPS + 1, width + 2 * left - TAPS + 1
        y = x.new_empty(len(x), *size, self._runs * out).permute(0, 3, 1, 2)
        factors = (self._taps @ kernels.permute(3, 4, 0, 1, 2).reshape(TAPS**2, -1)).view(-1, out, channels)
        for part in self._parts(x, y):
            seen = split(x[part], self._runs, _grid(y), self._padding, INPUT)
            made = torch.bmm(seen.flatten(0, 1), factors.mT)
            join(made.view(POSITIONS, self._runs, -1, out), bias, y[part])
        return y

    def kernel_gradient(self, x: Tensor, dy: Tensor) -> Tensor:
        """Return the kernels' gradient (R, O, C, 3, 3), of what `correlate` read and dy (N, R O, H', W')."""
        x, dy = channels_last(x), channels_last(dy)
        channels, out = x.shape[1] // self._runs, dy.shape[1] // self._runs
        total = x.new_zeros(POSITIONS * self._runs, out, channels)
        for part in self._parts(x, dy):
            seen = split(x[part], self._runs, _grid(dy), self._padding, INPUT)
            given = split(dy[part], self._runs, _grid(dy), (0, 0), GRADIENT)
            total.baddbmm_(given.flatten(0, 1).mT, seen.flatten(0, 1))
        taps = self._taps.mT @ total.view(POSITIONS, -1)
        return taps.view(TAPS, TAPS, self._runs, out, channels).permute(2, 3, 4, 0, 1)

    def _parts(self, x: Tensor, y: Tensor) -> Iterator[slice]:
        """Yield which images to take at once."""
        rows, columns = _grid(y)
        one = POSITIONS * rows * columns * max(x.shape[1], y.shape[1]) * x.element_size()
        step = max(1, WORKSPACE // one)
        return (slice(start, start + step) for start in range(0, len(x), step))


def split(x: Tensor, runs: int, grid: Grid, padding: Pair, matrix: Matrix) -> Tensor:
    """Return tiles (36, R, N TH TW, C) of maps (N, R C, H, W), each multiplied from both sides."""
    n, channels = x.shape[:2]
    tiles = x.new_empty(POSITIONS, runs, n * grid[0] * grid[1], channels // runs)
    if by_triton(x):
        from assay.engines.torch import triton_winograd

        triton_winograd.split(x, tiles, grid, padding, matrix)
        return tiles
    edge, factor = len(matrix[0]), x.new_tensor(matrix)
    (up, left), (height, width) = padding, x.shape[2:]
    reach = grid[0] * OUT + edge - OUT - height, grid[1] * OUT + edge - OUT - width
    padded = aten.constant_pad_nd(x, [left, reach[1] - left, up, reach[0] - up], 0)
    seen = padded.unfold(2, edge, OUT).unfold(3, edge, OUT).unflatten(1, (runs, -1))
    return tiles.copy_(torch.einsum("ia,nrctuab,jb->ijrntuc", factor, seen, factor).reshape(tiles.shape))


def join(tiles: Tensor, bias: Tensor | None, y: Tensor) -> None:
    """Write maps y (N, R O, H', W') of products (36, R, N TH TW, O), and add the bias."""
    if by_triton(y):
        from assay.engines.torch import triton_winograd

        triton_winograd.join(tiles, bias, y, _grid(y))
        return
    factor, (rows, columns) = y.new_tensor(OUTPUT), _grid(y)
    products = tiles.view(SIDE, SIDE, tiles.shape[1], len(y), rows, columns, -1)
    whole = torch.einsum("ai,ijrntuo,bj->nrotaub", factor, products, factor)
    maps = whole.reshape(len(y), -1, rows * OUT, columns * OUT)[:, :, : y.shape[2], : y.shape[3]]
    y.copy_(maps if bias is None else maps + bias.view(-1, 1, 1))


def by_triton(x: Tensor) -> bool:
    """Tell whether Triton is to compute with such tensors."""
    return x.is_cuda


def _grid(y: Tensor) -> Grid:
    """Return how many tiles cover such maps."""
    return -(-y.shape[2] // OUT), -(-y.shape[3] // OUT)
