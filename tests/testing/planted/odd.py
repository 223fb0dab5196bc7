"""Right, but awkward in other ways: views, broadcasts, generators, dataclasses, properties, state, SciPy."""

from collections import namedtuple
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.signal import correlate2d, convolve2d
from scipy.special import erf, expit


class GeluByScipy:
    def forward(self, x):
        self.x = x
        return 0.5 * x * (1 + erf(x / np.sqrt(2)))

    def backward(self, dout):
        x = self.x
        return dout * (0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))


class ScipyConvolution:
    """One channel to two, by SciPy; keyword-only arguments."""

    def __init__(self, *, kernel_size=3, seed=0):
        self.K = np.random.default_rng(seed).normal(size=(2, kernel_size, kernel_size))

    def forward(self, x):
        self.x = x
        return np.stack([[correlate2d(each[0], k, "valid") for k in self.K] for each in x])

    def backward(self, dout):
        self.dK = np.stack(
            [
                sum(correlate2d(x[0], d[i], "valid") for x, d in zip(self.x, dout, strict=True))
                for i in range(2)
            ]
        )
        return np.stack([sum(convolve2d(d[i], self.K[i], "full") for i in range(2))[None] for d in dout])


class Attention:
    """Each example's positions look at one another: (N, C, H, W) with H W positions, by einsum."""

    def forward(self, x):
        n, c, h, w = x.shape
        self.flat = x.reshape(n, c, h * w)
        self.scores = np.einsum("ncp,ncq->npq", self.flat, self.flat) / c
        a = np.exp(self.scores - self.scores.max(axis=2, keepdims=True))
        self.a = a / a.sum(axis=2, keepdims=True)
        return np.einsum("npq,ncq->ncp", self.a, self.flat).reshape(x.shape)

    def backward(self, dout):
        n, c, h, w = dout.shape
        d = dout.reshape(n, c, h * w)
        dx = np.einsum("npq,ncp->ncq", self.a, d)
        da = np.einsum("ncp,ncq->npq", d, self.flat)
        ds = self.a * (da - (da * self.a).sum(axis=2, keepdims=True)) / c
        dx += np.einsum("npq,ncq->ncp", ds, self.flat) + np.einsum("npq,ncp->ncq", ds, self.flat)
        return dx.reshape(dout.shape)


@dataclass
class Dense:
    """A dataclass with a field that is an array, and a bias that is broadcast."""

    n_in: int = 6
    n_out: int = 4
    W: np.ndarray = field(default=None)

    def __post_init__(self):
        if self.W is None:
            self.W = np.full((self.n_in, self.n_out), 0.1)
        self.b = np.zeros((1, self.n_out))

    def forward(self, x):
        self._x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = np.einsum("ni,no->io", self._x, grad)
        self.db = grad.sum(axis=0, keepdims=True)
        return grad @ self.W.T


Cache = namedtuple("Cache", "x mean")


class Centre:
    """Takes the mean of each example; a named tuple as cache, first."""

    def forward(self, x):
        mean = x.mean(axis=tuple(range(1, x.ndim)), keepdims=True)
        return x - mean, Cache(x, mean)

    def backward(self, cache, dout):
        return dout - dout.mean(axis=tuple(range(1, dout.ndim)), keepdims=True)


class Base:
    slope = 0.0

    def fprop(self, inputs):
        return np.where(inputs > 0, inputs, self.slope * inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return self._slopes(inputs) * grads_wrt_outputs

    def _slopes(self, inputs):
        return np.where(inputs > 0, 1, self.slope)


class Inherited(Base):
    slope = 0.3


class WithProperties(Base):
    def __init__(self):
        self._alpha = 0.1

    @property
    def slope(self):
        return 2 * self._alpha


class Cached:
    """A property computed once; its parameter is made of another."""

    def __init__(self):
        self.params = [np.ones(4)]

    @cached_property
    def signs(self):
        return np.array([1.0, -1.0, 1.0, -1.0])

    def fprop(self, inputs):
        return inputs * self.signs * self.params[0]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.signs * self.params[0]

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(grads_wrt_outputs * inputs * self.signs).sum(axis=0)]


class Slots:
    __slots__ = ("scale", "x", "dscale")

    def __init__(self):
        self.scale = np.array([2.0])

    def forward(self, x):
        self.x = x
        return x * self.scale

    def backward(self, dout):
        self.dscale = np.array([(dout * self.x).sum()])
        return dout * self.scale


class ScalarScale:
    """A parameter that is a number in an array of no axes."""

    def __init__(self):
        self.scale = np.array(1.5)

    def forward(self, x):
        self.x = x
        return x * self.scale

    def backward(self, dout):
        self.dscale = (dout * self.x).sum()
        return dout * self.scale


class OwnGenerator:
    """Dropout by a generator of its own, inverted."""

    def __init__(self, p=0.25, seed=3):
        self.p, self.rng = p, np.random.default_rng(seed)

    def forward(self, x, training=True):
        self.mask = (self.rng.random(x.shape) >= self.p) / (1 - self.p) if training else np.ones(x.shape)
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class DropsChannels:
    """One draw for each map."""

    def __init__(self):
        self.train = True

    def forward(self, x):
        if not self.train:
            return x
        self.mask = np.random.rand(*x.shape[:2], *(1 for _ in x.shape[2:])) < 0.5
        return x * self.mask * 2

    def backward(self, dout):
        return dout * self.mask * 2 if self.train else dout


class MovingScale:
    """Divides by a moving average of the largest magnitude in training, which it remembers; no gradient by it."""

    def __init__(self):
        self.seen = 1.0

    def fprop(self, inputs, stochastic=True):
        self.used = self.seen
        if stochastic:
            self.seen = 0.9 * self.seen + 0.1 * float(np.abs(inputs).max())
        return inputs / self.used

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs / self.used


class GroupNorm:
    def __init__(self, num_channels=4, groups=2):
        self.groups = groups
        self.gamma, self.beta = np.ones(num_channels), np.zeros(num_channels)

    def forward(self, x):
        n, c, h, w = x.shape
        g = x.reshape(n, self.groups, -1)
        self.std = np.sqrt(g.var(axis=2, keepdims=True) + 1e-5)
        self.xhat = ((g - g.mean(axis=2, keepdims=True)) / self.std).reshape(x.shape)
        return self.gamma[:, None, None] * self.xhat + self.beta[:, None, None]

    def backward(self, dout):
        self.dgamma = (dout * self.xhat).sum(axis=(0, 2, 3))
        self.dbeta = dout.sum(axis=(0, 2, 3))
        n = len(dout)
        d = (dout * self.gamma[:, None, None]).reshape(n, self.groups, -1)
        xhat = self.xhat.reshape(d.shape)
        dx = d - d.mean(axis=2, keepdims=True) - xhat * (d * xhat).mean(axis=2, keepdims=True)
        return (dx / self.std).reshape(dout.shape)


class BatchNorm2dOfMaps:
    """The running variance unbiased; momentum is the batch's share, as in PyTorch."""

    def __init__(self, num_features=3, momentum=0.3, eps=1e-3):
        self.momentum, self.eps = momentum, eps
        self.gamma, self.beta = np.ones((1, num_features, 1, 1)), np.zeros((1, num_features, 1, 1))
        self.running_mean, self.running_var = np.zeros_like(self.gamma), np.ones_like(self.gamma)

    def forward(self, x, is_training=True):
        self.is_training = is_training
        if is_training:
            m = x.size / x.shape[1]
            mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * m / (m - 1) - self.running_var)
        else:
            mean, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        axes = (0, 2, 3)
        self.dgamma, self.dbeta = (dout * self.xhat).sum(axes, keepdims=True), dout.sum(axes, keepdims=True)
        d = dout * self.gamma
        d = d - d.mean(axes, keepdims=True) - self.xhat * (d * self.xhat).mean(axes, keepdims=True)
        return d / self.std


class AveragesAll:
    """Batch normalisation whose statistics are the plain average over all batches."""

    def __init__(self):
        self.count, self.mean, self.var = 0, np.zeros(4), np.zeros(4)

    def fprop(self, inputs, stochastic=True):
        if stochastic:
            mean, var = inputs.mean(0), inputs.var(0)
            self.mean = (self.count * self.mean + mean) / (self.count + 1)
            self.var = (self.count * self.var + var) / (self.count + 1)
            self.count += 1
        else:
            mean, var = self.mean, self.var
        self.std = np.sqrt(var + 1e-5)
        return (inputs - mean) / self.std

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs
        return (g - g.mean(0) - outputs * (g * outputs).mean(0)) / self.std


class KeepsStd:
    """Batch normalisation that keeps the running standard deviation."""

    def __init__(self):
        self.mean, self.std_kept = np.zeros(5), np.ones(5)

    def fprop(self, inputs, stochastic=True):
        mean = inputs.mean(0) if stochastic else self.mean
        self.std = np.sqrt(inputs.var(0) + 1e-8) if stochastic else self.std_kept
        if stochastic:
            self.mean = 0.7 * self.mean + 0.3 * mean
            self.std_kept = 0.7 * self.std_kept + 0.3 * self.std
        return (inputs - mean) / self.std

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs
        assert inputs.shape[1] == 5
        return (g - g.mean(0) - outputs * (g * outputs).mean(0)) / self.std


class MaxOut:
    """The larger of neighbours; ties shared."""

    def fprop(self, inputs):
        pairs = inputs.reshape(len(inputs), -1, 2, *inputs.shape[2:])
        return pairs.max(axis=2)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        pairs = inputs.reshape(len(inputs), -1, 2, *inputs.shape[2:])
        largest = pairs == pairs.max(axis=2, keepdims=True)
        share = largest / largest.sum(axis=2, keepdims=True)
        return (share * grads_wrt_outputs[:, :, None]).reshape(inputs.shape)


class GlobalMax:
    """The first of the largest gets it all."""

    def fprop(self, inputs):
        assert inputs.ndim == 4
        return inputs.reshape(*inputs.shape[:2], -1).max(axis=2)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        flat = inputs.reshape(*inputs.shape[:2], -1)
        grads = np.zeros_like(flat)
        np.put_along_axis(grads, flat.argmax(axis=2)[:, :, None], grads_wrt_outputs[:, :, None], axis=2)
        return grads.reshape(inputs.shape)


class Sorted:
    def fprop(self, inputs):
        self.order = np.argsort(inputs, axis=-1, kind="stable")
        return np.take_along_axis(inputs, self.order, axis=-1)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.empty(inputs.shape)
        np.put_along_axis(grads, self.order, grads_wrt_outputs, axis=-1)
        return grads


class Swish32:
    """Its own arithmetic in single precision, its output in double."""

    def forward(self, x):
        self.s = expit(x.astype(np.float32))
        self.x = x.astype(np.float32)
        return (self.x * self.s).astype(np.float64)

    def backward(self, dout):
        return (dout * (self.s + self.x * self.s * (1 - self.s))).astype(np.float64)


class ReadsOnly:
    """Returns arrays that may not be written to."""

    def fprop(self, inputs):
        outputs = 2 * inputs
        outputs.flags.writeable = False
        return outputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.broadcast_to(np.float64(2.0), inputs.shape) * grads_wrt_outputs


class Tuples:
    """backward returns a tuple: dx and a dictionary."""

    def __init__(self):
        self.params = {"W": np.ones((6, 2)), "b": np.zeros(2)}

    def forward(self, x):
        return x @ self.params["W"] + self.params["b"], x

    def backward(self, dout, cache):
        return dout @ self.params["W"].T, {"dW": cache.T @ dout, "db": dout.sum(axis=0)}


class TensorProduct:
    """Weights of three axes."""

    def __init__(self):
        self.params = [np.ones((4, 4, 3))]

    def fprop(self, inputs):
        return np.einsum("ni,nj,ijk->nk", inputs, inputs, self.params[0])

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        both = self.params[0] + self.params[0].transpose(1, 0, 2)
        return np.einsum("nk,nj,ijk->ni", grads_wrt_outputs, inputs, both)

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [np.einsum("nk,ni,nj->ijk", grads_wrt_outputs, inputs, inputs)]


class Logs:
    """For positive numbers only: nan elsewhere."""

    def fprop(self, inputs):
        return np.log(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs / inputs


class StraightThrough:
    """The sine of a sum: each output depends on one whole row; a memory of the last call is a global."""

    def fprop(self, inputs):
        global LAST
        LAST = inputs.sum(axis=-1, keepdims=True)
        return np.sin(LAST) * np.ones_like(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.cos(LAST) * grads_wrt_outputs.sum(axis=-1, keepdims=True) * np.ones_like(inputs)


LAST = None


class Transposes:
    """Holds its weights transposed, as a view of another array."""

    def __init__(self):
        self.store = np.zeros((4, 7))
        self.params = [self.store[:, :6].T]

    def fprop(self, inputs):
        return inputs @ self.params[0]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs @ self.params[0].T

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return (inputs.T @ grads_wrt_outputs,)


def global_avg_forward(x):
    return x.mean(axis=(2, 3)), x.shape


def global_avg_backward(dout, cache):
    return np.ones(cache) * dout[:, :, None, None] / (cache[2] * cache[3])


def scale_forward(x, gamma, beta, *, offset=0.0):
    return x * gamma + beta + offset, (x, gamma)


def scale_backward(dout, cache):
    x, gamma = cache
    return [dout * gamma, (dout * x).sum(0), dout.sum(0)]
