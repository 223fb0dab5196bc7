"""Average pooling for libraries without adaptive pooling."""

from assay.errors import UnsupportedError
from assay.nn import AdaptiveAvgPool2d, AvgPool2d
from assay.nn.sliding import Sliding
from assay.shapes import Shape


def averaged(layer: AvgPool2d | AdaptiveAvgPool2d, shape: Shape) -> Sliding:
    """Return the sliding window over an input (C, H, W) whose means a layer computes.

    Raises `UnsupportedError` for adaptive pooling whose regions differ in size.
    """
    if isinstance(layer, AvgPool2d):
        return layer.sliding
    channels, height, width = layer.output_shape(shape)
    window = layer.window(shape)
    s = Sliding(window.kernel_size, window.stride)
    same_size = layer.flops(shape) == channels * height * width * s.area
    reach = tuple(
        (count - 1) * stride + k
        for count, stride, k in zip((height, width), s.stride, s.kernel_size, strict=True)
    )
    if not same_size or reach != shape[1:]:
        raise UnsupportedError(f"no fixed window pools {shape[1:]} to {(height, width)}")
    return s
