"""Whether a claimed derivative is right, given the function on both sides of a point.

A function of one number t, the layer's output as something moves along a direction, is asked for values
around t = 0. Where central differences of several steps agree, that is the derivative, and the disagreement
says how well it is known: the rounding of a layer with large outputs is no mistake. Where the differences
from the left and from the right stay apart however small the step, there is a **kink**; any value between
the two is then right.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from assay.shapes import Array

Move = Callable[[float], Array]
"""The output at t."""

Verdict = Literal["right", "kink", "wrong", "unclear"]

LADDER = tuple(4.0**k for k in range(3, -7, -1))
"""Multiples of the first step that are tried where it does not settle the matter."""


@dataclass(frozen=True)
class Precision:
    """What can be expected of differences in a type of floating-point numbers."""

    eps: float
    tolerance: float
    known: float
    """Two steps agree when they differ by less than this, relative to the gradient's size."""

    @property
    def step(self) -> float:
        """The step at which rounding and curvature of a function of size 1 are about equal."""
        return float(self.eps ** (1 / 3))


PRECISIONS = {
    np.dtype(np.float64): Precision(float(np.finfo(np.float64).eps), 1e-6, 1e-4),
    np.dtype(np.float32): Precision(float(np.finfo(np.float32).eps), 5e-3, 1e-2),
}


@dataclass(frozen=True)
class ClaimedDerivative:
    """A derivative that is claimed: ``value`` = d sum(y dy) / dt, beside gradients of the given ``size``."""

    move: Move
    dy: Array
    value: float
    size: float
    scale: float
    """How large what is moved is; 0 counts as 1."""


def difference(claim: ClaimedDerivative, precision: Precision) -> float:
    """Return the central difference of the usual step, right or not."""
    return _central(claim, precision.step * (claim.scale or 1.0), precision)[0]


def judge(
    claim: ClaimedDerivative, precision: Precision, known: float | None = None
) -> tuple[Verdict, float]:
    """Return the verdict and the derivative that differences give, nan where they give none.

    ``known`` is what `difference` gave, where it has been called already.
    """
    first = precision.step * (claim.scale or 1.0)
    with np.errstate(all="ignore"):
        if known is not None and abs(claim.value - known) <= precision.tolerance * claim.size:
            return "right", known
        derivative, noise = _central(claim, first, precision)
        allowed = precision.tolerance * claim.size + min(noise, 10 * precision.tolerance * claim.size)
        if abs(claim.value - derivative) <= allowed:
            return "right", derivative
        known_well = noise <= 10 * precision.tolerance * claim.size
        settled = _settled(claim, first, derivative, precision) if known_well else None
        if settled is not None:
            return _beside_kinks(claim, first, precision, [settled])
        agreed = []
        for start in {first, precision.step}:
            for value, doubt in _agreeing(claim, [start * factor for factor in LADDER], precision):
                if abs(claim.value - value) <= precision.tolerance * claim.size + 4 * doubt:
                    return "right", value
                agreed.append((value, doubt))
        return _beside_kinks(claim, min(first, precision.step), precision, agreed)


def _settled(
    claim: ClaimedDerivative, step: float, derivative: float, precision: Precision
) -> tuple[float, float] | None:
    """Return the derivative by half the step, where it is so like the first that no ladder is needed."""
    again, _ = _central(claim, step / 2, precision)
    doubt = abs(again - derivative)
    far = abs(claim.value - again) > 100 * doubt + 10 * precision.tolerance * claim.size
    return (again, doubt) if far and doubt <= precision.known * claim.size / 10 else None


def _central(claim: ClaimedDerivative, step: float, precision: Precision) -> tuple[float, float]:
    """Return the central difference and how far rounding may have moved it."""
    above, below = claim.move(step), claim.move(-step)
    noise = 4 * precision.eps * float(np.abs(above * claim.dy).sum()) / step
    return float(((above - below) * claim.dy).sum() / (2 * step)), noise


def _agreeing(
    claim: ClaimedDerivative, ladder: list[float], precision: Precision
) -> Iterator[tuple[float, float]]:
    """Yield the derivatives by two steps that agree, each with their difference."""
    values = (_central(claim, step, precision)[0] for step in ladder)
    for a, b in pairwise(values):
        if abs(a - b) <= precision.known * claim.size:
            yield b, abs(a - b)


def _beside_kinks(
    claim: ClaimedDerivative, step: float, precision: Precision, agreed: list[tuple[float, float]]
) -> tuple[Verdict, float]:
    near, far = _sides(claim, step / 64), _sides(claim, step / 16)
    jumps = [float(np.abs(right - left).sum()) for left, right in (near, far)]
    if jumps[0] > 0.7 * jumps[1] and jumps[0] > 100 * precision.tolerance * claim.size:
        if jumps[0] > 2 * jumps[1]:
            return "unclear", float("nan")  # not a kink but a jump of the function itself, or rounding
        low, high = (float(bound(*near).sum()) for bound in (np.minimum, np.maximum))
        room = 100 * precision.tolerance * claim.size
        if low - room <= claim.value <= high + room:
            return "kink", claim.value
        return "wrong", low if claim.value < low else high
    if not agreed:
        return "unclear", float("nan")
    return "wrong", min(agreed, key=lambda pair: pair[1])[0]


def _sides(claim: ClaimedDerivative, step: float) -> tuple[Array, Array]:
    """Return each output's share of the derivative from the left and from the right."""
    middle = claim.move(0.0)
    left, right = (middle - claim.move(-step)) / step, (claim.move(step) - middle) / step
    return left * claim.dy, right * claim.dy
