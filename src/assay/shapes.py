"""Shapes and the checks made on them.

Axes are named alike everywhere: N batch, C channels, H height, W width,
D features, K classes, R runs. A layer's shape leaves the batch axis out:
``(C, H, W)`` for feature maps and ``(D,)`` for vectors.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import ShapeError

Shape = tuple[int, ...]
Array = NDArray[np.floating[Any]]
Pair = tuple[int, int]


def pair(value: int | Pair) -> Pair:
    """Return ``value`` as (vertical, horizontal); one integer stands for both."""
    return (value, value) if isinstance(value, int) else value


def text(shape: Shape) -> str:
    """Write a shape as people do: ``64 x 14 x 14``; one without axes is ``one number``."""
    return " x ".join(str(size) for size in shape) or "one number"


def of_images(input_shape: Shape) -> Shape:
    """Return the shape (H, W) or (H, W, C) of an image that a network takes as ``input_shape`` (C, H, W)."""
    channels, *sizes = input_shape
    return (*sizes, channels) if len(sizes) == 2 and channels > 1 else tuple(sizes)


def of_input(image_shape: Shape) -> Shape:
    """Return the input shape (C, H, W) of a network for images of shape (H, W) or (H, W, C)."""
    height, width, *channels = image_shape
    return (*(channels or (1,)), height, width)


def channels_first(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images (N, H, W, C) as (N, C, H, W), a view; grey ones (N, H, W) as they are."""
    return np.moveaxis(images, -1, 1) if images.ndim == 4 else images


def windows(size: int, kernel_size: int, stride: int, padding: int, dilation: int = 1) -> int:
    """Count the positions of a sliding window along one axis.

    ``floor((size + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1``,
    as in PyTorch's ``Conv2d``; zero or less means that no window fits.
    """
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


def expect_maps(shape: Shape) -> tuple[int, int, int]:
    """Return ``shape`` as (C, H, W), or raise `ShapeError`."""
    if len(shape) != 3:
        raise ShapeError(f"expected feature maps (C x H x W), found {text(shape)}")
    return shape[0], shape[1], shape[2]


def expect_vector(shape: Shape) -> int:
    """Return the D of a shape ``(D,)``, or raise `ShapeError`."""
    if len(shape) != 1:
        raise ShapeError(f"expected a vector (D), found {text(shape)} (put Flatten before it)")
    return shape[0]


def check_upstream(dy: Array, expected: Shape) -> None:
    """Refuse an upstream gradient whose shape is not that of the layer's output."""
    if dy.shape != expected:
        raise ShapeError(f"upstream gradient is {text(dy.shape)}, the output was {text(expected)}")
