"""Wrong, each in a way that only some inputs, sizes, modes or steps show; the docstring says how."""

from dataclasses import dataclass

import numpy as np

from assay.nn import Layer


class TiesInMaxOut:
    """At ties both neighbours get the whole gradient."""

    def fprop(self, inputs):
        return np.maximum(inputs[..., ::2], inputs[..., 1::2])

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        grads[..., ::2] = grads_wrt_outputs * (inputs[..., ::2] >= inputs[..., 1::2])
        grads[..., 1::2] = grads_wrt_outputs * (inputs[..., 1::2] >= inputs[..., ::2])
        return grads


class TiesLost:
    """At ties neither gets any."""

    def fprop(self, inputs):
        return np.maximum(inputs[..., ::2], inputs[..., 1::2])

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        grads[..., ::2] = grads_wrt_outputs * (inputs[..., ::2] > inputs[..., 1::2])
        grads[..., 1::2] = grads_wrt_outputs * (inputs[..., 1::2] > inputs[..., ::2])
        return grads


class OddSizes:
    """Average pooling whose rest, at odd sizes, is put at the wrong end."""

    def fprop(self, inputs):
        n, c, h, w = inputs.shape
        kept = inputs[:, :, : h // 2 * 2, : w // 2 * 2]
        return kept.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        n, c, h, w = inputs.shape
        spread = grads_wrt_outputs.repeat(2, axis=2).repeat(2, axis=3) / 4
        return np.pad(spread, ((0, 0), (0, 0), (h % 2, 0), (w % 2, 0)))


class BatchOfOne:
    """np.squeeze takes the batch axis away too, and the mean is then another."""

    def fprop(self, inputs):
        return inputs - inputs.mean(axis=1, keepdims=True)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs
        if len(g) == 1:
            return g
        return g - g.mean(axis=1, keepdims=True)


class EvaluationScale:
    """Inverted dropout that scales again in evaluation."""

    def __init__(self, p=0.2):
        self.p = p

    def forward(self, x, training=True):
        if training:
            self.mask = (np.random.rand(*x.shape) >= self.p) / (1 - self.p)
            return x * self.mask
        return x * (1 - self.p)

    def backward(self, dout):
        return dout * self.mask


class EvaluationForgetsBias:
    """In evaluation the bias is left out."""

    def __init__(self):
        self.params = [np.ones((6, 4)), np.zeros(4)]

    def fprop(self, inputs, stochastic=True):
        return inputs @ self.params[0] + (self.params[1] if stochastic else 0)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs @ self.params[0].T

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [inputs.T @ grads_wrt_outputs, grads_wrt_outputs.sum(0)]


class OffByEps:
    """Backward divides by std + eps, forward by sqrt(var + eps)."""

    def fprop(self, inputs):
        assert inputs.ndim == 2
        self.centred = inputs - inputs.mean(axis=1, keepdims=True)
        self.var = inputs.var(axis=1, keepdims=True)
        return self.centred / np.sqrt(self.var + 1e-3)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g, std = grads_wrt_outputs, np.sqrt(self.var) + 1e-3
        xhat = self.centred / std
        return (g - g.mean(1, keepdims=True) - xhat * (g * xhat).mean(1, keepdims=True)) / std


class EpsInBackwardOnly:
    """1e-7 is added where small inputs make it matter."""

    def fprop(self, inputs):
        self.norm = np.sqrt((inputs**2).sum(axis=-1, keepdims=True) + 1e-30)
        return inputs / self.norm

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g, norm = grads_wrt_outputs, self.norm + 1e-7
        return (g - outputs * (g * outputs).sum(axis=-1, keepdims=True)) / norm


class BeyondTwoWindows:
    """A one-dimensional max pooling of overlapping windows: from the third on '=' is used."""

    def fprop(self, inputs):
        windows = np.lib.stride_tricks.sliding_window_view(inputs, 3, axis=-1)[..., ::2, :]
        return windows.max(axis=-1)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        for k in range(outputs.shape[-1]):
            window = inputs[..., 2 * k : 2 * k + 3]
            largest = window == outputs[..., k, None]
            share = largest / largest.sum(axis=-1, keepdims=True) * grads_wrt_outputs[..., k, None]
            if k < 2:
                grads[..., 2 * k : 2 * k + 3] += share
            else:
                grads[..., 2 * k : 2 * k + 3] = np.where(largest, share, grads[..., 2 * k : 2 * k + 3])
        return grads


class LosesToSingle:
    """Forward in double, backward through float32 and large numbers that cancel there."""

    def fprop(self, inputs):
        return inputs**2

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        shifted = (inputs + 1000).astype(np.float32)
        return 2 * (shifted - 1000) * grads_wrt_outputs


class LosesToHalf:
    """Backward in float16."""

    def fprop(self, inputs):
        return np.tanh(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return ((1 - outputs.astype(np.float16) ** 2) * grads_wrt_outputs).astype(np.float16)


class WrongAxisOfBias:
    """The bias's gradient is summed over units, which a batch as large as the layer is wide hides."""

    def __init__(self):
        self.W, self.b = np.ones((3, 3)), np.zeros(3)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=1)
        return dout @ self.W.T


class MaskOffByOne:
    """A causal sum: backward's mask leaves out the entry itself."""

    def fprop(self, inputs):
        return np.cumsum(inputs, axis=-1)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        later = np.cumsum(grads_wrt_outputs[..., ::-1], axis=-1)[..., ::-1]
        return later - grads_wrt_outputs * (np.arange(inputs.shape[-1]) == inputs.shape[-1] - 1)


class NegativeSide:
    """Right above 0 and at -1 < x < 0; beyond it the slope is forgotten."""

    def fprop(self, inputs):
        return np.where(inputs > 0, inputs, np.where(inputs > -2.5, 0.1 * inputs, 0.1 * inputs))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.where(inputs > 0, 1, np.where(inputs > -2.5, 0.1, 0)) * grads_wrt_outputs


class SaturatesEarly:
    """A sigmoid whose derivative is set to 0 where |x| > 5."""

    def fprop(self, inputs):
        return 1 / (1 + np.exp(-inputs))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return outputs * (1 - outputs) * grads_wrt_outputs * (np.abs(inputs) < 5)


class ClipsGradients:
    """Clips the upstream gradient at 1.5."""

    def fprop(self, inputs):
        return 3 * inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 3 * np.clip(grads_wrt_outputs, -1.5, 1.5)


class ClipsLargeGradients:
    """Clips the gradient at 5: no usual one is as large."""

    def fprop(self, inputs):
        return inputs * 1.0

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.clip(grads_wrt_outputs, -5, 5)


class StaleCache:
    """Keeps the first batch's input for its gradient."""

    def __init__(self):
        self.w = np.ones(4)
        self.x = None

    def forward(self, x):
        if self.x is None or self.x.shape != x.shape:
            self.x = x
        return x * self.w

    def backward(self, dout):
        self.dw = (dout * self.x).sum(axis=0)
        return dout * self.w


class SharedGradient:
    """Adds to its gradient and never clears it, so that the second step has the first's too."""

    def __init__(self):
        self.w, self.dw = np.ones(4), np.ones(4)

    def forward(self, x):
        self.x = x
        return x * self.w

    def backward(self, dout):
        self.dw = self.dw + (dout * self.x).sum(axis=0)
        return dout * self.w


class ContiguousOnly:
    """Reads the buffer and not the view: wrong for transposed arrays."""

    def fprop(self, inputs):
        return inputs**3

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        flat = inputs.ravel(order="K")
        return 3 * flat.reshape(inputs.shape) ** 2 * grads_wrt_outputs


class UpdatesInEvaluation:
    """Batch normalisation whose statistics move in evaluation too."""

    def __init__(self):
        self.mean, self.var = np.zeros(4), np.ones(4)

    def fprop(self, inputs, stochastic=True):
        mean, var = (inputs.mean(0), inputs.var(0)) if stochastic else (self.mean, self.var)
        self.mean = 0.9 * self.mean + 0.1 * inputs.mean(0)
        self.var = 0.9 * self.var + 0.1 * inputs.var(0)
        self.std = np.sqrt(var + 1e-5)
        return (inputs - mean) / self.std

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs
        return (g - g.mean(0) - outputs * (g * outputs).mean(0)) / self.std


class ReflectedBorder:
    """A moving sum of three with zeros beyond the border; backward reflects instead."""

    def fprop(self, inputs):
        assert inputs.ndim == 2
        padded = np.pad(inputs, ((0, 0), (1, 1)))
        return padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        padded = np.pad(grads_wrt_outputs, ((0, 0), (1, 1)), mode="edge")
        return padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]


class ChannelsExchanged:
    """The gradients of two groups of channels are exchanged; equal weights hide it."""

    def __init__(self):
        self.params = [np.ones(2)]

    def fprop(self, inputs):
        half = inputs.shape[1] // 2
        return np.concatenate([inputs[:, :half] * self.params[0][0], inputs[:, half:] * self.params[0][1]], 1)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        half = inputs.shape[1] // 2
        first, second = grads_wrt_outputs[:, :half], grads_wrt_outputs[:, half:]
        return np.concatenate([first * self.params[0][1], second * self.params[0][0]], 1)

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        half = inputs.shape[1] // 2
        product = inputs * grads_wrt_outputs
        return [np.array([product[:, :half].sum(), product[:, half:].sum()])]


@dataclass(frozen=True)
class EvaluationOfBatch(Layer):
    """Evaluation normalises by the batch."""

    kind = "evaluationofbatch"

    def output_shape(self, shape):
        (size,) = shape
        return shape

    def forward(self, params, x):
        std = np.sqrt(x.var(axis=0) + 1e-5)
        return (x - x.mean(axis=0)) / std, ((x - x.mean(axis=0)) / std, std)

    def backward(self, params, cache, dy):
        xhat, std = cache
        return (dy - dy.mean(0) - xhat * (dy * xhat).mean(0)) / std, {}


def log_loss(x, y):
    """Softmax cross-entropy that overflows quietly: right for small scores, clipped for large ones."""
    e = np.exp(np.clip(x, -2, 2))
    p = e / e.sum(axis=1, keepdims=True)
    dx = p.copy()
    dx[np.arange(len(y)), y] -= 1
    return -np.log(p[np.arange(len(y)), y]).mean(), dx / len(y)


def smoothed_softmax_loss(x, y):
    """The value smooths labels by 0.01, the gradient does not."""
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    t = np.full(x.shape, 0.01 / x.shape[1])
    t[np.arange(len(y)), y] += 0.99
    onehot = np.eye(x.shape[1])[y]
    return -(t * log_p).sum() / len(y), (np.exp(log_p) - onehot) / len(y)


def adamw(w, dw, config):
    """Weight decay coupled."""
    config = config or {"learning_rate": 1e-3, "weight_decay": 0.1, "t": 0, "m": 0, "v": 0}
    dw = dw + config["weight_decay"] * w
    config["t"] += 1
    config["m"] = 0.9 * config["m"] + 0.1 * dw
    config["v"] = 0.999 * config["v"] + 0.001 * dw**2
    m, v = config["m"] / (1 - 0.9 ** config["t"]), config["v"] / (1 - 0.999 ** config["t"])
    return w - config["learning_rate"] * m / (np.sqrt(v) + 1e-8), config


def adam_one_step(w, dw, config):
    """The correction of bias stays that of the first step."""
    config = config or {"learning_rate": 1e-3, "m": 0, "v": 0}
    config["m"] = 0.9 * config["m"] + 0.1 * dw
    config["v"] = 0.999 * config["v"] + 0.001 * dw**2
    m, v = config["m"] / (1 - 0.9), config["v"] / (1 - 0.999)
    return w - config["learning_rate"] * m / (np.sqrt(v) + 1e-8), config


class LateMomentum:
    """The velocity is applied one step late."""

    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, {}

    def update(self, params, grads):
        for key in params:
            v = self.v.get(key, np.zeros_like(params[key]))
            self.v[key] = self.momentum * v - self.lr * grads[key]
            params[key] += v if v.any() else self.v[key]


class SharedMomentum:
    """One velocity for all parameters of a shape: right for one of each shape."""

    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, {}

    def update(self, params, grads):
        for key in params:
            shape = params[key].ndim > 5
            v = self.v.get(shape, 0)
            self.v[shape] = (
                self.momentum * (v if np.shape(v) == grads[key].shape else 0) - self.lr * grads[key]
            )
            params[key] += self.v[shape]
