"""Each example's numbers are SplitMix64's, uniform, and its own whatever the batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assay.optim.splitmix import Draws, key_of, splitmix64

MASK = 2**64 - 1
words = st.integers(0, MASK)
indices = st.lists(st.integers(0, 2**40), min_size=1, max_size=20)


def generate(state: int, count: int) -> list[int]:
    """SplitMix64 as the paper writes it, in integers without bounds."""
    found = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        found.append(z ^ (z >> 31))
    return found


def draws(examples, key: int = 5) -> Draws:
    return Draws(key, np.asarray(examples, dtype=np.int64))


def test_published_outputs():
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert splitmix64(np.array(1234567, dtype=np.uint64), 5).tolist() == expected
    assert generate(1234567, 5) == expected


@given(words, st.integers(0, 1000), st.integers(0, 9))
def test_an_example_starts_in_the_key_s_output_of_its_number(key, example, count):
    state = generate(key, example + 1)[-1]
    assert draws([example], key).words(count).tolist() == [generate(state, count)]


@given(words, indices, st.integers(1, 9), st.integers(1, 9))
def test_an_example_s_numbers_do_not_depend_on_the_others_nor_on_how_many_are_drawn(key, examples, few, more):
    together = draws(examples, key)
    for row, example in enumerate(examples):
        alone = draws([example], key)
        np.testing.assert_array_equal(together.words(few)[row], alone.words(few + more)[0, :few])
        np.testing.assert_array_equal(together.uniform(few)[row], alone.uniform(few + more)[0, :few])
        np.testing.assert_array_equal(together.integers(7, few)[row], alone.integers(7, few + more)[0, :few])


def test_names_and_examples_share_no_numbers():
    names = [
        (seed, kind, epoch) for seed in range(10) for kind in ("shift", "elastic") for epoch in range(10)
    ]
    keys = [key_of(seed, "augment", kind, epoch) for seed, kind, epoch in names]
    found = np.concatenate([draws(np.arange(500), key).words(2).ravel() for key in keys])
    assert len(np.unique(found)) == len(names) * 500 * 2


@pytest.mark.parametrize("largest", [0, 1, 2, 6])
def test_integers_are_all_as_likely(largest):
    found = draws(np.arange(20_000)).integers(largest, 2)
    assert np.abs(found).max() == largest
    counts = np.unique(found, return_counts=True)[1]
    assert len(counts) == 2 * largest + 1
    assert largest == 0 or stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("examples", [np.arange(2000), 1 << np.arange(40), 47 * np.arange(2000)])
def test_uniform_numbers_are_uniform_and_independent(examples):
    found = draws(examples).uniform(51)
    assert found.dtype == np.float32
    assert found.shape == (len(examples), 51)
    assert stats.kstest(found.ravel(), stats.uniform(-1, 2).cdf).pvalue > 0.001
    for table in (found, found.T):  # neither an example's numbers among themselves, nor examples
        several = table[:, : min(40, len(table) // 2)].astype(np.float64)
        correlation = np.corrcoef(several, rowvar=False)[np.triu_indices(several.shape[1], 1)]
        fisher = np.arctanh(correlation) * np.sqrt(len(several) - 3)
        assert np.abs(fisher).max() < 5
        assert abs(fisher.mean()) < 5 / np.sqrt(len(fisher))
