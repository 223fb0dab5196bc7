"""ReLU and max pooling in one Triton kernel, for channels-last maps and windows that do not overlap.

PyTorch's take two to four times as long: pooling notes 8 bytes for each
maximum, ReLU reads and writes everything once more, and so do both backward.
This is imported only where Triton is installed (`ways.has_triton`).
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, misc, index"

from functools import cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from assay.nn.sliding import Sliding

WIDEST = 1024
"""Channels, of all runs, at a time."""


@triton.jit
def _forward(
    x, y, which, H, W, C, OH, OW,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr,
    PH: tl.constexpr, PW: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One program for each place of y and BLOCK channels."""
    place = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < C
    top = ((place // OW) % OH * SH - PH).to(tl.int32) + tl.zeros((BLOCK,), tl.int32)
    left = (place % OW * SW - PW).to(tl.int32) + tl.zeros((BLOCK,), tl.int32)
    image = place // (OW * OH) * H
    best = tl.full((BLOCK,), float("-inf"), tl.float32)
    tap = tl.zeros((BLOCK,), tl.int32)
    for k in tl.static_range(KH * KW):
        row = top + k // KW
        column = left + k % KW
        seen = inside & (row >= 0) & (row < H) & (column >= 0) & (column < W)
        at = ((image + row) * W + column) * C + channel
        value = tl.load(x + at, mask=seen, other=float("-inf")).to(tl.float32)
        better = (value > best) | (value != value)  # noqa: PLR0124 - no number: to be seen, not lost
        tap = tl.where(better, k, tap)
        best = tl.where(better, value, best)
    dead = best <= 0  # noted as 255, so that no gradient passes
    tl.store(y + place * C + channel, tl.where(dead, 0.0, best).to(y.dtype.element_ty), mask=inside)
    tl.store(which + place * C + channel, tl.where(dead, 255, tap).to(tl.uint8), mask=inside)


@triton.jit
def _backward(
    dy, which, dx, H, W, C, OH, OW,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr,
    PH: tl.constexpr, PW: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One program for each place of x and BLOCK channels: at most one window saw it."""
    place = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < C
    row = ((place // W) % H + PH).to(tl.int32) + tl.zeros((BLOCK,), tl.int32)
    column = (place % W + PW).to(tl.int32) + tl.zeros((BLOCK,), tl.int32)
    window = inside & (row // SH < OH) & (column // SW < OW) & (row % SH < KH) & (column % SW < KW)
    at = ((place // (W * H) * OH + row // SH) * OW + column // SW) * C + channel
    tap = tl.load(which + at, mask=window, other=255).to(tl.int32)
    value = tl.load(dy + at, mask=window, other=0.0)
    mine = tap == row % SH * KW + column % SW
    tl.store(dx + place * C + channel, tl.where(mine, value, 0.0).to(dx.dtype.element_ty), mask=inside)


def forward(x: Tensor, sliding: Sliding) -> tuple[Tensor, Tensor]:
    """Return max(pool(x), 0) of maps (N, C, H, W), and each maximum's place in its window (N, H', W', C)."""
    rows = x.permute(0, 2, 3, 1).contiguous()
    n, height, width, channels = rows.shape
    y = rows.new_empty(n, *sliding.output_size((channels, height, width)), channels)
    which = torch.empty_like(y, dtype=torch.uint8)
    _launch(_forward, (rows, y, which), y, (height, width, channels, *y.shape[1:3]), sliding)
    return y.permute(0, 3, 1, 2), which


def backward(dy: Tensor, which: Tensor, size: tuple[int, int], sliding: Sliding) -> Tensor:
    """Return the gradient of maps of ``size`` (H, W)."""
    rows = dy.permute(0, 2, 3, 1).contiguous()
    n, *pooled, channels = rows.shape
    dx = rows.new_empty(n, *size, channels)
    _launch(_backward, (rows, which, dx), dx, (*size, channels, *pooled), sliding)
    return dx.permute(0, 3, 1, 2)


def _launch(
    kernel, tensors: tuple[Tensor, ...], written: Tensor, sizes: tuple[int, ...], sliding: Sliding
) -> None:
    """Start a program for each place of what is written."""
    channels = written.shape[-1]
    block = min(WIDEST, triton.next_power_of_2(channels))
    grid = (written.numel() // channels, triton.cdiv(channels, block))
    window = (*sliding.kernel_size, *sliding.stride, *sliding.padding)
    kernel[grid](*tensors, *sizes, *window, BLOCK=block)


@cache
def works() -> bool:
    """Tell whether a kernel can be built and finds the maximum."""
    try:
        y, _ = forward(torch.ones(1, 1, 2, 2, device="cuda"), Sliding((2, 2), (2, 2)))
        return y.item() == 1
    except Exception:  # without a compiler, or on a GPU that Triton does not know, anything may be raised
        return False
