"""The sliding window that convolution and pooling share.

`Sliding.unfold` lays every window of a batch side by side, as a view;
`Sliding.fold` is its transpose: it adds every window back where it came from.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from assay.errors import ShapeError, shown
from assay.nn.layer import Window
from assay.shapes import Array, Pair, Shape, expect_maps, windows


@dataclass(frozen=True)
class Sliding:
    """A kernel's size and how it moves over a map; each as (vertical, horizontal)."""

    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def __post_init__(self) -> None:
        """Reject a window that is empty or does not move."""
        for key, least in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            expect_at_least(least, key, getattr(self, key))

    @property
    def area(self) -> int:
        """Number of positions in the kernel."""
        return self.kernel_size[0] * self.kernel_size[1]

    @property
    def window(self) -> Window:
        """What a receptive field needs to know."""
        return Window(self.kernel_size, self.stride, self.dilation)

    def output_size(self, shape: Shape) -> Pair:
        """Return the height and width that maps of ``shape`` (C, H, W) become; below 1 if no window fits."""
        _, height, width = expect_maps(shape)
        rows, columns = (
            windows(size, k, s, p, d)
            for size, k, s, p, d in zip(
                (height, width), self.kernel_size, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return rows, columns

    def unfold(self, x: Array, fill: float = 0.0) -> Array:
        """View (N, C, H, W) as windows (N, C, H', W', kh, kw); the border is padded with ``fill``."""
        (sh, sw), (ph, pw), (dh, dw) = self.stride, self.padding, self.dilation
        if ph or pw:
            x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
        extent = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))
        return sliding_window_view(x, extent, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]

    def fold(self, windows: Array, size: Pair) -> Array:
        """Add windows (N, C, H', W', kh, kw) up into maps (N, C, H, W) of ``size`` (H, W)."""
        (sh, sw), (ph, pw), (dh, dw) = self.stride, self.padding, self.dilation
        n, c, rows, columns, kh, kw = windows.shape
        x = np.zeros((n, c, size[0] + 2 * ph, size[1] + 2 * pw), windows.dtype)
        for i in range(kh):
            for j in range(kw):
                top, left = i * dh, j * dw
                x[:, :, top : top + rows * sh : sh, left : left + columns * sw : sw] += windows[..., i, j]
        return x[:, :, ph : ph + size[0], pw : pw + size[1]]


def expect_pool(sliding: Sliding) -> None:
    """Reject padding over half the kernel, as PyTorch does: a window could lie entirely on the border."""
    if any(2 * p > k for p, k in zip(sliding.padding, sliding.kernel_size, strict=True)):
        raise ShapeError(
            f"padding must be at most half of kernel_size; got padding {sliding.padding} "
            f"and kernel_size {sliding.kernel_size}"
        )


def expect_at_least(least: int, key: str, value: object) -> None:
    """Reject a hyper-parameter with an entry below ``least`` or that is not an integer."""
    values = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(entry, int) and not isinstance(entry, bool) and entry >= least for entry in values):
        raise ShapeError(f"{key} must be an integer >= {least}; got {shown(value)}")
