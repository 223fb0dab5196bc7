"""While an engine computes, numbers too small to be normal are 0: in float32 those below 2^-126.

Rules with a memory make many of them. Where a gradient has become 0, since its unit is dead or its pixel
background, Adam's first moment shrinks by a tenth a step and then stays near 2^-149 for ever, as nine tenths
of the least numbers are rounded to the same numbers. Intel's processors take over a hundred cycles for
an operation on one: a dense network was a third as fast after a thousand steps as at first. An
update so small is lost in any weight. Arm's processors take them at full speed, and are left as they are.

A thread that is started meanwhile, or a process that is forked, stays as this thread then is, for as long as
it lives. So nothing but a step, or a batch's scores, is computed inside, and nobody is told of it inside.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

for _kind in (np.float32, np.float64):
    np.finfo(_kind)  # is found once: inside, where a user's layer asks for it, NumPy up to 2.3 would warn


@contextmanager
def flushed() -> Iterator[None]:
    """Let this thread take subnormal numbers for 0 meanwhile; afterwards all is as it was."""
    from assay.engines import control_register  # Numba, which takes a moment, is known to no study before

    if not control_register.POSSIBLE:
        yield
        return
    before = control_register.read()
    control_register.write(before | control_register.FLUSHING)
    try:
        yield
    finally:
        control_register.write(before)
