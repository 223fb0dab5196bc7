"""Batch normalisation against PyTorch: training, running statistics and evaluation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_agrees_with_torch, assert_close, draw_parameters, gradient
from strategies import any_shapes, batches, generators, maps, vectors

from assay.errors import ShapeError, StudyError
from assay.nn import BatchNorm1d, BatchNorm2d, BatchNormPerActivation
from assay.nn.batch_norm import BatchNorm

momenta = st.sampled_from([0.1, 0.0, 0.7, 1.0])


def torch_twin(layer: BatchNorm, shape: tuple[int, ...], params) -> torch.nn.Module:
    """PyTorch's layer with the same state; per activation, on the flattened input."""
    kind = torch.nn.BatchNorm2d if isinstance(layer, BatchNorm2d) else torch.nn.BatchNorm1d
    twin = kind(int(np.prod(layer.units(shape))), layer.eps, layer.momentum).double()
    with torch.no_grad():
        for name, value in params.items():
            getattr(twin, name).copy_(torch.tensor(value.ravel()))
    return twin


def state(layer: BatchNorm, shape: tuple[int, ...], rng: np.random.Generator):
    buffers = {name: rng.random(value.shape) + 0.1 for name, value in layer.buffers(shape).items()}
    return {**draw_parameters(layer, shape, rng), **buffers}


def as_torch_takes_it(layer: BatchNorm, x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1) if isinstance(layer, BatchNormPerActivation) else x


def check_training(layer: BatchNorm, shape: tuple[int, ...], n: int, rng: np.random.Generator) -> None:
    params = state(layer, shape, rng)
    twin = torch_twin(layer, shape, params)
    for _ in range(3):  # three steps, so that the buffers are averages of averages
        x = 2 + 3 * rng.normal(size=(n, *shape))
        y, cache = layer.forward_training(params, x, rng)
        dy = rng.normal(size=x.shape)
        dx, grads = layer.backward(params, cache, dy)
        params = {**params, **layer.updated_buffers(params, cache)}

        twin.zero_grad()
        leaf = torch.tensor(x, requires_grad=True)
        expected = twin(as_torch_takes_it(layer, leaf)).reshape(x.shape)
        expected.backward(torch.tensor(dy))
        assert_close("forward", y, expected.detach().numpy())
        # what cancels in dx is as large as dy / std
        assert np.abs(dx - gradient(leaf)).max() < 1e-9 * np.abs(dy / cache.std.min()).max()
        for name in ("weight", "bias"):
            assert_close(name, grads[name].ravel(), gradient(getattr(twin, name)))
        for name in layer.buffers(shape):
            assert_close(name, params[name].ravel(), getattr(twin, name).numpy())


@given(generators, st.integers(2, 6), vectors, momenta)
def test_training_per_unit_agrees_with_torch(rng, n, shape, momentum):
    check_training(BatchNorm1d(momentum=momentum), shape, n, rng)


@given(generators, st.integers(2, 6), maps, momenta)
def test_training_per_map_agrees_with_torch(rng, n, shape, momentum):
    check_training(BatchNorm2d(1e-3, momentum), shape, n, rng)


@given(generators, st.integers(2, 6), any_shapes, momenta)
def test_training_per_activation_agrees_with_torch(rng, n, shape, momentum):
    check_training(BatchNormPerActivation(momentum=momentum), shape, n, rng)


@given(generators, batches, maps, st.sampled_from([BatchNorm2d(), BatchNormPerActivation()]))
def test_evaluation_agrees_with_torch(rng, n, shape, layer):
    params = state(layer, shape, rng)
    twin = torch_twin(layer, shape, params).eval()
    x = rng.normal(size=(n, *shape))

    def reference(x, leaves):
        trained = layer.parameters(shape)
        named = {name: leaf.flatten() for name, leaf in leaves.items() if name in trained}
        y = torch.func.functional_call(twin, named, as_torch_takes_it(layer, x))
        return y.reshape(x.shape)

    assert_agrees_with_torch(layer, reference, x, rng, params)


def test_variance_is_biased_in_the_formula_and_unbiased_in_the_buffer():
    layer, x = BatchNorm1d(eps=1e-12, momentum=1.0), np.array([[1.0], [3.0]])
    params = {"weight": np.ones(1), "bias": np.zeros(1), **layer.buffers((1,))}
    y, cache = layer.forward_training(params, x, np.random.default_rng(0))
    np.testing.assert_allclose(y, [[-1.0], [1.0]])
    assert layer.updated_buffers(params, cache)["running_var"] == pytest.approx(2.0)


@pytest.mark.parametrize(("layer", "shape"), [(BatchNorm1d(), (3,)), (BatchNorm2d(), (3, 1, 1))])
def test_one_value_a_unit_is_refused_in_training_as_in_torch(layer, shape):
    params, x = state(layer, shape, np.random.default_rng(0)), np.ones((1, *shape))
    with pytest.raises(ShapeError, match="cannot train on one value a unit, found a batch of 1"):
        layer.forward_training(params, x, np.random.default_rng(0))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        torch_twin(layer, shape, params)(torch.tensor(x))
    assert layer.forward(params, x)[0].shape == x.shape


def test_parameters_are_counted_per_unit_map_or_activation():
    shapes = {
        kind: kind().parameters((4, 5, 6))["weight"].shape for kind in (BatchNorm2d, BatchNormPerActivation)
    }
    assert shapes == {BatchNorm2d: (4,), BatchNormPerActivation: (4, 5, 6)}
    assert BatchNorm1d().parameters((7,))["bias"].shape == (7,)


def test_defaults_are_those_of_torch():
    expected = torch.nn.BatchNorm2d(1)
    assert (BatchNorm2d().eps, BatchNorm2d().momentum) == (expected.eps, expected.momentum)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps": 0.0}, "eps must be a finite number > 0"),
        ({"momentum": 1.5}, r"momentum must be a number in \[0, 1\]"),
    ],
)
def test_values_out_of_range_are_refused(options, message):
    with pytest.raises(StudyError, match=message):
        BatchNorm1d(**options)


def test_wrong_ranks_are_refused():
    with pytest.raises(ShapeError, match="expected a vector"):
        BatchNorm1d().output_shape((2, 3, 3))
    with pytest.raises(ShapeError, match="expected feature maps"):
        BatchNorm2d().output_shape((3,))
