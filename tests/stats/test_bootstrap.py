import numpy as np
import pytest
from worked_examples import A, B, points

from assay.errors import UsageError
from assay.stats import bca_interval
from assay.streams import stream


def test_worked_example():
    d = np.subtract(A, B)
    found = bca_interval(d, fewest=8, generator=np.random.default_rng(0))
    assert found == points((0.1875, 0.31875), within=0.01)


def test_it_repeats_itself_and_covers_about_as_nominal_with_many_seeds():
    assert bca_interval(np.arange(30)) == bca_interval(np.arange(30))
    held = 0
    for k in range(200):
        low, high = bca_interval(stream(k, "many seeds").exponential(1, 50), resamples=499)
        held += low <= 1 <= high
    assert held / 200 == pytest.approx(0.939, abs=0.05)


def test_equal_differences():
    assert bca_interval([0.3] * 20) == (0.3, 0.3)


def test_few_seeds_are_refused():
    with pytest.raises(UsageError, match="at least 20"):
        bca_interval(range(19))
