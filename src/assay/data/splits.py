"""Stratified splits: every class keeps its proportion, to within one example."""

import numpy as np
from numpy.typing import NDArray

from assay.streams import stream

Labels = NDArray[np.int64]
Indices = NDArray[np.int64]


def stratified(labels: Labels, count: int, seed: int, purpose: str) -> tuple[Indices, Indices]:
    """Divide the positions of ``labels`` (N,) at random into ``count`` and the rest.

    Each class contributes its share of ``count``, rounded down or up so that the
    shares sum to ``count``. Both parts keep the original order. The division
    depends on ``seed``, ``purpose`` and the labels alone.
    """
    shuffled = stream(seed, "split", purpose).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    sizes = np.bincount(labels)
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    taken = rank < np.repeat(shares(sizes, count), sizes)
    return np.sort(by_class[taken]), np.sort(by_class[~taken])


def shares(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Divide ``count`` in proportion to ``sizes`` (K,) by largest remainder; ties go to the first class."""
    product = sizes * count
    total = sizes.sum()
    whole: NDArray[np.int64] = product // total
    remainder = product % total
    whole[np.argsort(-remainder, kind="stable")[: count - whole.sum()]] += 1
    return whole
