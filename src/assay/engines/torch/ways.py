"""Which of several methods computes a layer, where one is faster: all rules are here.

They rest on measurements on an NVIDIA H200 of 16 runs of four convolutions of
64 filters (`benchmarks/gpu_layers.py`): cuDNN's grouped convolution of a single
channel took 3 ms where products of its patches took a tenth of that, and the
gradient of wide kernels in float32 3.4 ms where products took 1.5. On the CPU
every layer has one way.
"""

from dataclasses import dataclass
from importlib.util import find_spec

import torch

from assay.nn.conv2d import Conv2d


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

    def in_parts(self, positions: int) -> bool:
        """Tell whether a product over so many positions of each run is summed image by image."""
        return self.summed_parts and positions >= MANY


PLAIN = Ways()
MANY = 10_000
"""Positions of a run, over all images of a minibatch, whose gradients one product sums too slowly."""


def best(device: torch.device, dtype: str) -> Ways:
    """Return the ways that are fastest on a device in a recipe's precision.

    Sums of parts would be rounded to bfloat16 each, and there one product is
    fast; cuDNN's own gradients are slow without TF32 or bfloat16.
    """
    if device.type == "cpu":
        return PLAIN
    return Ways(
        patches=32,
        own_gradients=dtype in ("float32", "float64"),
        summed_parts=dtype != "bfloat16",
        fused_pooling=dtype != "float64" and has_triton(),
    )


def has_triton() -> bool:
    """Tell whether Triton is installed and its kernels can be built here: it needs a C compiler."""
    if find_spec("triton") is None:
        return False
    from assay.engines.torch import triton_pooling

    return triton_pooling.works()
