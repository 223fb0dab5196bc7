"""Calls of kernels, and the order in which a step makes them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.engines.numba.kernels.codes import EVALUATION, GUARD, KINDS, Kernel, code
from assay.engines.numba.kernels.tiles import Shape

CALL_SIZE = GUARD + 1

BEFORE, AFTER = -1, 2**31
"""Where a call belongs that works for all blocks of examples: before them, or after the last."""


class Call(NamedTuple):
    """A kernel's number with its arguments, and which block it works on, if on one alone.

    With a ``guard`` it is only made if the number that lies there is not 0.
    """

    numbers: tuple[int, ...]
    block: int = BEFORE
    guard: int = 0


def call(kernel: Kernel, *arguments: int, shape: Shape | None = None) -> Call:
    """Return a call: the kernel, in which tile's shape if it has one, and its arguments."""
    return Call((code(kernel, shape), *map(int, arguments)))


def call_applying(kernel: Kernel, function: int, *arguments: int) -> Call:
    """Return a call of a kernel that applies the function of a number to each entry."""
    return Call((int(kernel) + KINDS * function, *map(int, arguments)))


def at(block: int, calls: Iterable[Call]) -> list[Call]:
    """Return calls as those of a block, or of `AFTER`."""
    return [each._replace(block=block) for each in calls]


def guarded(guard: int, calls: Iterable[Call]) -> list[Call]:
    """Return calls as those that are only made if the number at ``guard`` is not 0."""
    return [each._replace(guard=guard) for each in calls]


def block_by_block(calls: Iterable[Call]) -> list[Call]:
    """Return the calls of some stages so that a block passes through all of them before the next one does."""
    return sorted(calls, key=lambda each: each.block)


def evaluating(calls: list[Call]) -> list[Call]:
    """Return calls forward as they are in evaluation mode."""
    return [
        each._replace(numbers=(EVALUATION.get(each.numbers[0], each.numbers[0]), *each.numbers[1:]))
        for each in calls
    ]


def program(calls: list[Call]) -> NDArray[np.int64]:
    """Return calls as an array, one a row."""
    rows = np.zeros((len(calls), CALL_SIZE), np.int64)
    for row, each in zip(rows, calls, strict=True):
        row[:GUARD][: len(each.numbers)] = each.numbers
        row[GUARD] = each.guard
    return rows
