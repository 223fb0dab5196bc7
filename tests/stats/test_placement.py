from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import statsmodels
from scipy.stats import norm, t
from worked_examples import B, points

from assay.errors import UsageError
from assay.stats import against_published, binomial_se, expected_maximum, wilson
from assay.streams import stream


def exactly(value):
    return pytest.approx(value, abs=1e-9)


def test_worked_example():
    p = against_published(B, 0.88)
    assert p.interval == points((87.79605217721, 88.12394782279))
    assert p.prediction == points((87.46815653162, 88.45184346838))
    assert (p.t, p.p) == exactly((0.19230705731, 0.85296170559))
    assert p.consistent
    assert binomial_se(0.88, 15_800) == points(0.25852551719)
    assert wilson(13_904, 15_800) == points((87.48403998554, 88.49748660272))


def test_other_images_add_their_sampling_error():
    """The worked example: a half-width of .82443264557 points, by the normal and for accuracies of 88%."""
    ours = against_published(B, 0.88, images=(15_800, 15_800))
    low, high = ours.prediction
    as_ours = np.mean(B) * (1 - np.mean(B)) - 0.88 * 0.12  # what our own mean accuracy changes
    expected = (0.0082443264557 / 1.959964) ** 2 + 2 * as_ours / 15_800
    # Cochran and Cox's quantile by hand: each variance's own, by its part.
    seeds = np.var(B, ddof=1) * (1 + 1 / 8)
    sampling = 2 * np.mean(B) * (1 - np.mean(B)) / 15_800
    quantile = (seeds * t.ppf(0.975, 7) + sampling * norm.ppf(0.975)) / (seeds + sampling)
    assert ((high - low) / 2 / quantile) ** 2 == pytest.approx(expected, rel=4e-8)
    assert ours.t == pytest.approx((0.88 - np.mean(B)) / sqrt(seeds + sampling))


@given(
    st.lists(st.integers(8000, 9000).map(lambda x: x / 10_000), min_size=3, max_size=9),
    st.integers(10, 10**6),
)
def test_images_never_make_a_prediction_sharper(values, images):
    alone = against_published(values, 0.88)
    both = against_published(values, 0.88, images=(images, images))
    more = against_published(values, 0.88, images=(10 * images, 10 * images))
    assert min(width(both), width(more)) >= width(alone) - 1e-12
    for found in (alone, both, more):
        assert found.consistent == (found.p >= 0.05) or abs(found.p - 0.05) < 1e-9


def width(found):
    return found.prediction[1] - found.prediction[0]


def test_seeds_that_are_all_equal_leave_the_images_error_alone():
    p = against_published([0.88] * 3, 0.885, images=(15_800, 15_800))
    spread = sqrt(2 * 0.88 * 0.12 / 15_800)
    assert p.prediction == pytest.approx((0.88 - 1.959964 * spread, 0.88 + 1.959964 * spread), rel=1e-7)
    assert p.p == pytest.approx(2 * norm.sf(0.005 / spread))


@pytest.mark.parametrize("images", [1000, 10_000, 100_000])
@pytest.mark.parametrize("n", [3, 5])
def test_a_network_of_theirs_on_new_images_is_predicted_in_95_of_100_or_more(n, images):
    """Their network and ours have the same spread over seeds, and each its own test set."""
    held = 0
    for k in range(1500):
        rng = stream(k, "other images", n, images)
        *true, theirs = rng.normal(0.85, 0.01, n + 1)
        shared = rng.normal(0, sqrt(0.85 * 0.15 / images))  # our test set is one for all our seeds
        found = rng.binomial(images, theirs) / images
        held += against_published(np.array(true) + shared, found, images=(images, images)).consistent
    assert held / 1500 >= 0.95 - 0.016


def test_a_single_further_run_is_predicted_in_95_of_100():
    held = 0
    for k in range(3000):
        x = stream(k, "runs").normal(0.88, 0.003, 6)
        held += against_published(x[:5], x[5]).consistent
    assert held / 3000 == pytest.approx(0.95, abs=0.015)


def test_the_best_of_several_runs_is_compared_with_our_best():
    p = against_published(B, 0.88, runs=5)
    assert p.best_of_runs == exactly(np.mean(B) + np.std(B, ddof=1) * expected_maximum(5))
    low, high = p.prediction
    assert (low + high) / 2 == exactly(p.best_of_runs)
    assert against_published(B, 0.88).best_of_runs == exactly(np.mean(B))


def test_equal_runs():
    assert against_published([0.88] * 3, 0.88).consistent
    assert not against_published([0.88] * 3, 0.89).consistent


@given(st.integers(0, 100), st.integers(1, 100))
def test_wilson_agrees_with_statsmodels(correct, more):
    low, high = statsmodels.proportion_confint(correct, correct + more, method="wilson")
    assert wilson(correct, correct + more) == exactly((low, high))


def test_bad_arguments_are_said():
    for wrong in (
        lambda: against_published([0.88, 0.87], 0.88),
        lambda: against_published(B, 0.88, runs=0),
        lambda: against_published([88.1, 88.2, 87.9], 0.88, images=(100, 100)),
        lambda: against_published(B, 88, images=(100, 100)),
        lambda: against_published(B, 0.88, images=(0, 100)),
        lambda: binomial_se(1.01, 10),
        lambda: wilson(3, 2),
    ):
        with pytest.raises(UsageError):
            wrong()
