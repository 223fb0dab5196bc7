"""Layers in a course's style that remember and draw, each in its own way; right by PyTorch's definitions."""

import numpy as np


class AffineLayer:
    """Parameters in a list, changed in place."""

    def __init__(self, inputs=4, outputs=3):
        self.weights = np.linspace(-1, 1, outputs * inputs).reshape(outputs, inputs)
        self.biases = np.zeros(outputs)
        self.params = [self.weights, self.biases]

    def fprop(self, inputs):
        return inputs @ self.weights.T + self.biases

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs @ self.weights

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [grads_wrt_outputs.T @ inputs, grads_wrt_outputs.sum(axis=0)]


class BatchNormalizationLayer:
    """Told its mode; keeps its averages in attributes."""

    def __init__(self, size=4):
        self.gamma, self.beta = np.ones(size), np.zeros(size)
        self.running_mean, self.running_var = np.zeros(size), np.ones(size)

    @property
    def params(self):
        return [self.gamma, self.beta]

    @params.setter
    def params(self, values):
        self.gamma, self.beta = values

    def fprop(self, inputs, stochastic=True):
        if stochastic:
            return self.normalise(inputs, *self.moved(inputs))
        return self.normalise(inputs, self.running_mean, self.running_var)

    def moved(self, inputs):
        mean, var = inputs.mean(axis=0), inputs.var(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        self.running_var = 0.9 * self.running_var + 0.1 * var * len(inputs) / (len(inputs) - 1)
        return mean, var

    def normalise(self, inputs, mean, var):
        self.std = np.sqrt(var + 1e-5)
        self.normalised = (inputs - mean) / self.std
        return self.gamma * self.normalised + self.beta

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs * self.gamma
        along = (g * self.normalised).mean(axis=0)
        return (g - g.mean(axis=0) - self.normalised * along) / self.std

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(grads_wrt_outputs * self.normalised).sum(axis=0), grads_wrt_outputs.sum(axis=0)]


class InPlace(BatchNormalizationLayer):
    """Moves its averages within their arrays; told its mode by an attribute."""

    training = True

    def fprop(self, inputs):
        return super().fprop(inputs, stochastic=self.training)

    def moved(self, inputs):
        mean, var = inputs.mean(axis=0), inputs.var(axis=0)
        self.running_mean *= 0.9
        self.running_mean += 0.1 * mean
        self.running_var *= 0.9
        self.running_var += 0.1 * var * len(inputs) / (len(inputs) - 1)
        return mean, var


class Late(BatchNormalizationLayer):
    """Has no averages before a first batch, and keeps them in a dictionary."""

    def __init__(self, size=4):
        super().__init__(size)
        del self.running_mean, self.running_var
        self.averages = {}

    def fprop(self, inputs, evaluation=False):
        if not evaluation:
            return self.normalise(inputs, *self.moved(inputs))
        return self.normalise(inputs, self.averages["mean"], self.averages["var"])

    def moved(self, inputs):
        mean, var = inputs.mean(axis=0), inputs.var(axis=0)
        unbiased = var * len(inputs) / (len(inputs) - 1)
        self.averages["mean"] = 0.9 * self.averages.get("mean", np.zeros_like(mean)) + 0.1 * mean
        self.averages["var"] = 0.9 * self.averages.get("var", np.ones_like(var)) + 0.1 * unbiased
        return mean, var


class InItsClass(BatchNormalizationLayer):
    """All instances share the averages."""

    running_mean, running_var = np.zeros(4), np.ones(4)

    def __init__(self):
        super().__init__()
        del self.running_mean, self.running_var

    moved = InPlace.moved


_batches = 0
_averages = [np.zeros(4), np.ones(4)]


class InItsModule(BatchNormalizationLayer):
    """Averages are globals of the module, and so is the number of batches."""

    def fprop(self, inputs, mode="train"):
        if mode == "train":
            return self.normalise(inputs, *self.moved(inputs))
        return self.normalise(inputs, *_averages)

    def moved(self, inputs):
        global _batches  # noqa: PLW0603
        _batches += 1
        mean, var = inputs.mean(axis=0), inputs.var(axis=0)
        _averages[0] = 0.9 * _averages[0] + 0.1 * mean
        _averages[1] = 0.9 * _averages[1] + 0.1 * var * len(inputs) / (len(inputs) - 1)
        return mean, var


NORMALISERS = (BatchNormalizationLayer, InPlace, Late, InItsClass, InItsModule)


class DropoutLayer:
    """Told its mode; draws from a generator of its own, once as `torch.nn.Dropout` scales it."""

    def __init__(self, rng=None):
        self.rng = rng or np.random.RandomState(7)

    def draw(self, shape):
        return self.rng.uniform(size=shape)

    def fprop(self, inputs, stochastic=True):
        if not stochastic:
            return inputs
        self.mask = (self.draw(inputs.shape) < 0.5) / 0.5
        return inputs * self.mask

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.mask


class DrawsAnywhere(DropoutLayer):
    """Draws from the generator that everybody shares."""

    def draw(self, shape):
        return np.random.uniform(size=shape)  # noqa: NPY002


class DrawsLate(DropoutLayer):
    """Makes its generator when it first draws."""

    def __init__(self):
        self.rng = None

    def draw(self, shape):
        self.rng = self.rng or np.random.default_rng(3)
        return self.rng.uniform(size=shape)


DROPPERS = (DropoutLayer, DrawsAnywhere, DrawsLate)
