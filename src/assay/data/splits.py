"""Splits drawn at random: stratified, so that every class keeps its proportion, or in whole groups."""

import numpy as np
from numpy.typing import NDArray

from assay.streams import stream

Labels = NDArray[np.int64]
Indices = NDArray[np.int64]


def stratified(labels: Labels, count: int, seed: int, purpose: str, *index: int) -> tuple[Indices, Indices]:
    """Divide the positions of ``labels`` (N,) at random into ``count`` and the rest.

    Each class contributes its share of ``count``, rounded down or up so that the
    shares sum to ``count``. Both parts keep the original order. The division
    depends on ``seed``, ``purpose``, ``index`` and the labels alone.
    """
    shuffled = stream(seed, "split", purpose, *index).permutation(len(labels))
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


def grouped(groups: Indices, count: int, seed: int, purpose: str, *index: int) -> tuple[Indices, Indices]:
    """Divide the positions of ``groups`` (N,) into whole groups of about ``count`` and the rest.

    Groups are taken in random order for as long as that brings the number of positions nearer to
    ``count``; at least one is taken, and one is left. There must be two or more.
    """
    names, number = np.unique(groups, return_inverse=True)
    order = stream(seed, "groups", purpose, *index).permutation(len(names))
    reached = np.cumsum(np.bincount(number)[order])[:-1]
    chosen = order[: 1 + int(np.argmin(np.abs(reached - count)))]
    taken = np.isin(number, chosen)
    return np.flatnonzero(taken), np.flatnonzero(~taken)
