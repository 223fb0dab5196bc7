"""Linear: every output is a weighted sum of every input."""

from dataclasses import dataclass
from typing import ClassVar

from assay.nn.init import GLOROT_UNIFORM, ZEROS, Initializer
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters
from assay.nn.sliding import expect_at_least
from assay.shapes import Array, Shape, check_upstream, expect_vector


@dataclass(frozen=True)
class Linear(Layer):
    """y = x W^T + b, for x (N, D) and y (N, K) with K = ``out_features``.

    ``weight`` is (K, D), ``bias`` (K,), as in ``torch.nn.Linear``. Backward
    (Goodfellow et al. 2016, section 6.5)::

        dL/dx = dy W        dL/dW = dy^T x        dL/db = sum over N of dy

    Weights start Glorot uniform and biases zero; PyTorch's own initialisation
    is `assay.nn.init.PYTORCH_DEFAULT` for both. Cost: 2 D K operations, plus K with bias.
    """

    out_features: int
    bias: bool = True
    weight_init: Initializer = GLOROT_UNIFORM
    bias_init: Initializer = ZEROS
    kind: ClassVar[str] = "linear"

    def __post_init__(self) -> None:
        """Reject a layer without outputs."""
        expect_at_least(1, "out_features", self.out_features)

    def output_shape(self, shape: Shape) -> Shape:
        """(D,) becomes (K,)."""
        expect_vector(shape)
        return (self.out_features,)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """``weight`` (K, D) and ``bias`` (K,)."""
        fan_in, fan_out = expect_vector(shape), self.out_features
        parameters = {"weight": Parameter((fan_out, fan_in), self.weight_init, fan_in, fan_out)}
        if self.bias:
            parameters["bias"] = Parameter((fan_out,), self.bias_init, fan_in, fan_out, "bias")
        return parameters

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Multiply and add; keeps x."""
        y = x @ params["weight"].T
        return (y + params["bias"] if self.bias else y), x

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Transpose the product."""
        x = cache
        check_upstream(dy, (len(x), self.out_features))
        grads = {"weight": dy.T @ x}
        if self.bias:
            grads["bias"] = dy.sum(axis=0)
        return dy @ params["weight"], grads

    def flops(self, shape: Shape) -> int:
        """2 D K, and K for the bias."""
        return self.out_features * (2 * expect_vector(shape) + self.bias)
