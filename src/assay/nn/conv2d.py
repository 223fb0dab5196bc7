"""Conv2d: one small linear layer, slid over the maps."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from assay.errors import ShapeError
from assay.nn.init import GLOROT_UNIFORM, ZEROS, Initializer
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters, Window
from assay.nn.sliding import Sliding, expect_at_least
from assay.shapes import Array, Pair, Shape, check_upstream, expect_maps, pair


@dataclass(frozen=True)
class Conv2d(Layer):
    """Cross-correlation of x (N, C, H, W) with ``weight`` (O, C / G, kh, kw), as in PyTorch.

    ::

        y[n, o, r, s] = b[o] + sum over c, i, j of W[o, c, i, j] x[n, c, r stride + i dilation - padding, ...]

    with zeros beyond the border; O = ``out_channels`` and G = ``groups``: the
    first O / G outputs see the first C / G inputs, and so on. With every window
    unfolded to a row of a matrix X this is Y = X W^T (Chellapilla et al. 2006), so::

        dL/dx = fold(dY W)        dL/dW = dY^T X        dL/db = sum over N, H', W' of dy

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
    kind: ClassVar[str] = "conv"

    def __post_init__(self) -> None:
        """Refuse sizes with which there is nothing to compute."""
        expect_at_least(1, "out_channels", self.out_channels)
        expect_at_least(1, "groups", self.groups)
        if self.out_channels % self.groups:
            raise ShapeError(
                f"out_channels must be divisible by groups {self.groups}; got {self.out_channels}"
            )
        _ = self.sliding

    @cached_property
    def sliding(self) -> Sliding:
        """The window, every size as a pair."""
        return Sliding(pair(self.kernel_size), pair(self.stride), pair(self.padding), pair(self.dilation))

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
        """Unfold and multiply; keeps the unfolded input, kh kw times the size of x."""
        out = self.output_shape(x.shape[1:])
        columns = self._to_rows(self.sliding.unfold(x))
        weight = params["weight"].reshape(self.groups, out[0] // self.groups, -1)
        rows = columns @ weight.transpose(0, 2, 1)
        y = rows.reshape(self.groups, len(x), *out[1:], -1).transpose(1, 0, 4, 2, 3).reshape(len(x), *out)
        if self.bias:
            y += params["bias"][:, None, None]
        return y, (columns, x.shape)

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Transpose both products, and add the windows up."""
        columns, (n, channels, *size) = cache
        check_upstream(dy, (n, *self.output_shape((channels, *size))))
        weight = params["weight"]
        rows = self._to_rows(dy[..., None, None])
        grads = {"weight": (rows.transpose(0, 2, 1) @ columns).reshape(weight.shape)}
        if self.bias:
            grads["bias"] = dy.sum(axis=(0, 2, 3))
        windows = (rows @ weight.reshape(self.groups, -1, columns.shape[2])).reshape(
            self.groups, n, *dy.shape[2:], channels // self.groups, *self.sliding.kernel_size
        )
        windows = windows.transpose(1, 0, 4, 2, 3, 5, 6).reshape(
            n, channels, *dy.shape[2:], *weight.shape[2:]
        )
        return self.sliding.fold(windows, (size[0], size[1])), grads

    def _to_rows(self, windows: Array) -> Array:
        """Copy (N, C, H', W', kh, kw) to one matrix a group: (G, N H' W', (C / G) kh kw)."""
        n, channels, rows, columns, kh, kw = windows.shape
        grouped = windows.reshape(n, self.groups, channels // self.groups, rows, columns, kh, kw)
        return grouped.transpose(1, 0, 3, 4, 2, 5, 6).reshape(self.groups, n * rows * columns, -1)

    def flops(self, shape: Shape) -> int:
        """Two for each weight at each position, one for each bias."""
        _, rows, columns = self.output_shape(shape)
        per_output = 2 * expect_maps(shape)[0] // self.groups * self.sliding.area + self.bias
        return self.out_channels * rows * columns * per_output

    def window(self, shape: Shape) -> Window:
        """Return the kernel's."""
        del shape
        return self.sliding.window
