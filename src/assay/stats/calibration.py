"""Calibration: the temperature that makes scores probabilities, and the error of these."""

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of equal width, as usual for the expected calibration error (Guo et al. 2017)."""
RANGE = (0.05, 20.0)
"""The range of the temperature; beyond it probabilities are all but certain, or all but equal."""
STEPS = 60
"""The most steps of Newton's method; it takes about six."""


def fit_temperature(scores: NDArray[np.floating], labels: NDArray[np.int64]) -> float | None:
    """Return the temperature T in `RANGE` that minimises the mean cross-entropy of ``softmax(scores / T)``.

    ``scores`` (N, K) are a network's on examples that it was not trained on, ``labels`` (N,) their classes
    (Guo et al. 2017, section 4.2). None where scores are not finite, or none are given.

    The cross-entropy is convex in b = 1/T: its first derivative is the mean of E[s] - s_label, its second
    that of Var[s], both under softmax(b s). Newton's method finds the root of the first; a step that leaves
    the interval known to hold it halves the interval instead. (Importing SciPy's optimisers takes longer
    than a short run.)
    """
    if not scores.size or not np.isfinite(scores).all():
        return None
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels].mean()
    low, high = 1 / RANGE[1], 1 / RANGE[0]
    b = 1.0
    for _ in range(STEPS):
        slope, curvature = _derivatives(shifted, right, b)
        low, high = (low, b) if slope > 0 else (b, high)
        newton = b - slope / curvature if curvature > 0 else -1.0
        b, before = (newton if low <= newton <= high else (low + high) / 2), b
        if abs(b - before) <= 1e-9 * b:
            break
    return float(1 / b)


def _derivatives(shifted: NDArray[np.float64], right: float, b: float) -> tuple[float, float]:
    """Return the first and the second derivative by b of the mean cross-entropy of softmax(b * shifted)."""
    p = np.exp(b * shifted)
    p /= p.sum(axis=1, keepdims=True)
    first = (p * shifted).sum(axis=1)
    second = (p * shifted**2).sum(axis=1)
    return float(first.mean() - right), float((second - first**2).mean())


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
