"""The tests that every layer passes, to be run on one's own.

With pytest, a subclass is all there is to write::

    class TestMyLayer(LayerConformance):
        layer = MyLayer(3)
        shapes = ((1, 1, 1), (2, 5, 7))
        refused = ((7,),)

Without, `check_layer` runs the same tests and returns what fails.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from assay.errors import ShapeError
from assay.nn.layer import Cache, Gradients, Layer, Parameters
from assay.shapes import Array, Shape, text
from assay.streams import stream
from assay.testing.gradients import compare, gradient_check
from assay.training.nondecreasing import false_claim


class Pass(NamedTuple):
    """One way forward and back."""

    y: Array
    cache: Cache
    dx: Array
    gradients: Gradients


class LayerConformance:
    """Tests of the contract of `assay.nn.layer.Layer`; a subclass gives the layer and shapes to try."""

    layer: Layer
    shapes: Sequence[Shape]
    """Input shapes, the batch axis left out; odd sizes and size 1 should be among them."""
    refused: Sequence[Shape] = ()
    """Input shapes that ``output_shape`` must refuse with a `ShapeError`."""
    smallest_training_batch: int = 1
    """Below it the layer cannot train, as batch normalisation of vectors cannot on one example."""

    def test_gradients_in_evaluation(self) -> None:
        """Backward agrees with central differences."""
        self._check_gradients(training=False)

    def test_gradients_in_training(self) -> None:
        """Backward agrees with central differences of the training mode, under one mask."""
        self._check_gradients(training=True)

    def _check_gradients(self, *, training: bool) -> None:
        for n, shape in self._batches(training):
            mismatches = gradient_check(self.layer, _input(n, shape), self._params(shape), training=training)
            expect(not mismatches, f"{_where(n, shape)}: {mismatches[0] if mismatches else ''}")

    def test_shapes(self) -> None:
        """``output_shape`` is what forward gives, gradients have the shapes of their arguments."""
        for training in (False, True):
            for n, shape in self._batches(training):
                result = self._run(_input(n, shape), self._params(shape), training=training)
                expected = (n, *self.layer.output_shape(shape))
                found = result.y.shape
                expect(found == expected, f"{_where(n, shape)}: forward gives {found}, expected {expected}")
                expect(result.dx.shape == (n, *shape), f"{_where(n, shape)}: dx is {result.dx.shape}")
                specs = self.layer.parameters(shape)
                expect(
                    {name: value.shape for name, value in result.gradients.items()}
                    == {name: spec.shape for name, spec in specs.items()},
                    f"{_where(n, shape)}: gradients are not those of the parameters {sorted(specs)}",
                )

    def test_precision_is_kept(self) -> None:
        """float32 in, float32 out; float64 likewise; forward, backward and buffers."""
        for dtype in (np.float32, np.float64):
            for n, shape in self._batches(training=True):
                params = _cast(self._params(shape), dtype)
                result = self._run(_input(n, shape).astype(dtype), params, training=True)
                updated = self.layer.updated_buffers(params, result.cache)
                values = {"y": result.y, "dx": result.dx, **result.gradients, **updated}
                for name, value in values.items():
                    expect(value.dtype == dtype, f"{name} is {value.dtype} for an input of {np.dtype(dtype)}")

    def test_single_precision_is_near_double(self) -> None:
        """In float32 the output is that of float64 to 1e-4 of its largest entry."""
        for n, shape in self._batches(training=True):
            x, params = _input(n, shape).astype(np.float32), _cast(self._params(shape), np.float32)
            single = self._run(x, params, training=True).y
            double = self._run(x.astype(np.float64), _cast(params, np.float64), training=True).y
            mismatch = compare("y", single, double, tolerance=1e-4)
            expect(mismatch is None, f"{_where(n, shape)}: float32 is far from float64: {mismatch}")

    def test_same_in_same_out(self) -> None:
        """Two calls with the same arguments and stream agree bit for bit, forward and backward."""
        for training in (False, True):
            for n, shape in self._batches(training):
                x, params = _input(n, shape), self._params(shape)
                first, second = (self._run(x, params, training=training) for _ in range(2))
                same = _same(_values(first), _values(second))
                expect(same, f"{_where(n, shape)}: two equal calls differ")

    def test_arguments_are_left_alone(self) -> None:
        """Neither way writes to x, dy, parameters or buffers."""
        for training in (False, True):
            for n, shape in self._batches(training):
                x, params = _input(n, shape), self._params(shape)
                before = {"x": x.copy(), **{name: value.copy() for name, value in params.items()}}
                y, cache = self._forward(x, params, training=training)
                dy = _upstream(y)
                self.layer.backward(params, cache, dy)
                if training:
                    self.layer.updated_buffers(params, cache)
                for name, value in {**params, "x": x}.items():
                    expect(_equal(value, before[name]), f"{_where(n, shape)}: {name} was written to")
                expect(_equal(dy, _upstream(y)), f"{_where(n, shape)}: dy was written to")

    def test_memory_layout_does_not_matter(self) -> None:
        """Arrays that are not contiguous are taken as they are."""
        for n, shape in self._batches(training=False):
            x, params = _input(n, shape), self._params(shape)
            strange = np.asfortranarray(x)
            found, expected = (self._run(value, params, training=False) for value in (strange, x))
            for name, value in _values(found).items():
                mismatch = compare(name, value, _values(expected)[name])
                expect(mismatch is None, f"{_where(n, shape)}: another memory layout changes {mismatch}")

    def test_evaluation_takes_examples_one_by_one(self) -> None:
        """In evaluation an example's output does not depend on the others; a batch of one works."""
        for n, shape in self._batches(training=False):
            x, params = _input(n, shape), self._params(shape)
            whole = self.layer.forward(params, x)[0]
            for i in range(n):
                alone = self.layer.forward(params, x[i : i + 1])[0]
                mismatch = compare("y", alone, whole[i : i + 1])
                expect(
                    mismatch is None,
                    f"{_where(n, shape)}: example {i} alone gives another output: {mismatch}",
                )

    def test_nondecreasing_is_true_where_it_says_so(self) -> None:
        """No entry of y falls where that of x rises, nor depends on another."""
        for shape in self.shapes:
            wrong = false_claim(self.layer, shape)
            expect(not wrong, f"input {text(shape)}: {wrong}")

    def test_upstream_gradients_of_another_shape_are_refused(self) -> None:
        """Backward raises `ShapeError` rather than broadcast."""
        for n, shape in self._batches(training=False):
            params = self._params(shape)
            y, cache = self.layer.forward(params, _input(n, shape))
            for wrong in (np.concatenate([y, y]), np.concatenate([y, y], axis=-1), y[..., None]):
                refuses = _refuses(self.layer.backward, params, cache, wrong)
                expect(refuses, f"{_where(n, shape)}: backward takes an upstream gradient {wrong.shape}")

    def test_inputs_that_do_not_fit_are_refused(self) -> None:
        """``output_shape`` raises `ShapeError` with a message of one line."""
        for shape in self.refused:
            refuses = _refuses(self.layer.output_shape, shape)
            expect(refuses, f"an input of {text(shape)} is not refused with a ShapeError")

    def test_parameters_and_buffers_are_as_described(self) -> None:
        """Parameters are drawn in their shape and float64; a step renews every buffer in its shape."""
        for n, shape in self._batches(training=True):
            for name, spec in self.layer.parameters(shape).items():
                value = spec.draw(stream(0, "init", name))
                expect(value.shape == spec.shape, f"{name} is drawn as {value.shape}, not {spec.shape}")
                expect(value.dtype == np.float64, f"{name} is drawn in {value.dtype}, not float64")
            params, buffers = self._params(shape), self.layer.buffers(shape)
            _, cache = self._forward(_input(n, shape), params, training=True)
            updated = self.layer.updated_buffers(params, cache)
            expect(
                {name: value.shape for name, value in updated.items()}
                == {name: value.shape for name, value in buffers.items()},
                f"{_where(n, shape)}: updated_buffers does not give the buffers {sorted(buffers)}",
            )

    def _batches(self, training: bool) -> Iterator[tuple[int, Shape]]:
        """Yield batch sizes, the smallest among them, for every shape."""
        for shape in self.shapes:
            for n in (self.smallest_training_batch if training else 1, 3):
                yield n, shape

    def _params(self, shape: Shape) -> dict[str, Array]:
        """Draw parameters and buffers at random: at zero or one a mistake may hide."""
        buffers = {name: value.shape for name, value in self.layer.buffers(shape).items()}
        weights = {name: spec.shape for name, spec in self.layer.parameters(shape).items()}
        return {
            **{name: stream(0, name).normal(size=size) for name, size in weights.items()},
            **{name: 0.5 + stream(0, name).random(size) for name, size in buffers.items()},
        }

    def _forward(self, x: Array, params: Parameters, *, training: bool) -> tuple[Array, Cache]:
        if training:
            return self.layer.forward_training(params, x, stream(0, "mask"))
        return self.layer.forward(params, x)

    def _run(self, x: Array, params: Parameters, *, training: bool) -> Pass:
        y, cache = self._forward(x, params, training=training)
        return Pass(y, cache, *self.layer.backward(params, cache, _upstream(y)))


def check_layer(
    layer: Layer, shapes: Sequence[Shape], refused: Sequence[Shape] = (), smallest_training_batch: int = 1
) -> dict[str, str]:
    """Run every test of `LayerConformance` and return the message of each that fails, by its name."""
    conformance = LayerConformance()
    conformance.layer, conformance.shapes, conformance.refused = layer, shapes, refused
    conformance.smallest_training_batch = smallest_training_batch
    failures = {}
    for name in (name for name in dir(conformance) if name.startswith("test_")):
        try:
            getattr(conformance, name)()
        except Exception as error:  # whatever a user's layer raises is a failure of the test
            failures[name] = f"{type(error).__name__}: {error}"
    return failures


def expect(holds: bool, message: str) -> None:
    """Raise AssertionError with ``message``, under ``python -O`` too."""
    if not holds:
        raise AssertionError(message)


def _input(n: int, shape: Shape) -> Array:
    return stream(0, "x").normal(size=(n, *shape))


def _upstream(y: Array) -> Array:
    return stream(0, "upstream").normal(size=y.shape).astype(y.dtype)


def _values(result: Pass) -> dict[str, Array]:
    return {"y": result.y, "dx": result.dx, **result.gradients}


def _cast(values: Parameters, dtype: type[np.floating]) -> dict[str, Array]:
    return {name: value.astype(dtype) for name, value in values.items()}


def _equal(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool((a == b).all())


def _same(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(_equal(a[name], b[name]) for name in a)


def _refuses(call: Callable[..., object], *arguments: object) -> bool:
    try:
        call(*arguments)
    except ShapeError as error:
        return "\n" not in str(error)
    return False


def _where(n: int, shape: Shape) -> str:
    return f"batch of {n}, input {text(shape)}"
