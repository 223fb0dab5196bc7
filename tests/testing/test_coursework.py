"""The course's style both ways, against SciPy and PyTorch."""

import copy
import pickle

import numpy as np
import pytest
import torch
from oracles import assert_agrees_with_torch, assert_close
from scipy import signal
from torch.nn import functional as F

from assay.errors import ShapeError, UnsupportedError
from assay.nn import AvgPool2d, BatchNorm2d, Conv2d, Linear, MaxPool2d, ReLU
from assay.nn.coursework import FromCoursework, ToCoursework, is_coursework
from assay.testing import gradient_check


class AffineLayer:
    """Parameters behind a property with a setter."""

    def __init__(self):
        self.weights, self.biases = np.ones((3, 4)), np.zeros(3)

    @property
    def params(self):
        return [self.weights, self.biases]

    @params.setter
    def params(self, values):
        self.weights, self.biases = values

    def fprop(self, inputs):
        return inputs @ self.weights.T + self.biases

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs @ self.weights

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [grads_wrt_outputs.T @ inputs, grads_wrt_outputs.sum(axis=0)]


class ConvolutionalLayer:
    """A valid convolution with flipped kernels, one channel in, parameters in a plain list."""

    def __init__(self):
        self.kernels = np.zeros((2, 1, 3, 2))
        self.params = [self.kernels]

    def fprop(self, inputs):
        return np.array([[signal.convolve2d(x[0], k[0], mode="valid") for k in self.kernels] for x in inputs])

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return np.array(
            [
                [sum(signal.correlate2d(g, k[0]) for g, k in zip(maps, self.kernels, strict=True))]
                for maps in grads_wrt_outputs
            ]
        )

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        # The kernel's gradient is turned, as the kernel is.
        gradient = sum(
            np.array([[signal.correlate2d(x[0], g, mode="valid")[::-1, ::-1]] for g in maps])
            for x, maps in zip(inputs, grads_wrt_outputs, strict=True)
        )
        return [gradient]


class MaximumLayer:
    """Keeps for bprop where fprop found the maxima, as many students do."""

    def fprop(self, inputs):
        self.where = inputs == inputs.max(axis=1, keepdims=True)
        return inputs.max(axis=1, keepdims=True)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return self.where * grads_wrt_outputs


def test_a_dense_layer_of_the_course_is_linear():
    rng = np.random.default_rng(0)

    def reference(x, p):
        return F.linear(x, p["params[0]"], p["params[1]"])

    assert_agrees_with_torch(FromCoursework(AffineLayer()), reference, rng.normal(size=(5, 4)), rng)


def test_a_convolution_with_flipped_kernels_is_right_as_it_is():
    rng = np.random.default_rng(0)

    def reference(x, p):
        return F.conv2d(x, p["params[0]"].flip(2, 3))

    layer = FromCoursework(ConvolutionalLayer())
    assert_agrees_with_torch(layer, reference, rng.normal(size=(2, 1, 5, 6)), rng)


def test_parameters_start_as_the_layer_holds_them():
    spec = FromCoursework(AffineLayer()).parameters((4,))["params[0]"]
    assert (spec.draw(np.random.default_rng()) == np.ones((3, 4))).all()


def test_backward_belongs_to_its_own_forward():
    layer = FromCoursework(MaximumLayer())
    x = np.array([[1.0, 2.0]])
    _, cache = layer.forward({}, x)
    layer.forward({}, x[:, ::-1])
    dx, _ = layer.backward({}, cache, np.ones((1, 1)))
    assert dx.tolist() == [[0, 1]]


def test_refuses_gradients_that_do_not_match_params():
    class Forgetful(AffineLayer):
        def grads_wrt_params(self, inputs, grads_wrt_outputs):
            return [grads_wrt_outputs.T @ inputs]

    layer, x = FromCoursework(Forgetful()), np.ones((1, 4))
    params = {"params[0]": np.ones((3, 4)), "params[1]": np.ones(3)}
    with pytest.raises(ShapeError, match="grads_wrt_params gives 1 gradients for 2 params"):
        layer.backward(params, layer.forward(params, x)[1], np.ones((1, 3)))


def test_refuses_outputs_that_are_no_arrays():
    class Nothing(AffineLayer):
        def fprop(self, inputs):
            return None

    with pytest.raises(ShapeError, match="fprop must return an array; got NoneType"):
        FromCoursework(Nothing()).output_shape((4,))


@pytest.mark.parametrize("flip", [False, True])
def test_assays_convolution_in_the_courses_style(flip):
    rng = np.random.default_rng(1)
    layer = ToCoursework(Conv2d(3, (3, 2)), (2, 6, 5), flip_kernels=flip)
    kernels, biases = layer.params
    biases[:] = rng.normal(size=3)  # in place, as a learning rule does
    x = rng.normal(size=(2, 2, 6, 5))
    combine = signal.convolve2d if flip else signal.correlate2d
    expected = np.array(
        [
            [
                sum(combine(m, k, mode="valid") for m, k in zip(maps, kernel, strict=True))
                for kernel in kernels
            ]
            for maps in x
        ]
    )
    assert_close("fprop", layer.fprop(x), expected + biases[:, None, None])


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(
    "layer", [Conv2d(4, 3, 2, padding=1, groups=2), MaxPool2d(2), AvgPool2d(3, 1), ReLU()]
)
def test_there_and_back_again(layer, flip):
    rng = np.random.default_rng(2)
    style = ToCoursework(layer, (2, 6, 5), flip_kernels=flip)
    assert is_coursework(style)
    params = {f"params[{i}]": rng.normal(size=value.shape) for i, value in enumerate(style.params)}
    assert gradient_check(FromCoursework(style), rng.normal(size=(2, 2, 6, 5)), params) == []


def test_gradients_in_the_courses_style_are_those_of_torch():
    rng = np.random.default_rng(3)
    layer = ToCoursework(Conv2d(2, 3), (1, 5, 5))
    leaves = [torch.tensor(value, requires_grad=True) for value in layer.params]
    x = rng.normal(size=(3, 1, 5, 5))
    dy = rng.normal(size=layer.fprop(x).shape)
    F.conv2d(torch.tensor(x), *leaves).backward(torch.tensor(dy))
    for found, leaf in zip(layer.grads_wrt_params(x, dy), leaves, strict=True):
        assert_close("gradient", found, leaf.grad.numpy())


def test_params_can_be_set_but_only_in_their_shapes():
    layer = ToCoursework(Linear(3), (4,))
    layer.params = [np.ones((3, 4)), np.ones(3)]
    assert layer.fprop(np.ones((1, 4))).tolist() == [[5, 5, 5]]
    with pytest.raises(ShapeError, match=r"params must be arrays of \[\(3, 4\), \(3,\)\]; got \[\(4, 3\)\]"):
        layer.params = [np.ones((4, 3))]


def test_refuses_layers_that_differ_in_training():
    with pytest.raises(UnsupportedError, match="differs in training"):
        ToCoursework(BatchNorm2d(), (2, 4, 4))


def test_knows_the_style():
    assert is_coursework(AffineLayer)
    assert is_coursework(AffineLayer())
    assert not is_coursework(Linear(3))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_layer_that_was_used_can_be_copied_and_pickled(again):
    """As scikit-learn's searches copy what an estimator was given."""
    layer, x = FromCoursework(AffineLayer()), np.arange(8.0).reshape(2, 4)
    params = {"params[0]": np.full((3, 4), 0.5), "params[1]": np.ones(3)}
    y, cache = layer.forward(params, x)
    dx, _ = layer.backward(params, cache, np.ones_like(y))
    other = again(layer)
    found, cache = other.forward(params, x)
    np.testing.assert_array_equal(found, y)
    np.testing.assert_array_equal(other.backward(params, cache, np.ones_like(y))[0], dx)
