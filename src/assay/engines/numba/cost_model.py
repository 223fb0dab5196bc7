"""What a program takes, counted from its calls, before any of its kernels is compiled.

Products take nearly all of it, and a call tells how many vectors they multiply; then come the transforms
around those of Winograd's algorithm, normalisation, activations, and the steps of rules that divide. `IDLE`
makes up for the rest: a step of the packaged studies' arms took from 0.7 to 1.4 times as long as is counted,
with AVX2 and with AVX-512.
"""

import numpy as np
from numpy.typing import NDArray

from assay.engines.numba.background import TERM, VISIT, WAITS
from assay.engines.numba.covering import CALL, TILE
from assay.engines.numba.kernels import entrywise
from assay.engines.numba.kernels.bits import BITS
from assay.engines.numba.kernels.codes import GUARD, Kernel, function_of, kernel_of, shape_of
from assay.engines.numba.kernels.entries import number_of
from assay.engines.numba.kernels.winner_tiles import PAIR
from assay.engines.numba.winner_gradient import ALIVE, LOADS, of_term

TRANSFORM, NORMALISED, DIVIDED = 90, 26, 30
"""Multiplications that take as long as to transform a tile of one channel, to normalise a vector, and to take
the step of a rule that divides by a root: of Adam's, 45 with AVX-512 on an Intel processor."""
ACTIVATED, NORMAL = 35, 95
"""Those that take as long as an activation but ReLU of a vector, or its slope: LeakyReLU's 6 to 9, Softplus's
48 to 57; and as GELU, by the normal distribution, 72 to 105. A user's counts as the former."""
IDLE = 1.25
"""How much longer a multiplication takes than at its best, with what is not counted."""

TRANSFORMS = {each for each in Kernel if each.name.startswith("WINOGRAD") and "WEIGHT" not in each.name}
DIVIDING = {Kernel.ADAGRAD, Kernel.ADAM, Kernel.ADAMAX}
WITH_NORMAL = {number_of(function, 0) for function in (entrywise.gelu, entrywise.gelu_slope)}
NORMALISING = {each for each in Kernel if each.name.startswith("NORMALISE")}

Calls = NDArray[np.int64]
"""Calls of one kernel, or of several, one a row."""


def multiplications(calls: Calls, batch_size: int, nonzero: float, pair: float = 1.0) -> float:
    """Return the multiplications of vectors that take as long as a program does for one minibatch.

    So many pixels of an image are ``nonzero``, on average, which decides between the forms of a product.
    A ``pair`` is what multiplying pairs of bfloat16 takes, in multiplications of float32.
    """
    made, share = calls, 1.0
    if (marking := _of(calls, Kernel.MARK)).size:
        _, _, words, _, rows, most, noted = marking[0, :7]
        share = nonzero * batch_size / (words * BITS * rows)
        sparse = [0, noted, *_of(calls, Kernel.FINITE)[:, 5]]  # where no condition lies, and those it holds
        dense = [0, *(place + 1 for place in sparse[1:])]
        made = calls[np.isin(calls[:, GUARD], sparse if nonzero <= most else dense)]
    numbers = np.unique(made[:, 0])
    return IDLE * sum(_cost(number, made[made[:, 0] == number], share, pair) for number in numbers)


def _of(calls: Calls, kernel: Kernel) -> Calls:
    found: Calls = calls[calls[:, 0] == kernel]
    return found


def _cost(number: int, calls: Calls, share: float, pair: float) -> float:
    """Return what the calls of one kernel take, if the bits set of the words of pixels are a ``share``."""
    kernel, shape, count = kernel_of(number), shape_of(number), calls[:, 2]
    if kernel == Kernel.PRODUCT_SPARSE and shape:
        parts, words = -(-calls[:, 10] // shape.columns), calls[:, 5]
        term = share * BITS * max(shape.columns + TERM, WAITS)
        return float(np.sum(count * words * parts * (VISIT + 2 * shape.columns + term)))
    if kernel in LOADS and shape:
        winners = ALIVE * calls[:, 1] * calls[:, 3] / PAIR  # of as many as there is room for
        return float(np.sum(winners * of_term(kernel, shape)))
    if shape:
        tiles = -(-count // shape.rows) * -(-calls[:, 4] // shape.columns)
        cycles = max(shape.cycles, shape.rows * shape.columns * (pair if shape.pairs else 1))
        return float(np.sum(tiles * (cycles * calls[:, 6] + TILE) + CALL))
    return _beside(kernel, calls)


def _beside(kernel: Kernel, calls: Calls) -> float:
    """Return what the calls of a kernel take that is no product."""
    if kernel in TRANSFORMS:
        return float(np.sum(TRANSFORM * calls[:, 2] * calls[:, 3]))
    if kernel in NORMALISING:
        return float(np.sum(NORMALISED * calls[:, 4:7].prod(axis=1)))
    if function := function_of(calls[0, 0]):
        each = NORMAL if function in WITH_NORMAL else ACTIVATED
        return float(np.sum(each * calls[:, 1:4].prod(axis=1) / calls[:, 4]))
    if kernel in DIVIDING:
        return float(np.sum(DIVIDED * calls[:, 3] / calls[:, 4]))
    return 0.0
