"""Products of pixels that are mostly background: what a step does beside, or instead of, the usual.

Of the pixels of a character two thirds and more are 0. A first layer that is linear multiplies each with
a row of weights and, for the weights' gradient, with a row of the outputs' gradients; it may leave
out those that are zero (`kernels.sparse`). A program has both forms, and each minibatch takes
the one that costs less: they have the same bits, and nothing needs to be known of the images beforehand.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from assay.engines.numba.blueprint import Blueprint
from assay.engines.numba.calls import Call, call, guarded
from assay.engines.numba.kernels.bits import BITS
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba.layout import MINUS_INFINITY, ZERO, Maps, Offsets
from assay.engines.numba.operands import NO_BIAS
from assay.engines.registers import REGISTERS

TERM, WAITS, VISIT = 3, 8, 60
"""In multiplications of vectors: what a term costs beside its own, what it costs at the least, since each sum
waits for the one before, and what a word of a row costs."""
GAIN = 0.8 if REGISTERS.count < 32 else 0.9
"""How much less the sparse form has to cost than the dense one: with 16 registers and 40% of the pixels 0, a
step with it took up to a quarter longer on an Intel processor where 0.9 had it chosen."""
MOST = min(REGISTERS.count - 3, 2**15 // (BITS * REGISTERS.bytes))
"""Vectors of a row that are summed at a time: their factor takes another register, and the rows that the bits
of a word choose from stay in a cache of 32 KB."""


def tile_for(vectors: int) -> Shape:
    """Return the tile for rows of so many vectors: one row, in equal parts that fit the registers."""
    parts = -(-vectors // MOST)
    return Shape(1, -(-vectors // parts))


def most_nonzero(plan: Blueprint, features: int, vectors: int) -> int:
    """Return how many pixels of an image may differ from zero for the sparse form to pay, 0 if it never does.

    It is to pay for the forward product and the weights' gradient together.
    """
    words, groups = -(-features // BITS), -(-plan.batch_size // BITS)
    at_once = tile_for(vectors).columns
    parts = -(-vectors // at_once)
    dense = 2 * plan.batch_size * features * vectors
    visits = (plan.batch_size * words + features * groups) * parts * (VISIT + 2 * at_once)
    each = 2 * plan.batch_size * parts * max(at_once + TERM, WAITS)
    return max(int((GAIN * dense - visits) / each), 0)


@dataclass(frozen=True)
class Forms:
    """Where it is noted which form is taken: 1 for the ``sparse`` one, and beside it 1 for the other."""

    sparse: int

    def between(self, sparse: list[Call], dense: list[Call]) -> list[Call]:
        """Return calls of which one part is made."""
        return [*guarded(self.sparse, sparse), *guarded(self.sparse + 1, dense)]


@dataclass(frozen=True)
class Pixels:
    """The pixels of a minibatch, which of them are not zero, and rows of ``outputs`` that they multiply."""

    plan: Blueprint
    x: Maps
    outputs: int
    most: int
    by_example: int
    by_pixel: int
    nothing: int
    few: Forms

    @classmethod
    def of(cls, plan: Blueprint, x: Maps, outputs: int) -> "Self | None":
        """Reserve what the sparse form needs; None where it can never pay."""
        width, features = plan.padded(outputs), x.shape[0]
        most = most_nonzero(plan, features, width // x.lanes)
        if plan.pairs or features < BITS or most < features // 10:
            return None
        rows, words = _whole_words(x.blocks * x.lanes), _whole_words(features)
        by_example, by_pixel = (plan.memory.take(rows * words // BITS * _unit(plan)) for _ in range(2))
        return cls(plan, x, outputs, most, by_example, by_pixel, plan.memory.take(width), _noted(plan))

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return self.plan.padded(self.outputs)

    @property
    def rows(self) -> int:
        """Examples, those included that fill up the last vector."""
        return self.x.blocks * self.x.lanes

    def marked(self) -> Call:
        """Return the call that notes which pixels are not zero, and whether these are few."""
        words = _whole_words(self.x.shape[0]) // BITS
        numbers = (self.by_example, words, self.rows, _whole_words(self.rows), self.most, self.few.sparse)
        return call(Kernel.MARK, *numbers)

    def turned(self) -> Call:
        """Return the call that notes the same by pixel."""
        groups, words = (_whole_words(size) // BITS for size in (self.rows, self.x.shape[0]))
        return call(Kernel.TURN, self.by_example, groups, words, self.by_pixel)

    def checked(self, factors: Offsets) -> tuple[Forms, Call]:
        """Return where the choice is noted once factors are found to be finite, and the call that does so."""
        found, place = _noted(self.plan), (int(factors.flat[0]), factors.size)
        return found, call(Kernel.FINITE, self.few.sparse, *place, self.x.lanes, found.sparse)

    def forward(self, weight: Offsets, bias: Offsets, y: Maps, relu: bool) -> list[Call]:
        """y[n] = b + sum over d of x[n, d] W[d], row by row, then turned about."""
        lanes, plan = self.x.lanes, self.plan
        z = plan.memory.places((self.rows, self.width))
        places = (self.x.features[:, :1] + np.arange(lanes)).ravel()
        start = self.nothing if bias is NO_BIAS else int(bias.flat[0])
        back = call(Kernel.TRANSPOSE_BACK, y.start, self.outputs, y.blocks, lanes, int(z[0, 0]), self.width)
        words = self.by_example, _whole_words(self.rows), _whole_words(self.x.shape[0]) // BITS
        rows = self._rows(places, z[:, 0], start)
        far = lanes * lanes, lanes
        return [self._product(rows, words, far, weight, ZERO if relu else MINUS_INFINITY), back]

    def weight_gradient(self, first: int, z: Offsets, grad: Offsets) -> list[Call]:
        """dW[d] = sum over n of x[n, d] dy[n], for as many d from ``first`` on as ``grad`` has rows."""
        features = _whole_words(self.x.shape[0])
        some = self.x.features[0, first : first + len(grad)]
        words = self.by_pixel + first * _unit(self.plan), features, _whole_words(self.rows) // BITS
        rows = self._rows(some, grad[:, 0], self.nothing)
        return [self._product(rows, words, (self.x.block_size, 1), z, MINUS_INFINITY)]

    def _rows(self, a: Offsets, c: Offsets, start: int) -> tuple[int, int]:
        """Write the table of rows, and return where it is with how many there are."""
        return self.plan.table(np.stack([a, c, np.full(len(a), start)], axis=1)), len(a)

    def _product(
        self,
        rows: tuple[int, int],
        words: tuple[int, int, int],
        apart: tuple[int, int],
        b: Offsets,
        least: int,
    ) -> Call:
        lanes = self.x.lanes
        vectors = b.shape[1] // lanes
        step = int(b[1, 0] - b[0, 0]) if len(b) > 1 else 0
        factors = int(b[0, 0]), step, vectors
        return call(
            Kernel.PRODUCT_SPARSE, *rows, *words, *apart, *factors, least, lanes, shape=tile_for(vectors)
        )


def _whole_words(size: int) -> int:
    return -(-size // BITS) * BITS


def _unit(plan: Blueprint) -> int:
    """Return how many numbers of the memory a word takes."""
    return BITS // 8 * plan.memory.lanes // plan.memory.vector_bytes


def _noted(plan: Blueprint) -> Forms:
    return Forms(plan.memory.take(2))
