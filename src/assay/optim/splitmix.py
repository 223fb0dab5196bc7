"""Random numbers for many examples at once, each with its own stream.

Augmentation needs thousands of numbers for each example of a batch, whichever
examples those are, and a generator per example costs more than the numbers.
SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators") is a hash of a counter, so a whole batch is computed as one array.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.streams import stream

Words = NDArray[np.uint64]
Floats = NDArray[np.float32]

GAMMA = np.uint64(0x9E3779B97F4A7C15)  # the odd integer nearest to 2^64 / golden ratio
HALF = 2.0**-31


def splitmix64(state: Words, count: int) -> Words:
    """Return the first ``count`` outputs (..., count) of the generator in each ``state`` (...)."""
    steps = GAMMA * np.arange(1, count + 1, dtype=np.uint64)
    return _mixed(state[..., None] + steps)


def _mixed(z: Words) -> Words:
    """Apply the generator's output function, a bijection, in place."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    return z


def key_of(seed: int, purpose: str, *index: int | str) -> int:
    """Return the 64-bit key of a name: the first number of its `assay.streams.stream`."""
    return int(stream(seed, purpose, *index).integers(2**64, dtype=np.uint64))


@dataclass(frozen=True)
class Draws:
    """The random numbers of ``examples`` (N,) under one ``key``; every call starts at their beginning.

    Example i's generator starts in output i of the generator that starts in
    ``key``, as SplitMix splits: its numbers depend on (key, i) alone.
    """

    key: int
    examples: NDArray[np.int64]

    def words(self, count: int) -> Words:
        """Return ``count`` numbers of 64 random bits for each example, (N, count)."""
        turn = self.examples.astype(np.uint64) + np.uint64(1)
        return splitmix64(_mixed(np.uint64(self.key) + GAMMA * turn), count)

    def integers(self, largest: int, count: int) -> NDArray[np.int64]:
        """Return integers (N, count) uniform from -largest to largest (to 1 in 2^64 / largest)."""
        span = self.words(count) % np.uint64(2 * largest + 1)
        return span.astype(np.int64) - largest

    def uniform(self, count: int) -> Floats:
        """Return numbers (N, count) uniform in [-1, 1], two from each word; the ends come of rounding."""
        words = self.words(-(-count // 2)).astype("<u8", copy=False)
        halves = words.view("<i4")[:, :count].astype(np.float32)
        halves *= np.float32(HALF)
        return halves
