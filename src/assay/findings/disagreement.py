"""Which test images an arm's networks get wrong, and over which the arms disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.findings.confusion import Labels, read_as, shares_of
from assay.store.readout import Readout


@dataclass(frozen=True, eq=False)
class Answered:
    """What an arm's ``seeds`` networks answered for each of N test images, over the runs that count.

    ``wrong`` (N,) is the share of them that erred, ``usual`` (N,) the class that most of them chose, the
    first of equally frequent ones, and ``predicted`` (seeds, N) every answer.
    """

    arm: str
    seeds: int
    wrong: NDArray[np.float64] = field(repr=False)
    usual: Labels = field(repr=False)
    predicted: Labels = field(repr=False)


def answered(results: Readout, labels: Labels) -> dict[str, Answered]:
    """Return what each arm with a finished run answered, in the study's order.

    At a declared look these are the networks of its seeds.
    """
    results = results.at_look()
    found = {}
    for arm in results.study.arms:
        runs = results.counting(arm.name)
        if runs:
            predicted = np.array([results.store.predicted(run.id) for run in runs])
            found[arm.name] = _answered(arm.name, predicted, labels, len(results.header.classes))
    return found


def _answered(arm: str, predicted: Labels, labels: Labels, classes: int) -> Answered:
    votes = np.zeros((len(labels), classes), np.int32)
    np.add.at(votes, (np.broadcast_to(np.arange(len(labels)), predicted.shape), predicted), 1)
    wrong = (predicted != labels).mean(axis=0)
    return Answered(arm, len(predicted), wrong, votes.argmax(axis=1), predicted)


def most_disputed(arms: Mapping[str, Answered]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of the images over which arms disagree, most first, and how much, per image.

    The measure is the largest difference between two arms' shares of networks in error, from 0 to 1; of equal
    ones the image comes first whose shares vary more over all arms.
    """
    wrong = np.array([found.wrong for found in arms.values()])
    apart = wrong.max(axis=0) - wrong.min(axis=0)
    order = np.lexsort((-wrong.var(axis=0), -apart))
    return order[apart[order] > 0], apart


def most_mistaken(
    found: Answered, labels: Labels, true: int | None = None, read: int | None = None
) -> NDArray[np.int64]:
    """Return the numbers of the images that an arm gets wrong, those first that most networks do.

    Only images of class ``true``, and only mistakes for class ``read``, where these are given.
    """
    wrong = found.wrong if read is None else ((found.predicted == read) & (labels != read)).mean(axis=0)
    wanted = wrong > 0 if true is None else (wrong > 0) & (labels == true)
    order = np.argsort(-wrong, kind="stable")
    return order[wanted[order]]


def shares_read(found: Answered, labels: Labels, classes: int) -> NDArray[np.float64]:
    """Return which share of each class an arm's networks read as which, (classes, classes): true, then read.

    The rows of classes without an image are 0.
    """
    return shares_of(read_as(found.predicted, labels, classes))


def confusions(found: Answered, labels: Labels, classes: int, most: int) -> Sequence[tuple[int, int, float]]:
    """Return the ``most`` frequent mistakes as (true class, answer, share of the class's images).

    Frequent by the number of images: a mistake in a class of many comes before the same share of one of few.
    """
    counts = read_as(found.predicted, labels, classes)
    shares = shares_of(counts)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), classes) for place in order if counts.flat[place]]
    return [(a, b, float(shares[a, b])) for a, b in pairs]
