"""A published number that was measured on other images of the same kind."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from assay.stats import against_published

IMAGES = (15_800, 15_800)
SHARES = st.lists(st.floats(0.86, 0.9), min_size=3, max_size=10).filter(lambda x: np.ptp(x) > 1e-5)


@given(SHARES, st.floats(0.86, 0.9))
def test_each_part_of_the_variance_keeps_its_own_quantile(values, published):
    n, mean, variance = len(values), np.mean(values), np.var(values, ddof=1) * (1 + 1 / len(values))
    images = 2 * mean * (1 - mean) / 15_800
    student, normal = scipy.stats.t.ppf(0.975, n - 1), scipy.stats.norm.ppf(0.975)
    half = (student * variance + normal * images) / np.sqrt(variance + images)
    half = max(half, student * np.sqrt(variance))
    found = against_published(values, published, images=IMAGES)
    assert found.prediction == pytest.approx((mean - half, mean + half))
    assert found.consistent == (abs(published - mean) <= half)


@given(SHARES, st.floats(0.86, 0.9), st.floats(0.6, 0.999))
def test_p_is_where_the_published_number_leaves_the_prediction(values, published, confidence):
    for images in (None, IMAGES):
        found = against_published(values, published, images=images, confidence=confidence)
        if abs(found.p - (1 - confidence)) > 1e-9:
            assert found.consistent == (found.p > 1 - confidence)
