"""A fitted temperature, against scores whose true temperature is known, and the calibration error by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from assay.stats.calibration import RANGE, calibration_error, fit_temperature


def sampled(temperature, n=40_000, classes=6):
    """Return scores (N, K) and labels drawn from softmax(scores / temperature)."""
    draw = np.random.default_rng(3)
    scores = draw.normal(0, 3, (n, classes))
    noise = draw.gumbel(size=scores.shape)  # the largest of logits and Gumbel noise has the softmax's shares
    return scores, (scores / temperature + noise).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_that_drew_the_labels_is_found(temperature):
    scores, labels = sampled(temperature)
    found = fit_temperature(scores, labels)
    assert found == pytest.approx(temperature, rel=0.03)
    assert calibration_error(scores, labels, found) < 0.01
    assert calibration_error(scores, labels, 2 * temperature) > 0.05


@given(
    st.integers(0, 10_000),
    st.integers(2, 50),
    st.integers(2, 12),
    st.sampled_from([0.01, 0.3, 1, 5, 100]),
    st.booleans(),
)
def test_it_is_the_minimum_that_scipy_finds(seed, n, classes, spread, guessing):
    draw = np.random.default_rng(seed)
    scores = draw.normal(0, spread, (n, classes)).astype(np.float32)
    labels = draw.integers(classes, size=n) if guessing else scores.argmax(axis=1)

    def loss(log_t):
        return -log_softmax(scores / np.exp(log_t), axis=1)[np.arange(n), labels].mean()

    found = fit_temperature(scores, labels)
    theirs = minimize_scalar(loss, bounds=np.log(RANGE), method="bounded", options={"xatol": 1e-9})
    assert RANGE[0] * (1 - 1e-9) <= found <= RANGE[1] * (1 + 1e-9)
    assert loss(np.log(found)) <= theirs.fun + 1e-7 * abs(theirs.fun)


def test_the_error_is_that_of_the_definition():
    """Two examples in one bin, one right: sure of 0.8 and right in half."""
    scores = np.log(np.array([[0.8, 0.2], [0.8, 0.2]]))
    assert calibration_error(scores, np.array([0, 1])) == pytest.approx(0.3)


def test_scores_that_are_not_finite_have_no_temperature():
    assert fit_temperature(np.array([[np.nan, 1.0]]), np.array([0])) is None
