"""Which of several methods computes a layer, where one is faster: all rules are here.

They rest on measurements on an NVIDIA H200 of 16 runs of four convolutions of
64 filters (`benchmarks/gpu_layers.py`): cuDNN's grouped convolution of a single
channel took 3 ms where products of its patches took a tenth of that, and the
gradient of wide kernels in float32 3.4 ms where products took 1.5. On the CPU
every layer has one way.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil

import torch

from assay.engines.torch.tile_matrices import OUT, POSITIONS, TAPS
from assay.nn.conv2d import Conv2d
from assay.shapes import Shape


@dataclass(frozen=True)
class Ways:
    """What is computed other than by PyTorch's single operation for it."""

    patches: int = 0
    """A first layer with kernels of at most this many entries is a product with materialised patches."""

    own_gradients: bool = False
    """A convolution's gradients are a convolution and products of their own."""

    summed_parts: bool = False
    """A product over very many positions is summed image by image, which keeps more of a GPU busy."""

    fused_pooling: bool = False
    """ReLU and max pooling are one kernel, Triton's."""

    winograd: int = 0
    """3 x 3 kernels with stride 1 and at least this many channels in and out go by Winograd's algorithm;
    0 means none."""

    def by_patches(self, layer: Conv2d, channels: int, needs_dx: bool) -> bool:
        """Tell whether a convolution is a product with written-out patches."""
        entries = channels * layer.sliding.area
        return layer.groups == 1 and not needs_dx and entries <= self.patches

    def by_own_gradients(self, layer: Conv2d) -> bool:
        """Tell whether the gradient of the input is a convolution of dy, and that of the kernel products."""
        sliding = layer.sliding
        reach = [
            d * (k - 1) - p
            for k, d, p in zip(sliding.kernel_size, sliding.dilation, sliding.padding, strict=True)
        ]
        return self.own_gradients and layer.groups == 1 and sliding.stride == (1, 1) and min(reach) >= 0

    def by_winograd(self, layer: Conv2d, input_shape: Shape) -> bool:
        """Tell whether a convolution goes by Winograd's algorithm: where it saves a quarter or more."""
        sliding, narrow = layer.sliding, min(input_shape[0], layer.out_channels)
        usual = (sliding.kernel_size, sliding.stride, sliding.dilation) == ((3, 3), (1, 1), (1, 1))
        if not (usual and layer.groups == 1 and 0 < self.winograd <= narrow and max(sliding.padding) < TAPS):
            return False
        height, width = sliding.output_size(input_shape)
        tiles = ceil(height / OUT) * ceil(width / OUT)
        return tiles * POSITIONS <= SAVED * height * width * TAPS**2

    def in_parts(self, positions: int) -> bool:
        """Tell whether a product over this many positions of each run is summed image by image."""
        return self.summed_parts and positions >= MANY


PLAIN = Ways()
SAVED = 0.75
"""The share of the usual products that Winograd's algorithm may need, those beyond the edge included."""
MANY = 10_000
"""Positions of a run, over all images of a minibatch, whose gradients one product sums too slowly."""


def best(device: torch.device, dtype: str) -> Ways:
    """Return the ways that are fastest on a device in a recipe's precision.

    Sums of parts would be rounded to bfloat16 each, and there one product is
    fast; cuDNN's own gradients are slow without TF32 or bfloat16. Winograd's
    algorithm writes and reads 36 numbers for each 16 before and after its products:
    with fewer than a dozen channels that takes longer than the multiplications that it saves.
    """
    if device.type == "cpu":
        return PLAIN
    return Ways(
        patches=32,
        own_gradients=dtype in ("float32", "float64"),
        summed_parts=dtype != "bfloat16",
        fused_pooling=dtype != "float64" and has_triton(),
        winograd=32 if dtype == "float32" and has_triton() and winograd_works() else 0,
    )


def has_triton() -> bool:
    """Tell whether Triton is installed and its kernels can be built here: it needs a C compiler."""
    if find_spec("triton") is None:
        return False
    from assay.engines.torch import triton_pooling

    return triton_pooling.works()


def winograd_works() -> bool:
    """Tell whether Winograd's algorithm computes on this GPU what it should."""
    from assay.engines.torch import winograd_check

    return winograd_check.works()
