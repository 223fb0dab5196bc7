"""Randomness as a pure function.

Every random number that assay uses comes from a stream named by a seed, a
purpose and some indices; nothing keeps a generator between two uses. So two
arms with one seed see the same batches, and a run that is interrupted or moved
to another worker meets the same numbers again.
"""

from hashlib import blake2b
from operator import index as integer

import numpy as np


def stream(seed: int, purpose: str, *index: int | str) -> np.random.Generator:
    """Return the generator of (``seed``, ``purpose``, ``index``), always at its start.

    The key of the counter-based Philox generator (Salmon et al. 2011) is a
    BLAKE2 hash of the arguments, so that different names never share a stream.

    >>> stream(0, "order", 3).integers(100) == stream(0, "order", 3).integers(100)
    True
    """
    parts = (part if isinstance(part, str) else integer(part) for part in index)
    name = repr((integer(seed), purpose, *parts)).encode()
    key = int.from_bytes(blake2b(name, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))


def permutation(seed: int, purpose: str, size: int, *index: int | str) -> np.ndarray:
    """Return 0..size-1 in the order of the stream's permutation, as int64."""
    return stream(seed, purpose, *index).permutation(size)
