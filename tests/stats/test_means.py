import numpy as np
import pytest
from scipy import stats as scipy_stats
from worked_examples import B, points

from assay.errors import UsageError
from assay.stats import expected_maximum, summary
from assay.streams import stream


def test_worked_example():
    s = summary(B)
    assert s.n == 8
    assert s.interval == points((87.79605217721, 88.12394782279), within=1e-9)


def test_five_hundred_arms_agree_with_scipy():
    for k in range(500):
        rng = stream(k, "arms")
        x = rng.normal(88, 1, int(rng.integers(3, 30)))
        s = summary(x, confidence=0.9)
        assert s.interval == pytest.approx(
            scipy_stats.t.interval(0.9, len(x) - 1, x.mean(), scipy_stats.sem(x)), rel=1e-10
        )
        assert s.sd == pytest.approx(np.std(x, ddof=1))


def test_diverged_runs_are_counted_and_not_averaged():
    s = summary([88, np.nan, 90, np.inf, 89])
    assert (s.n, s.diverged, s.mean) == (3, 2, 89)
    assert summary([88, np.nan, 90]).interval is None
    assert (summary([88]).mean, summary([88]).sd) == (88, None)
    nothing = summary([np.nan])
    assert (nothing.n, nothing.diverged) == (0, 1)
    assert np.isnan(nothing.mean)


def test_equal_values_have_an_interval_of_no_width():
    assert summary([0.1, 0.1, 0.1]).interval == (0.1, 0.1)


def test_expected_maximum_agrees_with_tables_and_simulation():
    table = {1: 0, 5: 1.163, 10: 1.539, 20: 1.867, 30: 2.04, 50: 2.249, 100: 2.508}
    for k, value in table.items():
        assert expected_maximum(k) == pytest.approx(value, abs=0.004 if k == 30 else 6e-4)
    assert expected_maximum(2) == pytest.approx(1 / np.sqrt(np.pi), abs=1e-10)
    maxima = stream(0, "maxima").normal(size=(100_000, 7)).max(axis=1)
    assert expected_maximum(7) == pytest.approx(maxima.mean(), abs=0.01)
    with pytest.raises(UsageError):
        expected_maximum(0)
