"""Seeds that the others do not explain: runs that learnt but came out far worse than their siblings."""

import numpy as np
import scipy
from numpy.typing import ArrayLike

from assay.stats.ttest import FEWEST, one_sample, row

LEVEL = 0.01
"""Chance of calling any seed of an arm outlying where all follow one normal distribution."""


def outlying_low(values: ArrayLike, *, level: float = LEVEL) -> tuple[int, ...]:
    """Return the indices of values too low for the others to explain; needs at least three finite values.

    A value is outlying if it lies below the one-sided prediction interval of the others (Student's, n - 2
    degrees of freedom) at ``level / n``. With three values only two others remain, so that only a collapse is
    detected.
    """
    x = row(values, "outlying_low")
    finite = np.flatnonzero(np.isfinite(x))
    n = len(finite)
    if n < FEWEST:
        return ()
    return tuple(int(place) for place in finite if _p_low(x[place], x[finite[finite != place]]) < level / n)


def _p_low(value: float, others: np.ndarray) -> float:
    """Return the one-sided p of ``value`` as one more draw of ``others``."""
    test = one_sample(others)
    if value >= test.mean:
        return 1.0
    if test.sd == 0:  # equal to the last bit: their spread is unknown
        return 1.0
    t = (value - test.mean) / (test.sd * np.sqrt(1 + 1 / test.n))
    return float(scipy.special.stdtr(test.n - 1, t))
