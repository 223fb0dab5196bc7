"""One argument of a layer: its gradient against differences, in random directions, then by entry.

A random direction moves all entries of an argument at once, so two of them tell whether a gradient is right
as surely as every entry would. Where they say no, the entries are gone through to find out which.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.shapes import Array
from assay.streams import stream
from assay.testing.gradients import LEAST_SCALE, Mismatch
from assay.testing.guesses import guess, guess_at_ties
from assay.testing.watched import Watched
from assay.testing.window_guesses import guess_at_windows
from assay.training.judging import ClaimedDerivative, Precision, difference, judge

MOST_ENTRIES = 2000
"""No more entries than this are gone through to find the wrong ones."""

NEARBY = 12
"""How many points beside one with ties are asked for their gradients."""

ENOUGH = 24
"""After this many wrong entries, a plain difference settles each further one."""


@dataclass(frozen=True)
class Argument:
    """One argument of a layer, its claimed gradient, and where it is claimed."""

    watched: Watched
    values: dict[str, Array]
    name: str
    gradient: Array
    dy: Array
    precision: Precision

    def checked(self, together: bool, locate: bool) -> Mismatch | None:
        """Compare along random directions, and along all entries ``together`` where they tie."""
        for direction in self._directions(together):
            verdict, expected = judge(self._claim(direction), self.precision)
            if verdict == "wrong" and not (together and self._beside_kinks(direction)):
                found = float((self.gradient * direction).sum())
                return (self._located() if locate else None) or self._along(direction, found, expected)
        return None

    def against(self, expected: Array) -> Mismatch | None:
        """Compare with a gradient that is known."""
        wrong = ~(np.abs(self.gradient - expected) <= self.precision.tolerance * LEAST_SCALE)
        if not wrong.any():
            return None
        words = "the upstream gradient is forgotten, or a penalty is added"
        return replace(self._mismatch(wrong, expected), guess=words)

    def _directions(self, together: bool) -> Iterator[Array]:
        shape = self.gradient.shape
        if together:
            yield np.ones(shape)
        for i in range(2):
            generator = stream(i, "direction", self.name)
            yield generator.uniform(0.5, 1.5, shape) * generator.choice([-1.0, 1.0], shape)

    def _claim(self, direction: Array) -> ClaimedDerivative:
        value = self.values[self.name]
        claimed = float((self.gradient * direction).sum())
        size = max(float(np.abs(self.gradient).max(initial=0)), LEAST_SCALE)
        scale = float(np.abs(value).max(initial=0))

        def move(t: float) -> Array:
            moved = {**self.values, self.name: value + t * direction}
            x = moved.pop("x")
            return self.watched.forward(moved, x)

        return ClaimedDerivative(move, self.dy, claimed, size, scale)

    def _beside_kinks(self, direction: Array) -> bool:
        """Whether the gradient is among those of nearby points, as that of a median of ties is.

        Moving all entries alike leaves ties as they are and tells more: it is not excused.
        """
        if (direction == 1).all():
            return False
        claim, step = self._claim(direction), self.precision.step
        shares = []
        for number in range(NEARBY):
            noise = stream(number, "nearby", self.name).uniform(-1, 1, direction.shape)
            near = replace(self, values={**self.values, self.name: self.values[self.name] + 1e-3 * noise})
            move = near._claim(direction).move
            shares.append((move(step) - move(-step)) * self.dy / (2 * step))
        low, high = (float(bound(shares, axis=0).sum()) for bound in (np.min, np.max))
        room = 1e-3 * claim.size
        return low + room < high - room and low - room <= claim.value <= high + room

    def _located(self) -> Mismatch | None:
        """Return the first wrong entry and how many there are; None where none is wrong by itself."""
        expected, wrong = self.gradient.astype(float), np.zeros(self.gradient.shape, bool)
        judged, verdict = 0, "right"
        for number, index in enumerate(np.ndindex(self.gradient.shape)):
            if number == MOST_ENTRIES:
                break
            direction = np.zeros(self.gradient.shape)
            direction[index] = 1.0
            claim = self._claim(direction)
            derivative = difference(claim, self.precision)
            surely = judged >= ENOUGH and abs(derivative - claim.value) > 1e-3 * claim.size
            if not surely:
                verdict, derivative = judge(claim, self.precision, derivative)
                judged += verdict == "wrong"
            if surely or verdict == "wrong":
                wrong[index], expected[index] = True, derivative
        return self._mismatch(wrong, expected) if wrong.any() else None

    def _mismatch(self, wrong: NDArray[np.bool], expected: Array) -> Mismatch:
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        scale = max(float(np.abs(expected).max(initial=0)), LEAST_SCALE)
        return Mismatch(
            self.name,
            index,
            float(self.gradient[index]),
            float(expected[index]),
            float(np.abs(self.gradient - expected)[wrong].max() / scale),
            int(wrong.sum()),
            wrong.size,
            guess=self._guess(wrong, expected),
        )

    def _guess(self, wrong: NDArray[np.bool], expected: Array) -> str:
        return (
            guess_at_windows(self.gradient, expected, self.values["x"], self.dy)
            or guess(self.gradient, expected, self.values[self.name])
            or self._forgets_upstream(wrong)
        )

    def _forgets_upstream(self, wrong: NDArray[np.bool]) -> str:
        """Say so if what is wrong stays the same when the upstream gradient is doubled."""
        params = {name: value for name, value in self.values.items() if name != "x"}
        doubled = self.watched.run(params, self.values["x"], 2 * self.dy).gradients[self.name]
        same = self.gradient[wrong].any() and np.array_equal(doubled[wrong], self.gradient[wrong])
        return "the upstream gradient is forgotten there" if same else ""

    def _along(self, direction: Array, found: float, expected: float) -> Mismatch:
        scale = max(abs(expected), LEAST_SCALE)
        size = self.gradient.size
        along = "all entries moved together" if (direction == 1).all() else "a random direction"
        words = guess_at_ties(found, expected) if (direction == 1).all() else ""
        error = abs(found - expected) / scale
        return Mismatch(self.name, (), found, expected, error, size, size, along=along, guess=words)
