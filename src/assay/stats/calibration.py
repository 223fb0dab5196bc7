"""Probabilities that keep their word: a temperature for a network's scores, and how far they are off."""

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Of equal width, as usual for the expected calibration error (Guo et al. 2017)."""
RANGE = (-3.0, 3.0)
"""Of the temperature's natural logarithm."""


def fit_temperature(scores: NDArray[np.floating], labels: NDArray[np.int64]) -> float | None:
    """Return the temperature T that minimises the mean cross-entropy of ``softmax(scores / T)``.

    ``scores`` (N, K) are a network's on examples that it was not trained on, ``labels`` (N,) their classes
    (Guo et al. 2017, section 4.2). None where scores are not finite, or none are given.
    """
    from scipy.optimize import minimize_scalar

    if not scores.size or not np.isfinite(scores).all():
        return None
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]

    def loss(log_t: float) -> float:
        t = np.exp(log_t)
        return float((np.log(np.exp(shifted / t).sum(axis=1)) - right / t).mean())

    return float(np.exp(minimize_scalar(loss, bounds=RANGE, method="bounded").x))


def calibration_error(
    scores: NDArray[np.floating], labels: NDArray[np.int64], temperature: float = 1.0
) -> float:
    """Return the expected calibration error of ``softmax(scores / temperature)``, a share.

    Examples are divided into `BINS` by the probability of the likeliest class; in each the mean probability
    is compared with the share of right answers, and the differences are averaged over the examples.
    """
    shifted = (scores.astype(np.float64) - scores.max(axis=1, keepdims=True)) / temperature
    sure = 1 / np.exp(shifted).sum(axis=1)  # of the likeliest class, whose shifted score is 0
    right = scores.argmax(axis=1) == labels
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, sure - right, BINS)
    return float(np.abs(gaps).sum() / len(labels))
