"""Max pooling of 2x2, bias and ReLU at once, in Triton, to compare with PyTorch's one after the other."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024


@triton.jit
def _forward(x, b, y, which, H, W, C, OH, OW, total, BLOCK: tl.constexpr):  # type: ignore  # noqa
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = i < total
    c = i % C
    p = i // C
    base = (((p // (OW * OH)) * H + 2 * ((p // OW) % OH)) * W + 2 * (p % OW)) * C + c
    best = tl.load(x + base, mask=inside, other=0.0).to(tl.float32)
    k = tl.zeros((BLOCK,), tl.int32)
    for j in tl.static_range(1, 4):
        other = tl.load(x + base + (j // 2) * W * C + (j % 2) * C, mask=inside, other=0.0).to(tl.float32)
        k = tl.where(other > best, j, k)
        best = tl.maximum(best, other)
    value = best + tl.load(b + c, mask=inside, other=0.0).to(tl.float32)
    k = tl.where(value > 0, k, 4)
    tl.store(y + i, tl.maximum(value, 0.0).to(y.dtype.element_ty), mask=inside)
    tl.store(which + i, k.to(tl.uint8), mask=inside)


@triton.jit
def _backward(dy, which, dx, H, W, C, OH, OW, total, BLOCK: tl.constexpr):  # type: ignore  # noqa
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = i < total
    c = i % C
    p = i // C
    w = p % W
    h = (p // W) % H
    pooled = inside & (h // 2 < OH) & (w // 2 < OW)
    at = (((p // (W * H)) * OH + h // 2) * OW + w // 2) * C + c
    k = tl.load(which + at, mask=pooled, other=4).to(tl.int32)
    value = tl.load(dy + at, mask=pooled, other=0.0)
    tl.store(dx + i, tl.where(k == (h % 2) * 2 + w % 2, value, 0.0).to(dx.dtype.element_ty), mask=inside)


def forward(x: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return max(pool(x) + b, 0) of maps (N, C, H, W) that lie channels last, and where the maxima were."""
    n, c, h, w = x.shape
    y = torch.empty(n, h // 2, w // 2, c, dtype=x.dtype, device=x.device)
    which = torch.empty_like(y, dtype=torch.uint8)
    grid = (triton.cdiv(y.numel(), BLOCK),)
    _forward[grid](x, b, y, which, h, w, c, h // 2, w // 2, y.numel(), BLOCK=BLOCK)
    return y.permute(0, 3, 1, 2), which


def backward(dy: Tensor, which: Tensor, shape: Any) -> Tensor:
    """Return the gradient of x, of this shape."""
    n, c, h, w = shape
    dx = torch.empty(n, h, w, c, dtype=dy.dtype, device=dy.device)
    grid = (triton.cdiv(dx.numel(), BLOCK),)
    _backward[grid](dy, which, dx, h, w, c, h // 2, w // 2, dx.numel(), BLOCK=BLOCK)
    return dx.permute(0, 3, 1, 2)


def check() -> None:
    """Compare with PyTorch's."""
    x = torch.randn(3, 64, 7, 5, device="cuda").contiguous(memory_format=torch.channels_last)
    b = torch.randn(64, device="cuda")
    y, which = forward(x, b)
    pooled, index = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    expected = torch.relu(pooled + b[:, None, None])
    dy = torch.randn_like(expected)
    kept = torch.where(expected > 0, dy, 0.0)
    dx = torch.ops.aten.max_pool2d_with_indices_backward(
        kept, x, [2, 2], [2, 2], [0, 0], [1, 1], False, index
    )
    found = backward(dy.contiguous(memory_format=torch.channels_last), which, x.shape)
    print("Triton's pooling agrees:", torch.equal(y, expected), torch.equal(found, dx))
