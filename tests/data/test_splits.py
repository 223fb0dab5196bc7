"""A stratified split is exact, fair to each class, and a function of its seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assay.data.splits import shares, stratified

labels_and_count = arrays(np.int64, st.integers(1, 300), elements=st.integers(0, 12)).flatmap(
    lambda labels: st.tuples(st.just(labels), st.integers(0, len(labels)))
)


@given(labels_and_count, st.integers(0, 2**40))
def test_the_parts_are_disjoint_complete_and_within_one_of_each_share(case, seed):
    labels, count = case
    taken, rest = stratified(labels, count, seed, "valid")
    assert len(taken) == count
    np.testing.assert_array_equal(np.sort(np.concatenate([taken, rest])), np.arange(len(labels)))
    sizes = np.bincount(labels)
    found = np.bincount(labels[taken], minlength=len(sizes))
    assert (np.abs(found - sizes * count / len(labels)) < 1).all()


@given(labels_and_count, st.integers(0, 2**40))
def test_the_same_seed_divides_alike(case, seed):
    first, again = (stratified(*case, seed, "valid")[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_seeds_and_purposes_divide_differently():
    labels = np.arange(2000) % 10
    parts = [stratified(labels, 500, seed, purpose)[0] for seed in (0, 1) for purpose in ("valid", "train")]
    shared = [len(np.intersect1d(a, b)) for i, a in enumerate(parts) for b in parts[:i]]
    assert max(shared) < 200  # 125 are expected of independent halves


def test_every_example_of_a_class_is_as_likely_to_be_taken():
    labels = np.repeat([0, 1], 20)
    times = sum(np.bincount(stratified(labels, 20, seed, "valid")[0], minlength=40) for seed in range(400))
    assert (np.abs(times - 200) < 5 * 10).all()  # a binomial of 400 throws, five standard deviations


@pytest.mark.parametrize(
    ("sizes", "count", "expected"), [([1, 1, 1], 2, [1, 1, 0]), ([5, 3, 2], 5, [3, 1, 1])]
)
def test_shares_by_largest_remainder(sizes, count, expected):
    assert shares(np.array(sizes), count).tolist() == expected
