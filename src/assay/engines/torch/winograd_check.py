"""Whether `winograd_tiles` computes a convolution, on the GPU at hand, as precisely as it must.

Its Triton kernels are built anew for every kind of GPU, so they are tried on a
small problem before anything is trained by them.
"""

from functools import cache

import torch
from torch import Tensor

from assay.engines.torch.layout import channels_last
from assay.engines.torch.precision import precision
from assay.engines.torch.winograd_tiles import TiledConvolution

aten = torch.ops.aten

RUNS, N, CHANNELS, OUT, SIZE = 2, 2, 16, 24, (7, 10)
WITHIN = 4.0
"""How many times the error of the same algorithm on the CPU: sums have other orders. TF32 has a thousand."""

Problem = tuple[Tensor, Tensor, Tensor, Tensor]
"""Maps x, kernels (R, O, C, 3, 3), biases (R O) and dL/dy."""


@cache
def works() -> bool:
    """Tell whether a GPU's outputs and both gradients are as near to the exact ones as float32 allows."""
    try:
        device = torch.device("cuda")
        with precision(device, "float32")():
            return agrees(device)
    except Exception:  # without a compiler, or on a GPU that Triton does not know, anything may be raised
        return False


def agrees(device: torch.device) -> bool:
    """Compare a device's errors with those of PyTorch's operations on the CPU."""
    problem = drawn()
    exact = usually(*(value.double() for value in problem))
    allowed = errors(by_winograd(*problem), exact)
    found = errors(by_winograd(*(value.to(device) for value in problem)), exact)
    return all(one <= WITHIN * other for one, other in zip(found, allowed, strict=True))


def drawn() -> Problem:
    """Return a problem whose tiles reach beyond the edge, on the CPU."""
    draw = torch.Generator().manual_seed(1)
    x, dy = (torch.randn(N, RUNS * count, *SIZE, generator=draw) for count in (CHANNELS, OUT))
    kernels = torch.randn(RUNS, OUT, CHANNELS, 3, 3, generator=draw)
    return channels_last(x), kernels, torch.randn(RUNS * OUT, generator=draw), channels_last(dy)


def by_winograd(x: Tensor, kernels: Tensor, bias: Tensor, dy: Tensor) -> list[Tensor]:
    """Return y, dL/dx and dL/dkernels with padding 1."""
    way = TiledConvolution(len(kernels), (1, 1), x)
    turned = kernels.transpose(1, 2).flip(3, 4)
    return [way.correlate(x, kernels, bias), way.correlate(dy, turned, None), way.kernel_gradient(x, dy)]


def usually(x: Tensor, kernels: Tensor, bias: Tensor, dy: Tensor) -> list[Tensor]:
    """Return the same, as PyTorch computes it."""
    window = [[1, 1], [1, 1], [1, 1], False, [0, 0], len(kernels)]
    flat = kernels.flatten(0, 1)
    y = aten.convolution(x, flat, bias, *window)
    dx, dkernels, _ = aten.convolution_backward(dy, x, flat, None, *window, [True, True, False])
    return [y, dx, dkernels.view(kernels.shape)]


def errors(found: list[Tensor], exact: list[Tensor]) -> list[float]:
    """Return how long each difference is, as a share of what is exact."""
    return [float((one.cpu() - other).norm() / other.norm()) for one, other in zip(found, exact, strict=True)]
