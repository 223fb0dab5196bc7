"""A user's own layers, rules and penalties, tried before anything is trained with them.

A layer's backward is compared with differences of its forward, in float64, on inputs of the shape that it
has in the network, moved along random directions. `assay check` tries more, and says which entry is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np

from assay.errors import AssayError
from assay.nn.authored import Authored
from assay.nn.coursework.adapter import modes_checked
from assay.nn.layer import Layer
from assay.nn.network import Network
from assay.nn.nodes import every
from assay.nn.returned import expect_gradients, expect_output
from assay.nn.trial import trial_values
from assay.optim import Optimizer
from assay.optim.penalties import Penalty
from assay.optim.recipe import Recipe
from assay.shapes import Array, Shape, text
from assay.streams import stream
from assay.training.judging import PRECISIONS, ClaimedDerivative, judge
from assay.training.nondecreasing import false_claim

BATCH = 3
DIRECTIONS = 2
WIDEST, ENTRIES = 30.0, 60
"""Within what, and at how many points, functions of one entry are compared."""
LEAST_SCALE = 1e-2
"""Gradients all smaller than this are compared absolutely."""


@dataclass(frozen=True)
class OwnCheck:
    """What was found of one class in one place; ``wrong`` is empty where it is right."""

    cls: str
    place: str
    wrong: str = ""


class _Wrong(Exception):
    """What is wrong, in words."""


def check_own(network: Network, recipe: Recipe) -> Iterator[OwnCheck]:
    """Try each of the user's classes that a network and its recipe have, layers once for each shape."""
    seen: set[tuple[Layer, Shape]] = set()
    for node in every(network.nodes):
        if node.layer.users_own and (node.layer, node.input_shape) not in seen:
            seen.add((node.layer, node.input_shape))
            place = f"layer {node.name}, input {text(node.input_shape)}"
            yield _tried(node.layer, place, lambda node=node: _check_layer(node.layer, node.input_shape))
    for thing in (recipe.optimizer, *recipe.penalties):
        if thing.users_own:
            check = _check_rule if isinstance(thing, Optimizer) else _check_penalty
            place = "learning rule" if isinstance(thing, Optimizer) else "penalty"
            yield _tried(thing, place, lambda check=check, thing=thing: check(thing))


def _tried(thing: Authored, place: str, check: Any) -> OwnCheck:
    try:
        with np.errstate(all="ignore"):
            check()
    except _Wrong as found:
        return OwnCheck(thing.title, place, str(found))
    except AssayError as error:
        return OwnCheck(thing.title, place, str(error))
    except Exception as error:
        return OwnCheck(thing.title, place, words_of(error))
    return OwnCheck(thing.title, place)


def words_of(error: Exception) -> str:
    """Say what a user's code raised, and on which line."""
    message = (str(error).strip() or "no message").splitlines()[0]
    ours = str(Path(__file__).parents[1])
    frames = [frame for frame in extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}: " if frames else ""
    return f"{place}{type(error).__name__}: {message}"


def _check_layer(layer: Layer, shape: Shape) -> None:
    values = trial_values(layer, shape)
    values["x"] = stream(0, "check", "x").normal(size=(BATCH, *shape))
    for training in modes_checked(layer):
        _check_mode(layer, shape, values, list(layer.parameters(shape)), training=training)
    if layer.elementwise is not None:
        _check_elementwise(layer, shape)
    if wrong := false_claim(layer, shape):
        raise _Wrong(wrong)


def _check_elementwise(layer: Layer, shape: Shape) -> None:
    """Compare what is said of one entry with forward and backward, on numbers of usual size."""
    assert layer.elementwise is not None
    if len(layer.elementwise) != 2:
        raise _Wrong("elementwise must be two functions, y and dy/dx")
    if layer.parameters(shape) or layer.output_shape(shape) != shape:
        raise _Wrong("elementwise is for layers without parameters whose output has the input's shape")
    x = stream(0, "elementwise").uniform(-WIDEST, WIDEST, (BATCH, *shape))
    x.flat[: x.size // 2] /= WIDEST
    y, cache = layer.forward({}, x.copy())
    slope, _ = layer.backward({}, cache, np.ones_like(x))
    arguments = [getattr(layer, each.name) for each in fields(layer)]  # type: ignore[arg-type]
    for name, function, claimed in zip(("y", "dy/dx"), layer.elementwise, (y, slope), strict=True):
        formula = getattr(function, "py_func", function)
        for value, expected in zip(x.flat[:ENTRIES], claimed.flat, strict=False):
            found, known = float(formula(value, *arguments)), float(expected)
            if not abs(found - known) <= 1e-6 * max(1.0, abs(known)):
                raise _Wrong(
                    f"elementwise: {name} at {value:.6g} is {found:.6g}, but forward and backward "
                    f"give {known:.6g}"
                )


def _check_mode(
    layer: Layer, shape: Shape, values: dict[str, Array], names: list[str], *, training: bool
) -> None:
    def run(given: dict[str, Array]) -> Any:
        own = {name: value.copy() for name, value in given.items()}
        x = own.pop("x")
        found = layer.forward_training(own, x, stream(0, "mask")) if training else layer.forward(own, x)
        if not np.array_equal(x, given["x"], equal_nan=True):
            raise _Wrong("forward writes into its input")
        return expect_output(found, expected)

    expected = (BATCH, *layer.output_shape(shape))
    y, cache = run(values)
    if y.dtype not in PRECISIONS:
        raise _Wrong(f"forward gives numbers of {y.dtype}, expected float64")
    if not np.array_equal(y, run(values)[0], equal_nan=True):
        raise _Wrong("two forwards of one input differ: it draws from elsewhere than its generator")
    y, dy = y.copy(), stream(0, "upstream").normal(size=y.shape)
    own = {name: value.copy() for name, value in values.items() if name != "x"}
    returned = layer.backward(own, cache, dy.copy())
    for name, gradient in expect_gradients(returned, values, names).items():
        _check_gradient(run, values, name, gradient, dy)


def _check_gradient(run: Any, values: dict[str, Array], name: str, gradient: Array, dy: Array) -> None:
    precision = PRECISIONS[np.dtype(np.float64)]
    size = max(float(np.abs(gradient).max(initial=0)), LEAST_SCALE)
    for number in range(DIRECTIONS):
        generator = stream(number, "direction", name)
        direction = generator.uniform(0.5, 1.5, gradient.shape) * generator.choice(
            [-1.0, 1.0], gradient.shape
        )

        def move(t: float, direction: Array = direction) -> Array:
            y: Array = run({**values, name: values[name] + t * direction})[0]
            return np.array(y, np.float64)

        claimed = float((gradient * direction).sum())
        scale = float(np.abs(values[name]).max(initial=0))
        verdict, expected = judge(ClaimedDerivative(move, dy, claimed, size, scale), precision)
        if verdict == "wrong" or not np.isfinite(claimed):
            raise _Wrong(
                f"dL/d{name}: along a random direction backward gives {claimed:.6g}, "
                f"central differences give {expected:.6g}"
            )


def _check_penalty(penalty: Penalty) -> None:
    theta = stream(0, "check").normal(size=(4, 3))
    gradient = np.asarray(penalty.gradient(theta.copy()))
    if gradient.shape != theta.shape:
        raise _Wrong(f"gradient is {text(gradient.shape)}, expected {text(theta.shape)}")

    def run(values: dict[str, Array]) -> tuple[Array]:
        return (np.array([penalty.value(values["theta"])], np.float64),)

    _check_gradient(run, {"theta": theta}, "theta", gradient, np.ones(1))


def _check_rule(rule: Optimizer) -> None:
    """Take two steps: shapes and types have to stay, and nothing may be written into."""
    theta = stream(0, "check").normal(size=(4, 3)).astype(np.float32)
    memory = rule.slots(theta)
    kinds = {name: (value.shape, value.dtype) for name, value in memory.items()}
    for t in (1, 2):
        before = theta.copy()
        after, memory = rule.update(theta, np.full_like(theta, 0.1), memory, t)
        if not np.array_equal(theta, before):
            raise _Wrong("step writes into theta (return a new array)")
        if (after.shape, after.dtype) != (theta.shape, theta.dtype):
            raise _Wrong(
                f"step gives {text(after.shape)} of {after.dtype}, expected {text(theta.shape)} of float32"
            )
        found = {name: (value.shape, value.dtype) for name, value in memory.items()}
        if found != kinds:
            raise _Wrong("step's memory differs from that of slots in names, shapes or types")
        theta = after
