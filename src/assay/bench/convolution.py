"""The cost of six ways to convolve: time, working memory and rounding, forward and backward.

The 2018 report says in section 2.3 that im2col is faster than loops because it
is one matrix product, and pays for it with memory, and in its appendix 1 that a
vectorised sum beats a loop. Here both are measured.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Literal, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from assay import streams
from assay.bench.clock import Action, Timing, interleaved, peak_memory
from assay.nn.convolution import METHODS, Geometry, MethodName, method
from assay.shapes import Array

Direction = Literal["forward", "backward"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

NUMBERS = 100_000
"""How many numbers are added."""


@dataclass(frozen=True)
class ConvolutionSettings:
    """What is measured: square images and kernels of these sizes, stride 1, no padding.

    The numbers of examples and channels are small because the nested loops
    take half a microsecond per product.
    """

    kernel_sizes: tuple[int, ...] = (3, 5, 7)
    image_sizes: tuple[int, ...] = (8, 16, 28)
    batch_size: int = 4
    in_channels: int = 4
    out_channels: int = 8
    rounds: int = 7


QUICK = ConvolutionSettings(kernel_sizes=(3, 5), image_sizes=(8, 12), batch_size=2, rounds=3)
"""A trial that takes a few seconds."""


@dataclass(frozen=True)
class Case:
    """One image size and one kernel size."""

    image_size: int
    kernel_size: int


@dataclass(frozen=True)
class Measurement:
    """One method on one case: time in float32, peak working memory in bytes, rounding error.

    The error is float32's against float64: the largest difference over the
    largest value; for backward, the larger of the two gradients' errors.
    """

    case: Case
    method: MethodName
    direction: Direction
    time: Timing
    memory: int
    error: float


@dataclass(frozen=True)
class Addition:
    """Two arrays of ``size`` numbers, added element by element and in one NumPy expression."""

    loop: Timing
    vector: Timing
    size: int = NUMBERS

    @property
    def speedup(self) -> float:
        """How many times as fast the one expression is."""
        return self.loop.median / self.vector.median


@dataclass(frozen=True)
class ConvolutionBench:
    """All measurements, taken on one thread."""

    settings: ConvolutionSettings
    measurements: tuple[Measurement, ...]
    addition: Addition

    def of(self, method: MethodName, direction: Direction | None = None) -> list[Measurement]:
        """Return a method's measurements, case by case."""
        return [
            found
            for found in self.measurements
            if found.method == method and direction in (None, found.direction)
        ]

    def time_ratio(self, method: MethodName, to: MethodName) -> float:
        """Return how many times as long as ``to`` a method takes: geometric mean over all measurements."""
        return _ratio((found.time.median for found in self.of(method)), (o.time.median for o in self.of(to)))

    def memory_ratio(self, method: MethodName, to: MethodName) -> float:
        """Return how many times as much memory as ``to`` a method takes, averaged in the same way."""
        return _ratio((found.memory for found in self.of(method)), (other.memory for other in self.of(to)))


def run(
    settings: ConvolutionSettings | None = None, on_case: Callable[[Case], None] | None = None
) -> ConvolutionBench:
    """Measure every method on every case; takes about two minutes, or a few seconds with `QUICK`.

    ``on_case`` is called before each case. BLAS is limited to one thread, because
    the other methods use only one.
    """
    settings = settings or ConvolutionSettings()
    found: list[Measurement] = []
    with threadpool_limits(1):
        for sizes in product(settings.image_sizes, settings.kernel_sizes):
            case = Case(*sizes)
            if on_case:
                on_case(case)
            found += _measure(case, settings)
        addition = _add(settings.rounds)
    return ConvolutionBench(settings, tuple(found), addition)


def _measure(case: Case, settings: ConvolutionSettings) -> list[Measurement]:
    x, weight, dy = problem = _problem(case, settings)
    exact = _results("im2col", x.astype(np.float64), weight.astype(np.float64), dy.astype(np.float64))
    rounded = {name: _results(name, *problem) for name in METHODS}
    found = []
    for direction in DIRECTIONS:
        actions: dict[str, Action] = {name: _action(name, direction, *problem) for name in METHODS}
        timings = interleaved(actions, settings.rounds)
        for name in METHODS:
            memory = peak_memory(actions[name])
            error = _error(rounded[name][direction], exact[direction])
            found.append(Measurement(case, name, direction, timings[name], memory, error))
    return found


def _problem(case: Case, settings: ConvolutionSettings) -> tuple[Array, Array, Array]:
    """Draw a batch, a weight and an upstream gradient, float32."""
    generator = streams.stream(0, "bench", case.image_size, case.kernel_size)
    image, kernel = [case.image_size] * 2, [case.kernel_size] * 2
    output = [case.image_size - case.kernel_size + 1] * 2
    x, weight, dy = (
        generator.normal(size=shape).astype(np.float32)
        for shape in (
            (settings.batch_size, settings.in_channels, *image),
            (settings.out_channels, settings.in_channels, *kernel),
            (settings.batch_size, settings.out_channels, *output),
        )
    )
    return x, weight, dy


def _action(name: MethodName, direction: Direction, x: Array, weight: Array, dy: Array) -> Action:
    convolution, geometry = method(name), Geometry()
    if direction == "forward":
        return partial(convolution.forward, x, weight, geometry)
    return partial(convolution.backward, x, weight, dy, geometry)


def _results(name: MethodName, x: Array, weight: Array, dy: Array) -> dict[Direction, tuple[Array, ...]]:
    convolution, geometry = method(name), Geometry()
    return {
        "forward": (convolution.forward(x, weight, geometry),),
        "backward": convolution.backward(x, weight, dy, geometry),
    }


def _error(found: Iterable[Array], exact: Iterable[Array]) -> float:
    return max(
        float(np.abs(array - reference).max() / np.abs(reference).max())
        for array, reference in zip(found, exact, strict=True)
    )


def _add(rounds: int) -> Addition:
    """Time the two cells of the report's notebook."""
    a, b = np.arange(NUMBERS), np.ones(NUMBERS)

    def loop() -> Array:
        c = np.empty(NUMBERS)
        for i in range(NUMBERS):
            c[i] = a[i] + b[i]
        return c

    found = interleaved({"loop": loop, "vector": lambda: a + b}, rounds)
    return Addition(found["loop"], found["vector"], NUMBERS)


def _ratio(these: Iterable[float], those: Iterable[float]) -> float:
    return geometric_mean(this / that for this, that in zip(these, those, strict=True))


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean; 0 if a value is 0."""
    found = list(values)
    return float(np.exp(np.mean(np.log(found)))) if all(found) else 0.0
