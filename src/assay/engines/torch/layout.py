"""How values of R runs lie in memory.

Feature maps of all runs are channels of one another, (N, R C, H, W), so that a
convolution of R runs is one convolution in R groups; they lie channels last.
Everything else has the runs first, (R, N, ...), so that R matrix products are
one batched product.
"""

from torch import Tensor

from assay.shapes import Shape


def fold(x: Tensor) -> Tensor:
    """Lay out (R, N, *shape); a view for one run with one channel."""
    if x.ndim != 5:
        return x
    runs, n, channels, height, width = x.shape
    rows = x.permute(1, 3, 4, 0, 2).reshape(n, height, width, runs * channels)
    return rows.permute(0, 3, 1, 2)


def unfold(x: Tensor, runs: int, shape: Shape) -> Tensor:
    """Return what was laid out as (R, N, *shape), a view."""
    if len(shape) != 3:
        return x
    n, _, height, width = x.shape
    return x.view(n, runs, shape[0], height, width).transpose(0, 1)
