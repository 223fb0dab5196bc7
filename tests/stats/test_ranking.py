"""The best of several arms, and by how much its mean is expected to be too high."""

import numpy as np
import pytest
from worked_examples import A, B, C

from assay.stats import compare_arms, expected_maximum
from assay.stats.ranking import optimism
from assay.streams import stream

ARMS = {"a": A, "b": B, "c": C}


def test_the_best_of_equal_arms_is_expected_to_stand_too_high():
    k, n, promised, excess = 6, 5, [], []
    for i in range(1500):
        x = stream(i, "equal arms").normal(size=(k, n)) + stream(i, "seeds").normal(size=n)
        promised.append(optimism({str(i): values for i, values in enumerate(x)}))
        excess.append(x.mean(axis=1).max() - x.mean())
    assert np.mean(excess) == pytest.approx(expected_maximum(k) / np.sqrt(n), rel=0.05)
    assert np.mean(promised) == pytest.approx(np.mean(excess), rel=0.05)


def test_optimism_is_over_the_seeds_on_which_no_arm_failed():
    arms = {"a": [*A, np.nan], "b": [*B, 0.9], "c": [*C, 0.9], "never": [np.nan] * 9}
    found = compare_arms(arms)
    assert found.complete == 8
    assert found.optimism == pytest.approx(compare_arms(ARMS).optimism)
