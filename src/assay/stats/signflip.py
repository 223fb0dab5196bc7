"""The sign-flip test: if a and b were the same, each paired difference could equally have the other sign."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from assay.streams import stream

EXACT_UP_TO = 32
_SAMPLES = 99_999
_BLOCK = 10_000
_KEPT_UP_TO = 200
"""Signs for up to this many differences are drawn once for all comparisons; each takes 0.1 MB."""


def smallest_p(n: int) -> float:
    """Return the smallest possible p: 2 of all choices of ``n`` signs, or 1 of those drawn."""
    return min(1.0, 2.0 / 2**n) if n <= EXACT_UP_TO else 1 / (_SAMPLES + 1)


def sign_flip_p(differences: np.ndarray) -> float:
    """Return the two-sided p of the mean of n paired differences under all 2**n choices of their signs.

    Exact for n <= 32. Beyond, 99,999 choices of one fixed random stream and the observed one are counted,
    which never gives less than 1e-5. The order of the differences, and which arm comes first, change nothing.
    """
    sizes = np.sort(np.abs(differences))
    # Sums that are mathematically equal may differ in the last bits.
    observed = abs(float(np.sum(differences))) - 1e-12 * float(np.sum(sizes))
    if observed <= 0:
        return 1.0
    if len(sizes) > EXACT_UP_TO:
        return _sampled(sizes, observed)
    # Each of the 2**n sums is one half's sum plus the other's: two lists of 2**(n/2) are enough to count.
    left, right = _sums(sizes[::2]), np.sort(_sums(sizes[1::2]))
    reaching = len(right) - np.searchsorted(right, observed - left, side="left")
    return min(1.0, 2 * float(reaching.sum()) / 2.0 ** len(sizes))


def _sums(sizes: np.ndarray) -> np.ndarray:
    """Return the 2**len sums of ``sizes`` under all choices of signs."""
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate((sums + size, sums - size))
    return sums


def _sampled(sizes: np.ndarray, observed: float) -> float:
    """Return the p over random signs; the observed choice counts as one of them (Phipson and Smyth 2010)."""
    n, reaching = len(sizes), 1
    blocks: Iterable[np.ndarray] = _kept(n) if n <= _KEPT_UP_TO else _drawn(n)
    for drawn in blocks:
        signs = 2.0 * drawn - 1
        reaching += int(np.count_nonzero(np.abs(signs @ sizes) >= observed))
    return reaching / (_SAMPLES + 1)


def _drawn(n: int) -> Iterator[np.ndarray]:
    """Yield the drawn signs of ``n`` differences, 0 or 1, in blocks."""
    generator, left = stream(0, "sign-flip", n), _SAMPLES
    while left:
        block = min(left, _BLOCK)
        yield generator.integers(0, 2, size=(block, n)).astype(np.int8)
        left -= block


@lru_cache(maxsize=1)
def _kept(n: int) -> tuple[np.ndarray, ...]:
    return tuple(_drawn(n))
