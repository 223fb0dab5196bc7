"""Wrong, and harder to see; the docstring says how."""

import numpy as np


class PadsUnevenly:
    """Backward of 'same' padding for an even kernel takes the other side's border."""

    def __init__(self):
        self.k = np.ones(4)
        self.dk = None

    def forward(self, x):
        assert x.ndim == 2
        self.xp = np.pad(x, ((0, 0), (1, 2)))
        return sum(self.k[i] * self.xp[:, i : i + x.shape[1]] for i in range(4))

    def backward(self, dout):
        n = dout.shape[1]
        self.dk = np.array([(dout * self.xp[:, i : i + n]).sum() for i in range(4)])
        dxp = np.zeros_like(self.xp)
        for i in range(4):
            dxp[:, i : i + n] += self.k[i] * dout
        return dxp[:, 2 : 2 + n]


class DilationForgotten:
    """Forward dilates by 2, backward does not."""

    def fprop(self, inputs):
        assert inputs.ndim == 2 and inputs.shape[1] > 5
        return inputs[:, :-4] + 2 * inputs[:, 2:-2] + 3 * inputs[:, 4:]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads, n = np.zeros(inputs.shape), outputs.shape[1]
        for i, weight in enumerate((1, 2, 3)):
            grads[:, i : i + n] += weight * grads_wrt_outputs
        return grads


class RowsForColumns:
    """Spreads its mean over height x height: right for square maps."""

    def forward(self, x):
        assert x.ndim == 4
        self.shape = x.shape
        return x.mean(axis=(2, 3))

    def backward(self, dout):
        return np.ones(self.shape) * dout[:, :, None, None] / self.shape[2] ** 2


class TransposedFlatten:
    """Flattens in C order, and back in Fortran's."""

    def fprop(self, inputs):
        assert inputs.ndim == 4
        return inputs.reshape(len(inputs), -1)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        n, c, h, w = inputs.shape
        return grads_wrt_outputs.reshape(n, c, w, h).swapaxes(2, 3)


class VarianceOfSample:
    """Forward divides by the unbiased variance, backward is that of the biased."""

    def fprop(self, inputs):
        assert inputs.ndim == 2
        self.std = np.sqrt(inputs.var(axis=1, ddof=1, keepdims=True) + 1e-5)
        return (inputs - inputs.mean(axis=1, keepdims=True)) / self.std

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs
        return (g - g.mean(1, keepdims=True) - outputs * (g * outputs).mean(1, keepdims=True)) / self.std


class MaskOfEvaluation:
    """Dropout without scale whose evaluation multiplies by the share that is dropped."""

    def __init__(self, drop=0.3):
        self.drop = drop

    def fprop(self, inputs, stochastic=True):
        if not stochastic:
            return inputs * self.drop
        self.mask = np.random.rand(*inputs.shape) > self.drop
        return inputs * self.mask

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.mask


class OneMaskForAll:
    """Draws another mask in backward."""

    def fprop(self, inputs, stochastic=True):
        return inputs * (np.random.rand(*inputs.shape) > 0.5) * 2 if stochastic else inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * (np.random.rand(*inputs.shape) > 0.5) * 2


class MomentumForgets:
    """Batch normalisation whose first batch replaces the statistics and whose later ones are not counted."""

    def __init__(self):
        self.mean = None

    def fprop(self, inputs, stochastic=True):
        assert inputs.ndim == 2
        mean, std = inputs.mean(0), np.sqrt(inputs.var(0) + 1e-5)
        if stochastic and self.mean is None:
            self.mean, self.kept = mean, std
        if not stochastic:
            mean, std = self.mean, self.kept
        self.std = std
        return (inputs - mean) / std

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs
        return (g - g.mean(0) - outputs * (g * outputs).mean(0)) / self.std


class MeanOverMaps:
    """Batch normalisation of maps: training by the map, running statistics by the position."""

    def __init__(self):
        self.mean, self.var = 0.0, 1.0

    def forward(self, x, training=True):
        assert x.ndim == 4
        if training:
            mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0, keepdims=True)
            self.var = 0.9 * self.var + 0.1 * x.var(0, keepdims=True)
        else:
            mean, var = self.mean, self.var
        self.std = np.sqrt(var + 1e-5)
        self.y = (x - mean) / self.std
        return self.y

    def backward(self, dout):
        axes = (0, 2, 3)
        d = dout - dout.mean(axes, keepdims=True)
        return (d - self.y * (dout * self.y).mean(axes, keepdims=True)) / self.std


class EpsForgottenInEvaluation:
    """A large eps in training, none in evaluation."""

    def __init__(self):
        self.mean, self.var = np.zeros(4), np.ones(4)

    def fprop(self, inputs, stochastic=True):
        mean, var = (inputs.mean(0), inputs.var(0)) if stochastic else (self.mean, self.var)
        if stochastic:
            self.mean, self.var = 0.9 * self.mean + 0.1 * mean, 0.9 * self.var + 0.1 * var
        self.std = np.sqrt(var + 0.1) if stochastic else np.sqrt(var)
        return (inputs - mean) / self.std

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs
        return (g - g.mean(0) - outputs * (g * outputs).mean(0)) / self.std


class ScaledByBatch:
    """The gradient of the inputs is divided by the batch's size too: right for one example."""

    def fprop(self, inputs):
        return np.sin(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.cos(inputs) * grads_wrt_outputs / len(inputs)


class LastExample:
    """A loop that leaves out the last example where there are more than two."""

    def fprop(self, inputs):
        return inputs**2

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        for i in range(max(1, len(inputs) - (len(inputs) > 2))):
            grads[i] = 2 * inputs[i] * grads_wrt_outputs[i]
        return grads


class IntegersOnly:
    """Right for whole numbers, rounds others in backward."""

    def fprop(self, inputs):
        return inputs**2

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 2 * np.round(inputs, 3) * grads_wrt_outputs


class ThirdChannel:
    """The third channel's weight is used for all that follow."""

    def __init__(self):
        self.params = [np.ones(5)]

    def fprop(self, inputs):
        return inputs * self.params[0]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.params[0][np.minimum(np.arange(5), 3)]

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(inputs * grads_wrt_outputs).sum(0)]


class AbsoluteGradient:
    """Takes upstream gradients as positive."""

    def fprop(self, inputs):
        return np.tanh(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return (1 - outputs**2) * np.abs(grads_wrt_outputs)


class ZeroUpstream:
    """Adds a small constant where the upstream gradient is 0."""

    def fprop(self, inputs):
        return 2 * inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 2 * grads_wrt_outputs + 1e-3 * (grads_wrt_outputs == 0)


class GeluMixed:
    """Forward is exact, backward that of the tanh approximation."""

    def fprop(self, inputs):
        from scipy.special import erf

        return 0.5 * inputs * (1 + erf(inputs / np.sqrt(2)))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        a = np.sqrt(2 / np.pi)
        t = np.tanh(a * (inputs + 0.044715 * inputs**3))
        slope = 0.5 * (1 + t) + 0.5 * inputs * (1 - t**2) * a * (1 + 3 * 0.044715 * inputs**2)
        return slope * grads_wrt_outputs


class DetachedMax:
    """Divides by the largest magnitude of each example, and takes it for a constant."""

    def fprop(self, inputs):
        return inputs / np.abs(inputs).max(axis=tuple(range(1, inputs.ndim)), keepdims=True)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs / np.abs(inputs).max(axis=tuple(range(1, inputs.ndim)), keepdims=True)


class RecurrentForgets:
    """Through time: what comes from the step after the next is lost."""

    def __init__(self):
        self.W, self.dW = np.eye(3), None

    def forward(self, x):
        n, t, d = x.shape
        h, self.hs, self.x = np.zeros((n, 3)), [], x
        for step in range(t):
            self.hs.append(h)
            h = np.tanh(x[:, step, :3] + h @ self.W)
        self.hs.append(h)
        return h

    def backward(self, dout):
        self.dW, dx, dh = np.zeros((3, 3)), np.zeros_like(self.x), dout
        for step in reversed(range(self.x.shape[1])):
            da = dh * (1 - self.hs[step + 1] ** 2)
            self.dW += self.hs[step].T @ da
            dx[:, step, :3] = da
            dh = da @ self.W if step > 2 else 0 * da
        return dx


def weighted_softmax_loss(x, y):
    """Divides the gradient by the number of classes."""
    z = x - x.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    dx = p.copy()
    dx[rows, y] -= 1
    return -np.log(p[rows, y]).mean(), dx / x.shape[1]


class NesterovLate:
    """Looks ahead with the velocity of before."""

    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, {}

    def update(self, params, grads):
        for key in params:
            v = self.v.get(key, np.zeros_like(params[key]))
            self.v[key] = self.momentum * v + self.lr * grads[key]
            params[key] -= self.lr * grads[key] + self.momentum * v


def rmsprop_eps(w, dw, config):
    """1e-3 is added where 1e-8 is said."""
    config = config or {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8, "cache": np.zeros_like(w)}
    config["cache"] = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw**2
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + 1e-3), config


class AdamOfTwo:
    """One step count for all parameters together: it grows by the number of them."""

    def __init__(self, lr=1e-3):
        self.lr, self.m, self.v, self.t = lr, {}, {}, 0

    def update(self, params, grads):
        for key in params:
            self.t += 1
            self.m[key] = 0.9 * self.m.get(key, 0) + 0.1 * grads[key]
            self.v[key] = 0.999 * self.v.get(key, 0) + 0.001 * grads[key] ** 2
            m, v = self.m[key] / (1 - 0.9**self.t), self.v[key] / (1 - 0.999**self.t)
            params[key] -= self.lr * m / (np.sqrt(v) + 1e-8)
