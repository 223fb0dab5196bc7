"""Each of the shipped tests fails on a layer with the mistake that it is there for, and on no other."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from assay.nn import GELU, BatchNorm1d, Dropout, Linear, ReLU, Tanh
from assay.testing import check_layer

VECTORS = ((1,), (5,))


@dataclass(frozen=True)
class WrongSlope(Tanh):
    def slope(self, x):
        return 1 - np.tanh(x)


@dataclass(frozen=True)
class WrongInTrainingOnly(Dropout):
    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        return dx * (1 - self.p if cache[0].ndim else 1), grads


@dataclass(frozen=True)
class LiesAboutItsOutput(Tanh):
    def output_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)


@dataclass(frozen=True)
class AlwaysDouble(Tanh):
    def value(self, x):
        return np.tanh(x.astype(np.float64))


@dataclass(frozen=True)
class Coarse(Tanh):
    def value(self, x):
        return np.tanh(x) if x.dtype == np.float64 else np.round(np.tanh(x), 2)


@dataclass(frozen=True)
class OwnRandomness(Dropout):
    def forward_training(self, params, x, generator):
        return super().forward_training(params, x, np.random.default_rng())


@dataclass(frozen=True)
class WritesToItsInput(ReLU):
    def forward(self, params, x):
        y, cache = super().forward(params, x)
        x *= 2
        return y, cache


@dataclass(frozen=True)
class WritesToUpstream(Tanh):
    def backward(self, params, cache, dy):
        dx, grads = super().backward(params, cache, dy)
        dy *= 0
        return dx, grads


@dataclass(frozen=True)
class ReadsMemoryInOrder(Tanh):
    def value(self, x):
        return np.tanh(x.ravel(order="K").reshape(x.shape))

    def slope(self, x):
        return super().slope(x.ravel(order="K").reshape(x.shape))


@dataclass(frozen=True)
class LooksAtTheBatch(Tanh):
    def value(self, x):
        return np.tanh(x - x.mean(axis=0))


@dataclass(frozen=True)
class Broadcasts(Tanh):
    def backward(self, params, cache, dy):
        return dy[: len(cache), ..., : cache.shape[-1]].reshape(cache.shape) * self.slope(cache), {}


@dataclass(frozen=True)
class Falls(GELU):
    nondecreasing: ClassVar[bool] = True


@dataclass(frozen=True)
class TakesAnything(Linear):
    def output_shape(self, shape):
        return (self.out_features,)


@dataclass(frozen=True)
class ForgetsABuffer(BatchNorm1d):
    def updated_buffers(self, params, cache):
        return {"running_mean": super().updated_buffers(params, cache)["running_mean"]}


@pytest.mark.parametrize(
    ("layer", "caught_by"),
    [
        (WrongSlope(), "test_gradients_in_evaluation"),
        (WrongInTrainingOnly(0.5), "test_gradients_in_training"),
        (LiesAboutItsOutput(), "test_shapes"),
        (AlwaysDouble(), "test_precision_is_kept"),
        (Coarse(), "test_single_precision_is_near_double"),
        (OwnRandomness(0.5), "test_same_in_same_out"),
        (WritesToItsInput(), "test_arguments_are_left_alone"),
        (WritesToUpstream(), "test_arguments_are_left_alone"),
        (ReadsMemoryInOrder(), "test_memory_layout_does_not_matter"),
        (LooksAtTheBatch(), "test_evaluation_takes_examples_one_by_one"),
        (Falls(), "test_nondecreasing_is_true_where_it_says_so"),
        (Broadcasts(), "test_upstream_gradients_of_another_shape_are_refused"),
        (TakesAnything(2), "test_inputs_that_do_not_fit_are_refused"),
        (ForgetsABuffer(), "test_parameters_and_buffers_are_as_described"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_mistake_is_caught(layer, caught_by):
    refused = ((2, 3, 3),) if isinstance(layer, Linear) else ()
    failures = check_layer(layer, VECTORS, refused, smallest_training_batch=2)
    assert caught_by in failures
    assert failures[caught_by].startswith("AssertionError: ")


@pytest.mark.parametrize("layer", [Tanh(), Dropout(0.5), Linear(2), BatchNorm1d()], ids=repr)
def test_the_layers_without_the_mistakes_pass(layer):
    assert check_layer(layer, VECTORS, smallest_training_batch=2) == {}


def test_a_layer_that_raises_fails_with_what_it_raised():
    class Broken(Tanh):
        def value(self, x):
            raise ZeroDivisionError("oh")

    failures = check_layer(Broken(), VECTORS)
    assert failures["test_shapes"] == "ZeroDivisionError: oh"


def test_a_mistake_is_named_with_batch_input_and_entry():
    message = check_layer(WrongSlope(), VECTORS)["test_gradients_in_evaluation"]
    assert message.startswith("AssertionError: batch of 1, input 1: dL/dx[0, 0]: backward gives ")
