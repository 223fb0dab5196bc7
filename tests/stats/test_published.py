import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint
from worked_examples import B

from assay.errors import UsageError
from assay.stats import against_published, binomial_se, expected_maximum, wilson
from assay.streams import stream


def exactly(value):
    return pytest.approx(value, abs=1e-9)


def test_worked_example():
    p = against_published(B, 88.0)
    assert p.interval == exactly((87.79605217721, 88.12394782279))
    assert p.prediction == exactly((87.46815653162, 88.45184346838))
    assert (p.t, p.p) == exactly((0.19230705731, 0.85296170559))
    assert p.consistent
    assert binomial_se(88, 15_800) == exactly(0.25852551719)
    assert wilson(13_904, 15_800) == exactly((87.48403998554, 88.49748660272))
    low, high = against_published(B, 88.0, other_images=(15_800, 15_800)).prediction
    # Worked out with 1.959964 for the normal quantile.
    assert (high - low) / 2 == pytest.approx(0.82443264557, rel=2e-8)


def test_a_single_further_run_is_predicted_in_95_of_100():
    held = 0
    for k in range(3000):
        x = stream(k, "runs").normal(88, 0.3, 6)
        held += against_published(x[:5], x[5]).consistent
    assert held / 3000 == pytest.approx(0.95, abs=0.015)


def test_the_best_of_several_runs_is_compared_with_our_best():
    p = against_published(B, 88.0, runs=5)
    assert p.best_of_runs == exactly(np.mean(B) + np.std(B, ddof=1) * expected_maximum(5))
    low, high = p.prediction
    assert (low + high) / 2 == exactly(p.best_of_runs)
    assert against_published(B, 88.0).best_of_runs == exactly(np.mean(B))


def test_equal_runs():
    assert against_published([88, 88, 88], 88).consistent
    assert not against_published([88, 88, 88], 89).consistent


@given(st.integers(0, 100), st.integers(1, 100))
def test_wilson_agrees_with_statsmodels(correct, more):
    low, high = proportion_confint(correct, correct + more, method="wilson")
    assert wilson(correct, correct + more) == exactly((100 * low, 100 * high))


def test_bad_arguments_are_said():
    for wrong in (
        lambda: against_published([88, 87], 88),
        lambda: against_published(B, 88, runs=0),
        lambda: binomial_se(101, 10),
        lambda: wilson(3, 2),
    ):
        with pytest.raises(UsageError):
            wrong()
