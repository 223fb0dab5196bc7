"""Maps to Winograd's tiles and back, one pass over memory each, by Triton.

This is imported only where Triton is installed (`ways.winograd_works`). The same in
PyTorch's operations, and what the numbers mean: `winograd_tiles`.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, misc, index, assignment"

from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from assay.engines.torch.tile_matrices import OUT, OUTPUT, SIDE, Matrix
from assay.shapes import Shape

WIDEST = 256
"""Channels, of all runs, at a time: a thread keeps two channels of a whole tile in registers."""


@triton.jit
def _combined(
    values, M: tl.constexpr, ROW: tl.constexpr, K: tl.constexpr, FIRST: tl.constexpr, STEP: tl.constexpr
):
    """Return the sum of K of the values, by a row of a matrix of K columns."""
    total = values[FIRST] * M[ROW * K]
    for k in tl.static_range(1, K):
        if M[ROW * K + k] != 0:
            total += values[FIRST + k * STEP] * M[ROW * K + k]
    return total


@triton.jit
def _both_ways(values, M: tl.constexpr, ROWS: tl.constexpr, K: tl.constexpr):
    """Return M values M^T, ROWS x ROWS of K x K values, row by row."""
    halves = ()
    for i in tl.static_range(ROWS):
        for b in tl.static_range(K):
            halves = halves + (_combined(values, M, i, K, b, K),)
    found = ()
    for i in tl.static_range(ROWS):
        for j in tl.static_range(ROWS):
            found = found + (_combined(halves, M, j, K, i * K, 1),)
    return found


@triton.jit
def _split(
    x, v, H, W, PH, PW, TH, TW, T, CHANNELS, STEP,
    C: tl.constexpr, STRIDE: tl.constexpr, K: tl.constexpr, ROWS: tl.constexpr, M: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """One program for each tile of K x K pixels and BLOCK channels of all runs."""
    tile = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < CHANNELS
    image = tile // (TH * TW) * H
    top = tile // TW % TH * STRIDE - PH
    left = tile % TW * STRIDE - PW
    values = ()
    for a in tl.static_range(K):
        for b in tl.static_range(K):
            row = top + a
            column = left + b
            seen = inside & (row >= 0) & (row < H) & (column >= 0) & (column < W)
            at = x + ((image + row) * W + column) * CHANNELS + channel
            values = values + (tl.load(at, mask=seen, other=0.0),)
    found = _both_ways(values, M, ROWS, K)
    to = v + (channel // C * T + tile) * C + channel % C
    for p in tl.static_range(ROWS * ROWS):
        tl.store(to, found[p], mask=inside)
        to += STEP


@triton.jit
def _join(
    m, bias, y, H, W, TH, TW, T, CHANNELS, STEP,
    C: tl.constexpr, BIASED: tl.constexpr, K: tl.constexpr, ROWS: tl.constexpr, M: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """One program for each tile of ROWS x ROWS pixels and BLOCK channels of all runs."""
    tile = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < CHANNELS
    image = tile // (TH * TW) * H
    top = tile // TW % TH * ROWS
    left = tile % TW * ROWS
    at = m + (channel // C * T + tile) * C + channel % C
    values = ()
    for _ in tl.static_range(K * K):
        values = values + (tl.load(at, mask=inside, other=0.0),)
        at += STEP
    found = _both_ways(values, M, ROWS, K)
    for a in tl.static_range(ROWS):
        for b in tl.static_range(ROWS):
            value = found[a * ROWS + b]
            if BIASED:
                value += tl.load(bias + channel, mask=inside, other=0.0)
            row = top + a
            column = left + b
            there = inside & (row < H) & (column < W)
            tl.store(y + ((image + row) * W + column) * CHANNELS + channel, value, mask=there)


def split(x: Tensor, tiles: Tensor, grid: Shape, border: Shape, matrix: Matrix) -> None:
    """Write the tiles (36, R, N TH TW, C) of maps (N, R C, H, W), which lie channels last."""
    channels, height, width = x.shape[1:]
    _, runs, count, own = tiles.shape
    window = (own, OUT, len(matrix[0]), SIDE, sum(matrix, ()))
    _launch(_split, (x, tiles, height, width, *border, *grid), count, channels, runs * own, window)


def join(tiles: Tensor, bias: Tensor | None, y: Tensor, grid: Shape) -> None:
    """Write the maps y (N, R O, H, W), which lie channels last, of products (36, R, N TH TW, O)."""
    channels, height, width = y.shape[1:]
    _, runs, count, own = tiles.shape
    window = (own, bias is not None, SIDE, OUT, sum(OUTPUT, ()))
    given = (tiles, y if bias is None else bias, y, height, width, *grid)
    _launch(_join, given, count, channels, runs * own, window)


def _launch(
    kernel, given: tuple[Any, ...], count: int, channels: int, width: int, window: tuple[Any, ...]
) -> None:
    """Start a program for each tile and block of channels."""
    block = min(WIDEST, triton.next_power_of_2(channels))
    grid = (count, triton.cdiv(channels, block))
    kernel[grid](*given, count, channels, count * width, *window, BLOCK=block)
