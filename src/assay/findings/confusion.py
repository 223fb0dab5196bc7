"""Which characters are mistaken for which: the confusion matrix of an arm, and its most confused pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Image = NDArray[np.uint8]

MOST_PAIRS, MOST_EXAMPLES = 8, 4


@dataclass(frozen=True, eq=False)
class Example:
    """A test image, by its number, that ``networks`` of the arm's networks took for the other class."""

    index: int
    networks: int
    image: Image = field(repr=False)


@dataclass(frozen=True, eq=False)
class Mistake:
    """How often ``true`` was read as ``answer``, a share of its images, with examples, worst first."""

    true: str
    answer: str
    share: float
    examples: tuple[Example, ...]


@dataclass(frozen=True, eq=False)
class Confusion:
    """What an arm's networks, one a seed that counts, read each class of the test set as.

    ``shares`` (K, K) are of the true class's images, mean over
    ``seeds``: rows are true classes, columns answers. A class without test
    images has a row of zeros. ``pairs`` are the two classes most often taken
    for one another, both directions of each, the worst first.
    """

    arm: str
    seeds: int
    images: int
    classes: tuple[str, ...]
    shares: NDArray[np.float64] = field(repr=False)
    pairs: tuple[tuple[Mistake, Mistake], ...]


def confusion(
    arm: str, predicted: Labels, labels: Labels, images: NDArray[np.uint8], classes: Sequence[str]
) -> Confusion:
    """Compare the answers ``predicted`` (seeds, N) with the ``labels`` (N,) of the ``images``."""
    counts = read_as(predicted, labels, len(classes))
    shares = shares_of(counts)

    def mistake(true: int, answer: int) -> Mistake:
        found = _examples(predicted, labels, images, true, answer)
        return Mistake(classes[true], classes[answer], float(shares[true, answer]), found)

    pairs = tuple((mistake(a, b), mistake(b, a)) for a, b in _most_confused(counts))
    return Confusion(arm, len(predicted), len(labels), tuple(classes), shares, pairs)


def read_as(predicted: Labels, labels: Labels, classes: int) -> NDArray[np.float64]:
    """Return how often networks read each class as which, (classes, classes): true, then read.

    ``predicted`` (networks, N) are their answers for the images with the ``labels`` (N,).
    """
    counts = np.zeros((classes, classes))
    np.add.at(counts, (np.broadcast_to(labels, predicted.shape), predicted), 1)
    return counts


def shares_of(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return counts (classes, classes) as shares of the true class; without images its row is 0."""
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _most_confused(counts: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return pairs of classes, those most often taken for one another first, as (true, answer)."""
    both = np.triu(counts + counts.T, 1)
    order = np.argsort(-both, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(place), len(counts)) for place in order if both.flat[place]]
    return [(a, b) if counts[a, b] >= counts[b, a] else (b, a) for a, b in pairs]


def _examples(
    predicted: Labels, labels: Labels, images: NDArray[np.uint8], true: int, answer: int
) -> tuple[Example, ...]:
    """Return images of class ``true`` that the most networks took for ``answer``."""
    votes = ((predicted == answer) & (labels == true)).sum(axis=0)
    worst = np.argsort(-votes, kind="stable")[:MOST_EXAMPLES]
    return tuple(Example(int(index), int(votes[index]), images[index]) for index in worst if votes[index])
