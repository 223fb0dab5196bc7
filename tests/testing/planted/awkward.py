"""Right, but awkward: in place, single precision, random, with state, of vectors alone, with views and ties."""

import numpy as np
from course import AffineLayer, BatchNormalizationLayer, DropoutLayer


class ReluInPlace:
    def fprop(self, inputs):
        np.maximum(inputs, 0, out=inputs)
        return inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads_wrt_outputs *= outputs > 0
        return grads_wrt_outputs


class AffineInPlace(AffineLayer):
    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        found = [grads_wrt_outputs.T @ inputs, grads_wrt_outputs.sum(axis=0)]
        inputs[...] = 0
        grads_wrt_outputs[...] = 0
        return found


class NegatesAndBack:
    """Writes into its input and puts it right again, but for rounding."""

    def fprop(self, inputs):
        inputs *= -1
        outputs = -3 * inputs
        inputs *= -1
        return outputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 3 * grads_wrt_outputs


class Single(AffineLayer):
    params = property(lambda self: [self.weights, self.biases])

    def __init__(self):
        self.weights, self.biases = np.zeros((4, 6), np.float32), np.zeros(4, np.float32)


class SingleInAList:
    def __init__(self):
        self.scale = np.ones(5, np.float32)
        self.params = [self.scale]

    def fprop(self, inputs):
        return inputs * self.scale

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.scale

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(grads_wrt_outputs * inputs).sum(axis=0)]


class Whole(Single):
    def __init__(self):
        self.weights, self.biases = np.zeros((4, 6), int), np.zeros(4, int)


class AlwaysSingle:
    def fprop(self, inputs):
        return np.tanh(inputs.astype(np.float32))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return (grads_wrt_outputs * (1 - outputs**2)).astype(np.float32)


class FreshGenerator(DropoutLayer):
    def fprop(self, inputs, stochastic=True):
        self.rng = np.random.default_rng()
        return super().fprop(inputs, stochastic)


class RandomSlope:
    """Leaky, with a slope drawn for each entry; its mean in evaluation."""

    def fprop(self, inputs, stochastic=True):
        self.slope = np.random.uniform(0.1, 0.3, inputs.shape) if stochastic else 0.2
        return np.where(inputs > 0, inputs, self.slope * inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * np.where(inputs > 0, 1, self.slope)


class RandomAlways:
    """Not told its mode."""

    def fprop(self, inputs):
        self.factor = np.random.normal(size=inputs.shape)
        return inputs * self.factor

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.factor


class StateInItsClass(BatchNormalizationLayer):
    seen = [0]

    def fprop(self, inputs, stochastic=True):
        self.seen[0] += 1
        return super().fprop(inputs, stochastic)


class CountsCalls:
    calls = 0

    def fprop(self, inputs):
        self.calls += 1
        return 2 * inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 2 * grads_wrt_outputs


class VectorsOnly:
    """The sum of squares of each example, along its last axis alone."""

    def fprop(self, inputs):
        assert inputs.ndim == 2
        return (inputs**2).sum(axis=1, keepdims=True)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 2 * inputs * grads_wrt_outputs


class SoftmaxForVectors:
    def fprop(self, inputs):
        raised = np.exp(inputs)
        return raised / raised.sum(-1)[:, None]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return outputs * (grads_wrt_outputs - (outputs * grads_wrt_outputs).sum(-1)[:, None])


class MapsOnly:
    def fprop(self, inputs):
        n, c, h, w = inputs.shape
        return inputs.mean(axis=(2, 3))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        n, c, h, w = inputs.shape
        return np.broadcast_to(grads_wrt_outputs[:, :, None, None] / (h * w), inputs.shape)


class Identity:
    """Returns what it is given."""

    def fprop(self, inputs):
        return inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs


class EveryOther:
    """A view of its input."""

    def fprop(self, inputs):
        return inputs[..., ::2]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        grads[..., ::2] = grads_wrt_outputs
        return grads


class Turned:
    """Outputs in another memory layout, a transposed view."""

    def fprop(self, inputs):
        return inputs.swapaxes(1, -1)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs.swapaxes(1, -1)


class ReusesItsBuffer:
    buffer = None

    def fprop(self, inputs):
        if self.buffer is None or self.buffer.shape != inputs.shape:
            self.buffer = np.empty(inputs.shape)
        np.multiply(inputs, 3, out=self.buffer)
        return self.buffer

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        np.multiply(grads_wrt_outputs, 3, out=self.buffer)
        return self.buffer


class Absolute:
    def fprop(self, inputs):
        return np.abs(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.sign(inputs) * grads_wrt_outputs


class OneAtZero:
    """A ReLU whose derivative at 0 is 1."""

    def fprop(self, inputs):
        return np.maximum(inputs, 0)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return (inputs >= 0) * grads_wrt_outputs


class HardTanh:
    def fprop(self, inputs):
        return np.clip(inputs, -1, 1)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return (np.abs(inputs) < 1) * grads_wrt_outputs


class Median:
    """The median of each example of three, ties broken anyhow."""

    def fprop(self, inputs):
        assert inputs.ndim == 2 and inputs.shape[1] % 2
        return np.median(inputs, axis=1)[:, None]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        middle = np.argsort(inputs, axis=1)[:, inputs.shape[1] // 2]
        grads[np.arange(len(inputs)), middle] = grads_wrt_outputs[:, 0]
        return grads


class LargeNumbers:
    """Sums that cancel: its rounding is far above that of 1."""

    def fprop(self, inputs):
        return 1e4 + inputs * inputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 2 * inputs * grads_wrt_outputs


class Steep:
    def fprop(self, inputs):
        return np.tanh(300 * inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return 300 * (1 - outputs**2) * grads_wrt_outputs


class Lazy(AffineLayer):
    """Makes its parameters when it sees an input."""

    def __init__(self):
        self.weights = None

    @property
    def params(self):
        return [] if self.weights is None else [self.weights, self.biases]

    @params.setter
    def params(self, values):
        self.weights, self.biases = values

    def fprop(self, inputs):
        assert inputs.ndim == 2
        if self.weights is None:
            self.weights, self.biases = np.zeros((3, inputs.shape[1])), np.zeros(3)
        return super().fprop(inputs)


class Accumulates:
    """Adds to its gradients, in the style of backward."""

    def __init__(self):
        self.w = np.ones(4)
        self.dw = np.zeros(4)

    def forward(self, x):
        self.x = x
        return x * self.w

    def backward(self, dout):
        self.dw += (dout * self.x).sum(axis=0)
        return dout * self.w


class ReturnsItsCache:
    """Forward gives a cache and backward takes it."""

    def forward(self, x):
        out = np.sin(x)
        return out, np.cos(x)

    def backward(self, dout, cache):
        return dout * cache


def cache_in_place_forward(x):
    return np.exp(-x * x), [x, np.exp(-x * x)]


def cache_in_place_backward(dout, cache):
    x, out = cache
    out *= -2 * x
    out *= dout
    return out


class OlderLinear:
    """The older style: bprop of two arguments."""

    def __init__(self, idim=6, odim=4):
        self.W, self.b = np.zeros((idim, odim)), np.zeros(odim)

    def fprop(self, inputs):
        return inputs @ self.W + self.b

    def bprop(self, h, igrads):
        return igrads, igrads @ self.W.T

    def pgrads(self, inputs, deltas):
        return [inputs.T @ deltas, deltas.sum(0)]

    def get_params(self):
        return [self.W, self.b]
