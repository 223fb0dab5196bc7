"""The gradient check: a layer's backward against central differences of its forward.

With a random upstream gradient dy, L = sum(y dy) is a number whose derivative
by every entry of x and of each parameter backward claims to know. In float64,

    dL/dv ~ (L(v + h) - L(v - h)) / 2h,    h = eps^(1/3) max(1, |v|) ~ 6e-6

has an error near 1e-10, so a tolerance of 1e-6 leaves room and still catches a
mistake in one entry (LeCun et al. 1998 give the idea; the step is that of
Nocedal and Wright 2006, section 8.1).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.nn.layer import Cache, Layer, Parameters
from assay.nn.returned import expect_gradients, expect_output
from assay.shapes import Array
from assay.streams import stream

TOLERANCE = 1e-6
LEAST_SCALE = 1e-2
"""Gradients all smaller than this are compared absolutely: rounding is all that there may be of them."""

STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


@dataclass(frozen=True)
class Mismatch:
    """A gradient that is wrong: its first wrong entry in row-major order, and how bad it is."""

    argument: str
    index: tuple[int, ...]
    found: float
    expected: float
    relative_error: float
    """The largest difference in this argument over its largest expected entry."""
    wrong: int
    entries: int
    situation: str = ""
    """With which inputs it is wrong, as ``ties``; empty where nothing is special about them."""
    along: str = ""
    """Which entries were moved, where none is wrong by itself; there is no ``index`` then."""
    guess: str = ""
    """What the mistake may be, where the pattern gives it away."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self._found()}{f' (with {self.situation})' if self.situation else ''}"

    def _found(self) -> str:
        if self.along:
            return (
                f"dL/d{self.argument}: for {self.along} backward gives {self.found:.6g}, "
                f"central differences give {self.expected:.6g}"
            )
        place = ", ".join(str(i) for i in self.index)
        return (
            f"dL/d{self.argument}[{place}]: backward gives {self.found:.6g}, central differences give "
            f"{self.expected:.6g} (off by {self.found - self.expected:.3g}); "
            f"{self.wrong} of {self.entries} entries of dL/d{self.argument} are wrong, "
            f"relative error {self.relative_error:.2g}"
        )


def gradient_check(
    layer: Layer,
    x: Array,
    params: Parameters,
    *,
    training: bool = False,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> list[Mismatch]:
    """Check dL/dx, then the gradient of each parameter; return what is wrong, nothing if all is right.

    ``x`` (N, ...) and ``params``, which holds the layer's buffers too, are
    taken as float64. ``seed`` draws dy, and the layer's own randomness where
    ``training`` asks for `Layer.forward_training`. An input on a kink, such as
    0 under a ReLU, has no derivative: draw x at random. Raises `ShapeError` for
    an output of another shape than the layer says, and for a gradient that is missing or has another shape
    than its argument.
    """
    values: dict[str, Array] = {name: np.array(value, np.float64) for name, value in params.items()}
    values["x"] = np.array(x, np.float64)

    def forward() -> tuple[Array, Cache]:
        own = {name: value for name, value in values.items() if name != "x"}
        if training:
            return expect_output(layer.forward_training(own, values["x"], stream(seed, "mask")), shape)
        return expect_output(layer.forward(own, values["x"]), shape)

    shape = (len(x), *layer.output_shape(x.shape[1:]))
    y, cache = forward()
    dy = stream(seed, "upstream").normal(size=y.shape)
    returned = layer.backward({name: values[name] for name in params}, cache, dy)
    mismatches = []
    for name, found in expect_gradients(returned, values, layer.parameters(x.shape[1:])).items():
        expected = central_differences(lambda: forward()[0], values[name], dy)
        mismatches.append(compare(name, found, expected, tolerance))
    return [mismatch for mismatch in mismatches if mismatch is not None]


def central_differences(forward: Callable[[], Array], value: Array, dy: Array) -> NDArray[np.float64]:
    """Return d sum(forward() dy) / d ``value``, which ``forward`` reads and this moves entry by entry."""
    gradient = np.empty(value.shape)
    for index in np.ndindex(value.shape):
        middle = value[index]
        step = STEP * max(1.0, abs(middle))
        value[index] = middle + step
        above = forward().copy()  # a layer may return a view of what is moved next
        value[index] = middle - step
        below = forward().copy()
        value[index] = middle
        gradient[index] = ((above - below) * dy).sum() / (2 * step)
    return gradient


def compare(argument: str, found: Array, expected: Array, tolerance: float = TOLERANCE) -> Mismatch | None:
    """Return how ``found`` differs from ``expected`` of the same shape, or None if it does not."""
    scale = max(float(np.abs(expected).max(initial=0)), LEAST_SCALE)
    difference = np.abs(found - expected)
    wrong = ~(difference <= tolerance * scale)  # so that nan is wrong
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return Mismatch(
        argument,
        index,
        float(found[index]),
        float(expected[index]),
        float(difference.max() / scale),
        int(wrong.sum()),
        wrong.size,
    )
