"""How values of R runs lie in memory.

Feature maps of all runs are channels of one another, (N, R C, H, W), so that a
convolution of R runs is one convolution in R groups; they lie channels last.
Everything else has the runs first, (R, N, ...), so that R matrix products are
one batched product.
"""

import torch
from torch import Tensor

from assay.shapes import Shape


def fold(x: Tensor) -> Tensor:
    """Lay out (R, N, *shape); a view for one run with one channel."""
    if x.ndim != 5:
        return x
    runs, n, channels, height, width = x.shape
    rows = x.permute(1, 3, 4, 0, 2).reshape(n, height, width, runs * channels)
    return rows.permute(0, 3, 1, 2)


def channels_last(x: Tensor) -> Tensor:
    """Return maps or kernels (N, C, H, W) with the strides of channels last, a view where they lie so.

    Where maps are one pixel wide, or there is one of them, several strides mean the same, and what an
    operation leaves is any of them. PyTorch's grouped convolutions on the CPU confuse one with the other and
    give wrong gradients.
    """
    _, channels, height, width = x.shape
    strides = (height * width * channels, 1, width * channels, channels)
    return x.contiguous(memory_format=torch.channels_last).as_strided(x.shape, strides)


def unfold(x: Tensor, runs: int, shape: Shape) -> Tensor:
    """Return what was laid out as (R, N, *shape), a view."""
    if len(shape) != 3:
        return x
    n, _, height, width = x.shape
    return x.view(n, runs, shape[0], height, width).transpose(0, 1)
