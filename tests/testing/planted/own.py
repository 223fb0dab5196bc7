"""Right: subclasses of `assay.nn.Layer`."""

from dataclasses import dataclass

import numpy as np

from assay.nn import Layer
from assay.nn.init import GLOROT_UNIFORM, Constant
from assay.nn.layer import Parameter


@dataclass(frozen=True)
class PReLU(Layer):
    kind = "prelu"

    def output_shape(self, shape):
        return shape

    def parameters(self, shape):
        return {"slope": Parameter((shape[0], *(1 for _ in shape[1:])), Constant(0.25), role="scale")}

    def forward(self, params, x):
        return np.maximum(x, 0) + params["slope"] * np.minimum(x, 0), x

    def backward(self, params, x, dy):
        axes = (0, *range(2, x.ndim))
        slope = (dy * np.minimum(x, 0)).sum(axis=axes).reshape(params["slope"].shape)
        return dy * np.where(x > 0, 1.0, params["slope"]), {"slope": slope}


@dataclass(frozen=True)
class Bilinear(Layer):
    """y = (x a) * (x b)."""

    kind = "bilinear"

    def output_shape(self, shape):
        (size,) = shape
        return (3,)

    def parameters(self, shape):
        return {name: Parameter((*shape, 3), GLOROT_UNIFORM) for name in "ab"}

    def forward(self, params, x):
        left, right = x @ params["a"], x @ params["b"]
        return left * right, (x, left, right)

    def backward(self, params, cache, dy):
        x, left, right = cache
        dx = (dy * right) @ params["a"].T + (dy * left) @ params["b"].T
        return dx, {"a": x.T @ (dy * right), "b": x.T @ (dy * left)}


@dataclass(frozen=True)
class InstanceNorm(Layer):
    kind = "instancenorm"

    def output_shape(self, shape):
        channels, height, width = shape
        return shape

    def forward(self, params, x):
        std = np.sqrt(x.var(axis=(2, 3), keepdims=True) + 1e-5)
        xhat = (x - x.mean(axis=(2, 3), keepdims=True)) / std
        return xhat, (xhat, std)

    def backward(self, params, cache, dy):
        xhat, std = cache
        of_mean = dy.mean(axis=(2, 3), keepdims=True)
        of_variance = xhat * (dy * xhat).mean(axis=(2, 3), keepdims=True)
        return (dy - of_mean - of_variance) / std, {}


@dataclass(frozen=True)
class Noise(Layer):
    kind = "noise"

    def output_shape(self, shape):
        return shape

    def forward(self, params, x):
        return x, np.ones_like(x)

    def forward_training(self, params, x, generator):
        factor = 1 + 0.5 * generator.normal(size=x.shape)
        return x * factor, factor

    def backward(self, params, factor, dy):
        return dy * factor, {}
