"""Right: layers, losses and learning rules in the style fprop, bprop, grads_wrt_params."""

import numpy as np


class AffineLayer:
    def __init__(self, input_dim=6, output_dim=4):
        self.weights = np.zeros((output_dim, input_dim))
        self.biases = np.zeros(output_dim)

    @property
    def params(self):
        return [self.weights, self.biases]

    @params.setter
    def params(self, values):
        self.weights, self.biases = values

    def fprop(self, inputs):
        return inputs.dot(self.weights.T) + self.biases

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs.dot(self.weights)

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        grads_wrt_weights = np.dot(grads_wrt_outputs.T, inputs)
        grads_wrt_biases = np.sum(grads_wrt_outputs, axis=0)
        return [grads_wrt_weights, grads_wrt_biases]


class SquareLayer(AffineLayer):
    def __init__(self, input_dim=5, output_dim=5):
        super().__init__(input_dim, output_dim)

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        square_weights = grads_wrt_outputs.T @ inputs
        return [square_weights, grads_wrt_outputs.sum(axis=0)]


class ConvolutionalLayer:
    def __init__(
        self, num_input_channels, num_output_channels, input_dim_1, input_dim_2, kernel_dim_1, kernel_dim_2
    ):
        self.input_dims = (input_dim_1, input_dim_2)
        self.kernel_dim_1, self.kernel_dim_2 = kernel_dim_1, kernel_dim_2
        self.kernels = np.zeros((num_output_channels, num_input_channels, kernel_dim_1, kernel_dim_2))
        self.biases = np.zeros(num_output_channels)

    @property
    def params(self):
        return [self.kernels, self.biases]

    @params.setter
    def params(self, values):
        self.kernels, self.biases = values

    def fprop(self, inputs):
        rows = inputs.shape[2] - self.kernel_dim_1 + 1
        columns = inputs.shape[3] - self.kernel_dim_2 + 1
        outputs = np.zeros((len(inputs), len(self.kernels), rows, columns))
        turned = self.kernels[:, :, ::-1, ::-1]
        for i in range(self.kernel_dim_1):
            for j in range(self.kernel_dim_2):
                seen = inputs[:, :, i : i + rows, j : j + columns]
                outputs += np.einsum("ncrs,kc->nkrs", seen, turned[:, :, i, j])
        return outputs + self.biases[:, None, None]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        rows, columns = grads_wrt_outputs.shape[2:]
        grads = np.zeros(inputs.shape)
        turned = self.kernels[:, :, ::-1, ::-1]
        for i in range(self.kernel_dim_1):
            for j in range(self.kernel_dim_2):
                part = np.einsum("nkrs,kc->ncrs", grads_wrt_outputs, turned[:, :, i, j])
                grads[:, :, i : i + rows, j : j + columns] += part
        return grads

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        rows, columns = grads_wrt_outputs.shape[2:]
        grads = np.zeros_like(self.kernels)
        for i in range(self.kernel_dim_1):
            for j in range(self.kernel_dim_2):
                seen = inputs[:, :, i : i + rows, j : j + columns]
                grads[:, :, i, j] = np.einsum("nkrs,ncrs->kc", grads_wrt_outputs, seen)
        return [grads[:, :, ::-1, ::-1], grads_wrt_outputs.sum(axis=(0, 2, 3))]


class MaxPoolingLayer:
    def __init__(self, kernel_size=3, stride=2):
        self.kernel_size, self.stride = kernel_size, stride

    def windows(self, maps):
        rows = (maps.shape[2] - self.kernel_size) // self.stride + 1
        columns = (maps.shape[3] - self.kernel_size) // self.stride + 1
        for r in range(rows):
            for c in range(columns):
                top, left = r * self.stride, c * self.stride
                yield r, c, np.s_[:, :, top : top + self.kernel_size, left : left + self.kernel_size]

    def fprop(self, inputs):
        found = {(r, c): inputs[window].max(axis=(2, 3)) for r, c, window in self.windows(inputs)}
        rows, columns = (max(key[axis] for key in found) + 1 for axis in (0, 1))
        outputs = np.zeros((*inputs.shape[:2], rows, columns))
        for (r, c), value in found.items():
            outputs[:, :, r, c] = value
        return outputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        for r, c, window in self.windows(inputs):
            largest = inputs[window] == outputs[:, :, r : r + 1, c : c + 1]
            share = largest / largest.sum(axis=(2, 3), keepdims=True)
            grads[window] += share * grads_wrt_outputs[:, :, r : r + 1, c : c + 1]
        return grads


class SumPoolingLayer:
    def __init__(self, size=3, stride=2, padding=1):
        self.size, self.stride, self.padding = size, stride, padding

    def fprop(self, inputs):
        padded = np.pad(inputs, ((0, 0), (0, 0), (self.padding,) * 2, (self.padding,) * 2))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (self.size, self.size), axis=(2, 3))
        return windows[:, :, :: self.stride, :: self.stride].sum(axis=(4, 5))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        p, (high, wide) = self.padding, inputs.shape[2:]
        grads = np.zeros((*inputs.shape[:2], high + 2 * p, wide + 2 * p))
        for r, c in np.ndindex(grads_wrt_outputs.shape[2:]):
            top, left = r * self.stride, c * self.stride
            window = np.s_[:, :, top : top + self.size, left : left + self.size]
            grads[window] += grads_wrt_outputs[:, :, r : r + 1, c : c + 1]
        return grads[:, :, p : p + high, p : p + wide]


class SigmoidLayer:
    def fprop(self, inputs):
        return 1.0 / (1.0 + np.exp(-inputs))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * outputs * (1.0 - outputs)


class ReluLayer:
    def fprop(self, inputs):
        return np.maximum(inputs, 0.0)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return (outputs > 0) * grads_wrt_outputs


class TanhLayer:
    def fprop(self, inputs):
        return np.tanh(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return (1.0 - outputs**2) * grads_wrt_outputs


class EluLayer:
    def __init__(self, alpha=1.3):
        self.alpha = alpha

    def fprop(self, inputs):
        return np.where(inputs > 0, inputs, self.alpha * (np.exp(np.minimum(inputs, 0)) - 1))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.where(inputs > 0, 1, outputs + self.alpha) * grads_wrt_outputs


class SoftmaxLayer:
    def fprop(self, inputs):
        raised = np.exp(inputs - inputs.max(-1)[:, None])
        return raised / raised.sum(-1)[:, None]

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        along = (outputs * grads_wrt_outputs).sum(-1)[:, None]
        return outputs * (grads_wrt_outputs - along)


class RadialBasisFunctionLayer:
    def __init__(self, grid_dim=4, intervals=((0.0, 1.0),)):
        self.centres = np.array(
            np.meshgrid(*[np.linspace(low, high, grid_dim) for low, high in intervals])
        ).reshape((len(intervals), -1))
        self.scales = np.array([[(high - low) * 1.0 / grid_dim] for low, high in intervals])

    def fprop(self, inputs):
        away = (inputs[..., None] - self.centres[None, ...]) / self.scales
        return np.exp(-(away**2)).reshape((inputs.shape[0], -1))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        num_basis = self.centres.shape[1]
        away = (inputs[..., None] - self.centres[None, ...]) / self.scales**2
        through = (outputs * grads_wrt_outputs).reshape((inputs.shape[0], -1, num_basis))
        return -2 * (away * through).sum(-1)


class DropoutLayer:
    def __init__(self, rng=None, incl_prob=0.5):
        self.rng = rng or np.random.RandomState(1)
        self.incl_prob = incl_prob

    def fprop(self, inputs, stochastic=True):
        if not stochastic:
            return inputs * self.incl_prob
        self.mask = self.rng.uniform(size=inputs.shape) < self.incl_prob
        return inputs * self.mask

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * self.mask


class ReshapeLayer:
    def __init__(self, output_shape=(-1,)):
        self.output_shape = output_shape

    def fprop(self, inputs):
        return inputs.reshape((inputs.shape[0], *self.output_shape))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs.reshape(inputs.shape)


class BatchNormalizationLayer:
    def __init__(self, num_features=4):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.params = [self.gamma, self.beta]

    def fprop(self, inputs, stochastic=True):
        mean, var = (inputs.mean(axis=0), inputs.var(axis=0)) if stochastic else (
            self.running_mean, self.running_var)  # fmt: skip
        if stochastic:
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean
            self.running_var = 0.9 * self.running_var + 0.1 * var
        self.std = np.sqrt(var + 1e-5)
        self.normalised = (inputs - mean) / self.std
        return self.gamma * self.normalised + self.beta

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs * self.gamma
        of_mean = g.mean(axis=0)
        of_variance = self.normalised * (g * self.normalised).mean(axis=0)
        return (g - of_mean - of_variance) / self.std

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(grads_wrt_outputs * self.normalised).sum(axis=0), grads_wrt_outputs.sum(axis=0)]


class CrossEntropySoftmaxError:
    def __call__(self, outputs, targets):
        normalised = outputs - outputs.max(-1)[:, None]
        log_prob = normalised - np.log(np.exp(normalised).sum(axis=-1)[:, None])
        return -np.mean(np.sum(targets * log_prob, axis=1))

    def grad(self, outputs, targets):
        probs = np.exp(outputs - outputs.max(-1)[:, None])
        probs /= probs.sum(-1)[:, None]
        return (probs - targets) / outputs.shape[0]


class SumOfSquaredDiffsError:
    def __call__(self, outputs, targets):
        return 0.5 * np.mean(np.sum((outputs - targets) ** 2, axis=1))

    def grad(self, outputs, targets):
        return (outputs - targets) / outputs.shape[0]


class CrossEntropyError:
    def __call__(self, outputs, targets):
        return -np.mean(np.sum(targets * np.log(outputs), axis=1))

    def grad(self, outputs, targets):
        return -(targets / outputs) / outputs.shape[0]


class GradientDescentLearningRule:
    def __init__(self, learning_rate=1e-2):
        self.learning_rate = learning_rate

    def initialise(self, params):
        self.params = params

    def reset(self):
        pass

    def update_params(self, grads_wrt_params):
        for param, grad in zip(self.params, grads_wrt_params, strict=True):
            param -= self.learning_rate * grad


class MomentumLearningRule(GradientDescentLearningRule):
    def __init__(self, learning_rate=1e-2, mom_coeff=0.8):
        super().__init__(learning_rate)
        self.mom_coeff = mom_coeff

    def initialise(self, params):
        super().initialise(params)
        self.moms = [np.zeros_like(param) for param in params]

    def update_params(self, grads_wrt_params):
        for param, mom, grad in zip(self.params, self.moms, grads_wrt_params, strict=True):
            mom *= self.mom_coeff
            mom -= self.learning_rate * grad
            param += mom


class AdamLearningRule(GradientDescentLearningRule):
    def __init__(self, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def initialise(self, params):
        super().initialise(params)
        self.moms_1 = [np.zeros_like(param) for param in params]
        self.moms_2 = [np.zeros_like(param) for param in params]
        self.step_count = 0

    def update_params(self, grads_wrt_params):
        for param, mom_1, mom_2, grad in zip(
            self.params, self.moms_1, self.moms_2, grads_wrt_params, strict=True
        ):
            mom_1 *= self.beta_1
            mom_1 += (1.0 - self.beta_1) * grad
            mom_2 *= self.beta_2
            mom_2 += (1.0 - self.beta_2) * grad**2
            second = (1.0 - self.beta_2 ** (self.step_count + 1)) ** 0.5
            first = 1.0 - self.beta_1 ** (self.step_count + 1)
            param -= self.learning_rate * second / first * mom_1 / (mom_2**0.5 + self.epsilon)
        self.step_count += 1


class RMSPropLearningRule(GradientDescentLearningRule):
    def __init__(self, learning_rate=1e-3, beta=0.9, epsilon=1e-8):
        super().__init__(learning_rate)
        self.beta, self.epsilon = beta, epsilon

    def initialise(self, params):
        super().initialise(params)
        self.squares = [np.zeros_like(param) for param in params]

    def update_params(self, grads_wrt_params):
        for param, square, grad in zip(self.params, self.squares, grads_wrt_params, strict=True):
            square *= self.beta
            square += (1 - self.beta) * grad**2
            param -= self.learning_rate * grad / (np.sqrt(square) + self.epsilon)
