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


@dataclass(frozen=True)
class DepthwiseConvolution(Layer):
    """One kernel of 3 x 3 for each map."""

    stride: int = 2
    padding: int = 1
    kind = "depthwise"

    def output_shape(self, shape):
        channels, *sizes = shape
        return (channels, *((size + 2 * self.padding - 3) // self.stride + 1 for size in sizes))

    def parameters(self, shape):
        return {"kernel": Parameter((shape[0], 3, 3), GLOROT_UNIFORM)}

    def padded(self, x):
        return np.pad(x, ((0, 0), (0, 0), (self.padding,) * 2, (self.padding,) * 2))

    def forward(self, params, x):
        y, xp, s = np.zeros((len(x), *self.output_shape(x.shape[1:]))), self.padded(x), self.stride
        for i, j in np.ndindex(y.shape[2:]):
            seen = xp[:, :, i * s : i * s + 3, j * s : j * s + 3]
            y[:, :, i, j] = (params["kernel"] * seen).sum(axis=(2, 3))
        return y, x

    def backward(self, params, x, dy):
        xp, s, p = self.padded(x), self.stride, self.padding
        dxp, dkernel = np.zeros_like(xp), np.zeros_like(params["kernel"])
        for i, j in np.ndindex(dy.shape[2:]):
            dkernel += (dy[:, :, i, j, None, None] * xp[:, :, i * s : i * s + 3, j * s : j * s + 3]).sum(0)
            top, left = i * s, j * s
            window = np.s_[:, :, top : top + 3, left : left + 3]
            dxp[window] += dy[:, :, i, j, None, None] * params["kernel"]
        return dxp[:, :, p : p + x.shape[2], p : p + x.shape[3]], {"kernel": dkernel}


@dataclass(frozen=True)
class Whitening(Layer):
    """Batch normalisation of vectors without scale; the running variance is unbiased."""

    momentum: float = 0.2
    kind = "whitening"

    def output_shape(self, shape):
        (size,) = shape
        return shape

    def buffers(self, shape):
        return {"mean": np.zeros(shape), "var": np.ones(shape)}

    def forward(self, params, x):
        std = np.sqrt(params["var"] + 1e-5)
        return (x - params["mean"]) / std, (None, std, None)

    def forward_training(self, params, x, generator):
        mean, var = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(var + 1e-5)
        xhat = (x - mean) / std
        return xhat, (xhat, std, (mean, var * len(x) / (len(x) - 1)))

    def backward(self, params, cache, dy):
        xhat, std, _ = cache
        if xhat is None:
            return dy / std, {}
        return (dy - dy.mean(axis=0) - xhat * (dy * xhat).mean(axis=0)) / std, {}

    def updated_buffers(self, params, cache):
        mean, var = cache[2]
        return {
            "mean": (1 - self.momentum) * params["mean"] + self.momentum * mean,
            "var": (1 - self.momentum) * params["var"] + self.momentum * var,
        }
