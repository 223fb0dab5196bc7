"""A program: which kernels are called on what, once a training step.

One compiled function interprets it, so that many steps pass without Python and
without its lock, and a network that nobody has run before compiles nothing.
"""

from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from assay.engines.numba.kernels import paired, plain
from assay.engines.numba.kernels.program import Data, Now
from assay.shapes import Array

Program = NDArray[np.int64]
"""Calls, one a row: the kernel, then where its operands lie and how many they are."""

Runner = Callable[[Program, NDArray[np.int64], Array, Data, int, int], None]


@cache
def runner(pairs: bool, /) -> Runner:
    """Return the interpreter: it runs a program on each batch of an order, counting steps on.

    With ``pairs`` its products are of bfloat16, which not every processor multiplies.
    Compiled at its first call for a precision, and kept on disk until a kernel
    changes: Numba's cache looks at this file alone, so their hash is part of the function.
    """
    version = _digest()

    def run(calls, tables, memory, data, size, step):
        _ = version
        for start in range(0, len(data.order), size):
            step += 1
            now = Now(step, start, min(start + size, len(data.order)), data.factors[start // size])
            for i in range(len(calls)):
                if pairs:
                    paired.execute(calls[i], tables, memory, data, now)
                else:
                    plain.execute(calls[i], tables, memory, data, now)

    run.__qualname__ = f"run_{pairs}"  # as with `kernel_named`
    return njit(nogil=True, cache=True)(run)


def _digest() -> int:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = blake2b(b"".join(source.read_bytes() for source in sources), digest_size=7).digest()
    return int.from_bytes(digest, "little")
