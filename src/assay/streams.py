"""Randomness as a pure function.

Every random number that assay uses comes from a stream named by a seed, a
purpose and some indices; nothing keeps a generator between two uses. So two
arms with one seed see the same batches, and a run that is interrupted or moved
to another worker meets the same numbers again.
"""

from hashlib import blake2b
from operator import index as integer
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike, NDArray


class _Key(ISeedSequence):
    """A key in the form of a seed: ``Philox(key=...)`` would first draw a seed that nothing uses."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint64) -> NDArray[Any]:
        """Return the key: two numbers of 64 bits."""
        del n_words
        return np.frombuffer(self.digest, np.dtype(dtype).newbyteorder("<"))


def stream(seed: int, purpose: str, *index: int | str) -> np.random.Generator:
    """Return the generator of (``seed``, ``purpose``, ``index``), always at its start.

    The key of the counter-based Philox generator (Salmon et al. 2011) is a
    BLAKE2 hash of the arguments, so that different names never share a stream.

    >>> stream(0, "order", 3).integers(100) == stream(0, "order", 3).integers(100)
    True
    """
    parts = (part if isinstance(part, str) else integer(part) for part in index)
    name = repr((integer(seed), purpose, *parts)).encode()
    key: Any = _Key(blake2b(name, digest_size=16).digest())  # NumPy's types know of SeedSequence alone
    return np.random.Generator(np.random.Philox(key))


def permutation(seed: int, purpose: str, size: int, *index: int | str) -> np.ndarray:
    """Return 0..size-1 in the order of the stream's permutation, as int64."""
    return stream(seed, purpose, *index).permutation(size)
