"""Conv2d: one small linear layer sliding over the maps."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from assay.errors import ShapeError
from assay.nn import convolution
from assay.nn.convolution import Geometry
from assay.nn.init import GLOROT_UNIFORM, ZEROS, Initializer
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters, Window
from assay.nn.sliding import Sliding, expect_at_least
from assay.shapes import Array, Pair, Shape, expect_maps, pair


@dataclass(frozen=True)
class Conv2d(Layer):
    """Cross-correlation of x (N, C, H, W) with ``weight`` (O, C / G, kh, kw), as in PyTorch.

    ::

        y[n, o, r, s] = b[o] + sum over c, i, j of W[o, c, i, j] x[n, c, r stride + i dilation - padding, ...]

    with zeros beyond the border; O = ``out_channels`` and G = ``groups``: the
    first O / G outputs see the first C / G inputs, and so on. Every product in
    the sum hands dy on to both its factors (Goodfellow et al. 2016, section 9.5)::

        dL/dW[o, c, i, j] = sum over n, r, s of dy[n, o, r, s] x[n, c, r stride + i dilation - padding, ...]
        dL/dx[n, c, u, v] = sum over o, i, j, r, s that met x[n, c, u, v] of dy[n, o, r, s] W[o, c, i, j]
        dL/db[o]          = sum over n, r, s of dy[n, o, r, s]

    ``method`` is how the sums are computed, one of `assay.nn.convolution`; all
    give the same numbers up to rounding. The default is the textbook method
    and supports every precision; `assay.bench.convolution` compares their costs.
    An engine that compiles networks has its own and ignores this.

    Weights start Glorot uniform and biases zero; fans as in PyTorch, fan_in =
    (C / G) kh kw and fan_out = O kh kw. Cost: 2 O H' W' (C / G) kh kw operations,
    O H' W' more with bias.
    """

    out_channels: int
    kernel_size: int | Pair
    stride: int | Pair = 1
    padding: int | Pair = 0
    dilation: int | Pair = 1
    groups: int = 1
    bias: bool = True
    weight_init: Initializer = GLOROT_UNIFORM
    bias_init: Initializer = ZEROS
    method: convolution.MethodName = "im2col"
    kind: ClassVar[str] = "conv"

    def __post_init__(self) -> None:
        """Reject sizes with which there is nothing to compute."""
        expect_at_least(1, "out_channels", self.out_channels)
        expect_at_least(1, "groups", self.groups)
        if self.out_channels % self.groups:
            raise ShapeError(
                f"out_channels must be divisible by groups {self.groups}; got {self.out_channels}"
            )
        convolution.expect_method(self.method)
        _ = self.sliding

    @cached_property
    def sliding(self) -> Sliding:
        """The window, every size as a pair."""
        return Sliding(pair(self.kernel_size), pair(self.stride), pair(self.padding), pair(self.dilation))

    @cached_property
    def geometry(self) -> Geometry:
        """How the kernel moves, for `assay.nn.convolution`."""
        return Geometry(self.sliding.stride, self.sliding.padding, self.sliding.dilation, self.groups)

    def output_shape(self, shape: Shape) -> Shape:
        """(C, H, W) becomes (O, H', W')."""
        channels = expect_maps(shape)[0]
        if channels % self.groups:
            raise ShapeError(f"input channels must be divisible by groups {self.groups}; found {channels}")
        return (self.out_channels, *self.sliding.output_size(shape))

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """``weight`` (O, C / G, kh, kw) and ``bias`` (O,)."""
        channels = expect_maps(shape)[0] // self.groups
        fans = channels * self.sliding.area, self.out_channels * self.sliding.area
        weight_shape = (self.out_channels, channels, *self.sliding.kernel_size)
        parameters = {"weight": Parameter(weight_shape, self.weight_init, *fans)}
        if self.bias:
            parameters["bias"] = Parameter((self.out_channels,), self.bias_init, *fans, "bias")
        return parameters

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Correlate and add the bias; keeps x."""
        y = convolution.method(self.method).forward(x, params["weight"], self.geometry)
        if self.bias:
            y += params["bias"][:, None, None]
        return y, x

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Differentiate by the same method."""
        x = cache
        dx, dweight = convolution.method(self.method).backward(x, params["weight"], dy, self.geometry)
        grads = {"weight": dweight}
        if self.bias:
            grads["bias"] = dy.sum(axis=(0, 2, 3))
        return dx, grads

    def flops(self, shape: Shape) -> int:
        """Two for each weight at each position, one for each bias."""
        _, rows, columns = self.output_shape(shape)
        per_output = 2 * expect_maps(shape)[0] // self.groups * self.sliding.area + self.bias
        return self.out_channels * rows * columns * per_output

    def window(self, shape: Shape) -> Window:
        """Return the kernel's window."""
        del shape
        return self.sliding.window
