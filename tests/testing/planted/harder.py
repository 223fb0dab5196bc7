"""Right again, and harder: what calls others, keeps lists of layers, or looks like something else."""

import functools
import math
import random
from abc import ABC, abstractmethod
from collections import deque
from types import SimpleNamespace

import numpy as np
from scipy import ndimage, sparse


class Stacked:
    """A layer made of layers, with the parameters of all."""

    class _Scale:
        def __init__(self, size):
            self.w, self.dw = np.ones(size), None

    def __init__(self, size=5):
        self.inner = [self._Scale(size), self._Scale(size)]

    @property
    def params(self):
        return [each.w for each in self.inner]

    @params.setter
    def params(self, values):
        for each, value in zip(self.inner, values, strict=True):
            each.w = value

    def fprop(self, inputs):
        return np.tanh(inputs * self.inner[0].w) * self.inner[1].w

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        t = np.tanh(inputs * self.inner[0].w)
        return grads_wrt_outputs * self.inner[1].w * (1 - t**2) * self.inner[0].w

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        t = np.tanh(inputs * self.inner[0].w)
        first = (grads_wrt_outputs * self.inner[1].w * (1 - t**2) * inputs).sum(0)
        return [first, (grads_wrt_outputs * t).sum(0)]


class Context:
    """Keeps what it needs in a namespace, a deque as a stack: backward pops."""

    def __init__(self):
        self.ctx = SimpleNamespace()
        self.stack = deque()

    def forward(self, x):
        self.stack.append(x)
        self.ctx.shape = x.shape
        return x * x

    def backward(self, dout):
        return 2 * self.stack.pop() * dout


def remembered(method):
    @functools.wraps(method)
    def call(self, *args):
        self.last = method(self, *args)
        return self.last

    return call


class Decorated:
    @remembered
    def forward(self, x):
        self.x = x
        return np.exp(-np.abs(x))

    def backward(self, dout):
        return -self.last * np.sign(self.x) * dout


class Abstract(ABC):
    def fprop(self, inputs):
        return self.value(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return self.slope(inputs) * grads_wrt_outputs

    @abstractmethod
    def value(self, x): ...

    @abstractmethod
    def slope(self, x): ...


class Softplus(Abstract):
    """Named like assay's own: compared with it."""

    def value(self, x):
        return np.logaddexp(0, x)

    def slope(self, x):
        return 1 / (1 + np.exp(-x))


class MishOfClass(Abstract):
    value = staticmethod(lambda x: x * np.tanh(np.logaddexp(0, x)))

    @staticmethod
    def slope(x):
        t = np.tanh(np.logaddexp(0, x))
        return t + x * (1 - t**2) / (1 + np.exp(-x))


class Blur:
    """A Gaussian blur of each map by SciPy, which is its own adjoint with constant borders."""

    def forward(self, x):
        assert x.ndim == 4
        return ndimage.gaussian_filter(x, (0, 0, 1.0, 1.0), mode="constant")

    def backward(self, dout):
        return ndimage.gaussian_filter(dout, (0, 0, 1.0, 1.0), mode="constant")


class Sparse:
    """Multiplies by a sparse matrix."""

    def __init__(self):
        self.A = sparse.random(6, 4, 0.5, random_state=1).tocsr()

    def forward(self, x):
        return (self.A.T @ x.T).T

    def backward(self, dout):
        return (self.A @ dout.T).T


class Embeds:
    """Rounds its input: flat between whole numbers, so that its gradient is 0."""

    def fprop(self, inputs):
        return np.floor(inputs + 0.25)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.zeros(inputs.shape)


class PythonsRandom:
    """Draws by the module random; stochastic depth."""

    def fprop(self, inputs, stochastic=True):
        self.kept = random.random() < 0.5 if stochastic else 0.5
        return inputs + self.kept * np.sin(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * (1 + self.kept * np.cos(inputs))


class Upsample:
    def forward(self, x):
        assert x.ndim == 4
        return np.kron(x, np.ones((2, 2)))

    def backward(self, dout):
        n, c, h, w = dout.shape
        return dout.reshape(n, c, h // 2, 2, w // 2, 2).sum((3, 5))


class CropsToEven:
    def forward(self, x):
        self.shape = x.shape
        return x[..., : x.shape[-2] // 2 * 2, : x.shape[-1] // 2 * 2]

    def backward(self, dout):
        dx = np.zeros(self.shape)
        dx[..., : dout.shape[-2], : dout.shape[-1]] = dout
        return dx


class LogSoftmax:
    def forward(self, x):
        assert x.ndim == 2
        m = x.max(axis=1, keepdims=True)
        self.y = x - m - np.log(np.exp(x - m).sum(axis=1, keepdims=True))
        return self.y

    def backward(self, dout):
        return dout - np.exp(self.y) * dout.sum(axis=1, keepdims=True)


class CosineNorm:
    """x / |x|, and 0 at 0."""

    def forward(self, x):
        axes = tuple(range(1, x.ndim))
        self.norm = np.sqrt((x**2).sum(axis=axes, keepdims=True))
        self.safe = np.where(self.norm == 0, 1, self.norm)
        self.y = x / self.safe
        return self.y

    def backward(self, dout):
        axes = tuple(range(1, dout.ndim))
        along = (self.y * dout).sum(axis=axes, keepdims=True)
        return np.where(self.norm == 0, 0, (dout - self.y * along) / self.safe)


class Recurrent:
    """A simple recurrence over the rows of (N, T, D) given as maps of one channel."""

    def __init__(self, hidden=3):
        self.Wx, self.Wh = np.ones((4, hidden)), np.eye(hidden)
        self.dWx = self.dWh = None

    def forward(self, x):
        n, t, d = x.shape
        h = np.zeros((n, self.Wh.shape[0]))
        self.x, self.hs = x, [h]
        for step in range(t):
            h = np.tanh(x[:, step] @ self.Wx + h @ self.Wh)
            self.hs.append(h)
        return np.stack(self.hs[1:], axis=1)

    def backward(self, dout):
        self.dWx, self.dWh = np.zeros_like(self.Wx), np.zeros_like(self.Wh)
        dx, dh = np.zeros_like(self.x), 0
        for step in reversed(range(dout.shape[1])):
            da = (dout[:, step] + dh) * (1 - self.hs[step + 1] ** 2)
            self.dWx += self.x[:, step].T @ da
            self.dWh += self.hs[step].T @ da
            dx[:, step], dh = da @ self.Wx.T, da @ self.Wh.T
        return dx


class Highway:
    """Keyword-only arguments, one of which is needed and named as usual."""

    def __init__(self, *, in_features, bias=-1.0):
        self.W_t, self.b_t = 0.1 * np.eye(in_features), np.full(in_features, bias)

    def forward(self, x):
        self.x, self.t = x, 1 / (1 + np.exp(-(x @ self.W_t + self.b_t)))
        return self.t * np.sin(x) + (1 - self.t) * x

    def backward(self, dout):
        x, t = self.x, self.t
        dz = dout * (np.sin(x) - x) * t * (1 - t)
        self.dW_t, self.db_t = x.T @ dz, dz.sum(0)
        return dout * (t * np.cos(x) + 1 - t) + dz @ self.W_t.T


class Locked:
    """Arrays that may not be written to as parameters."""

    def __init__(self):
        w = np.ones(4)
        w.flags.writeable = False
        self.w = w
        self.dw = None

    def forward(self, x):
        self.x = x
        return x * self.w

    def backward(self, dout):
        self.dw = (dout * self.x).sum(0)
        return dout * self.w


class Warns:
    """Calls what warns and divides by zero harmlessly."""

    def fprop(self, inputs):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(inputs == 0, 1.0, np.sin(inputs) / inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        safe = np.where(inputs == 0, 1, inputs)
        slope = (np.cos(safe) - np.sin(safe) / safe) / safe
        return np.where(np.abs(inputs) < 1e-4, -inputs / 3, slope) * grads_wrt_outputs


class BatchesOfTwo:
    """Needs at least two examples, and says so."""

    def fprop(self, inputs):
        if len(inputs) < 2:
            raise ValueError("needs two examples")
        return inputs - inputs.mean(axis=0)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs - grads_wrt_outputs.mean(axis=0)


class Prints:
    def fprop(self, inputs):
        print("fprop", inputs.shape)
        return math.pi * inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return math.pi * grads_wrt_outputs


class Virtual:
    """Ghost batch normalisation: statistics of halves are not those of assay's."""

    def __init__(self, num_features=4):
        self.mean, self.var = np.zeros(num_features), np.ones(num_features)

    def fprop(self, inputs, stochastic=True):
        assert inputs.shape[1] == 4
        if not stochastic:
            return (inputs - self.mean) / np.sqrt(self.var + 1e-5)
        self.parts = np.array_split(np.arange(len(inputs)), max(1, len(inputs) // 2))
        out = np.empty(inputs.shape)
        self.std = np.empty(inputs.shape)
        for rows in self.parts:
            x = inputs[rows]
            self.std[rows] = np.sqrt(x.var(0) + 1e-5)
            out[rows] = (x - x.mean(0)) / self.std[rows]
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
            self.var = 0.9 * self.var + 0.1 * x.var(0)
        return out

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        dx = np.empty(inputs.shape)
        for rows in self.parts:
            g, y = grads_wrt_outputs[rows], outputs[rows]
            dx[rows] = (g - g.mean(0) - y * (g * y).mean(0)) / self.std[rows]
        return dx


class BatchRenormless:
    """Mean-only batch normalisation, with a running mean and a scale that is learnt."""

    def __init__(self):
        self.g, self.mean = np.ones(4), np.zeros(4)
        self.params = [self.g]

    def fprop(self, inputs, stochastic=True):
        self.used = inputs.mean(0) if stochastic else self.mean
        if stochastic:
            self.mean = 0.5 * self.mean + 0.5 * self.used
        return self.g * (inputs - self.used)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        d = self.g * grads_wrt_outputs
        return d - d.mean(0)

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(grads_wrt_outputs * (inputs - self.used)).sum(0)]


def focal_loss(x, y):
    """Focal loss with gamma 1."""
    z = x - x.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(y))
    lp, p = logp[rows, y], np.exp(logp)
    pt = p[rows, y]
    onehot = np.eye(x.shape[1])[y]
    dl_dlp = -(1 - pt) + lp * pt
    return (-(1 - pt) * lp).mean(), dl_dlp[:, None] * (onehot - p) / len(y)


class HuberLoss:
    def forward(self, x, t):
        self.d = x - t
        a = np.abs(self.d)
        return np.where(a < 1, 0.5 * a**2, a - 0.5).mean()

    def backward(self):
        return np.clip(self.d, -1, 1) / self.d.size


class AdamFused:
    """update(params, grads) by one loop over flat memory."""

    def __init__(self, lr=2e-3, betas=(0.8, 0.99), eps=1e-8):
        self.lr, (self.beta1, self.beta2), self.eps = lr, betas, eps
        self.state, self.t = {}, 0

    def update(self, params, grads):
        self.t += 1
        for key, grad in grads.items():
            m, v = self.state.setdefault(key, (np.zeros_like(grad), np.zeros_like(grad)))
            m += (1 - self.beta1) * (grad - m)
            v += (1 - self.beta2) * (grad * grad - v)
            step = self.lr / (1 - self.beta1**self.t)
            params[key] -= step * m / (np.sqrt(v / (1 - self.beta2**self.t)) + self.eps)
