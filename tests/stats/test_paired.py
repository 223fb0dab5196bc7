import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats as scipy_stats
from worked_examples import AVERAGE_POOLING, MAX_POOLING, A, B, C

from assay.errors import UsageError
from assay.stats import compare, rope_probabilities
from assay.stats.signflip import sign_flip_p
from assay.streams import stream

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pandas and seaborn deprecations at import
    import pingouin
    from statsmodels.stats.weightstats import ttost_paired

close = pytest.approx


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-10)


def same(found, expected):
    return found is expected if expected is None else found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_worked_example_of_a_clear_difference():
    c = compare(A, B)
    assert (c.n, c.df, c.win_rate) == (8, 7, 1.0)
    assert c.mean == exactly(0.25375)
    assert c.sd == exactly(0.10350120772)
    assert c.se == exactly(0.03659320292)
    assert c.t == exactly(6.934347904704)
    assert c.p == exactly(2.24311540705e-4)
    assert c.interval == exactly((0.16722082493, 0.34027917507))
    assert c.interval90 == exactly((0.18442130065, 0.32307869935))
    assert c.correlation == exactly(0.85244620896)
    assert c.sign_flip_p == c.smallest_sign_flip_p == 0.0078125
    assert c.d_z == exactly(2.45166221326)
    assert c.hedges_g == exactly(2.17757350645)
    tost = {margin: compare(A, B, margin=margin).tost_p for margin in (0.1, 0.3, 0.5)}
    assert tost == close({0.1: 0.997986, 0.3: 0.123364, 0.5: 1.35028e-4}, rel=1e-5)
    below, within, above = rope_probabilities(compare(A, B, margin=0.1))
    assert (within, above) == exactly((0.00200040591, 0.99798622793))
    assert below + within + above == exactly(1)


def test_worked_example_of_no_difference():
    c = compare(A, C, margin=0.1)
    assert c.mean == exactly(0.0125)
    assert c.sd == exactly(0.07245688373)
    assert c.p == exactly(0.64049698754)
    assert c.interval == exactly((-0.04807547072, 0.07307547072))
    assert c.interval90 == exactly((-0.03603413422, 0.06103413422))
    assert c.tost_p == close(0.00560072, abs=5e-9)


def test_two_real_networks():
    c = compare(MAX_POOLING, AVERAGE_POOLING)
    assert c.p == close(0.0584, abs=5e-5)
    assert c.interval == close((-0.0075, 0.3394), abs=5e-5)
    assert c.tost_p == close(0.0563, abs=5e-5)
    assert c.correlation == close(0.19, abs=5e-3)
    looks = [compare(MAX_POOLING[:n], AVERAGE_POOLING[:n]).p for n in range(3, 10)]
    assert looks == close([0.427, 0.343, 0.153, 0.119, 0.051, 0.031, 0.058], abs=5e-4)


def test_five_hundred_data_sets_agree_with_scipy_statsmodels_and_pingouin():
    for k in range(500):
        rng = stream(k, "against the libraries")
        n = int(rng.integers(3, 30))
        a = rng.normal(88, rng.uniform(0.05, 2), n)
        b = a * rng.uniform(0, 1) + rng.normal(9, rng.uniform(0.05, 2), n)
        c, reference = compare(a, b), scipy_stats.ttest_rel(a, b)
        assert (c.t, c.p) == close((reference.statistic, reference.pvalue), rel=1e-8)
        assert c.interval == close(tuple(reference.confidence_interval(0.95)), rel=1e-8, abs=1e-10)
        assert c.tost_p == close(ttost_paired(a, b, -0.3, 0.3)[0], rel=1e-8)
        assert c.correlation == close(scipy_stats.pearsonr(a, b).statistic, abs=1e-9)
        table = pingouin.tost(a, b, bound=0.3, paired=True)
        assert c.tost_p == close(float(table["pval"].iloc[0]), rel=1e-8)
        effect = pingouin.compute_effsize(a - b, y=np.zeros(n), paired=False, eftype="cohen")
        # Against zeros pingouin pools the spread over both groups: d_z / sqrt(2).
        assert c.d_z == close(effect / np.sqrt(2), rel=1e-8)


@pytest.mark.parametrize("n", [3, 4, 7, 10])
def test_sign_flips_agree_with_scipy(n):
    for k in range(8):
        d = np.round(stream(k, "flips", n).normal(0.1, 0.3, n), 1)  # with ties and zeros
        reference = scipy_stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
        )
        assert sign_flip_p(d) == close(reference.pvalue, abs=1e-12)


def test_sampled_sign_flips_agree_with_the_exact_ones():
    d = stream(0, "many flips").normal(0.35, 1, 33)
    exact = sign_flip_p(d[:32])
    # A 33rd difference next to nothing leaves the exact answer, but has to be sampled.
    sampled = sign_flip_p(np.append(d[:32], 1e-9))
    assert 0.005 < exact < 0.5
    assert sampled == close(exact, abs=5 * np.sqrt(exact / 99_999))


accuracies = arrays(float, st.integers(3, 40), elements=st.integers(0, 10_000).map(lambda x: x / 100))


@st.composite
def pairs(draw):
    a = draw(accuracies)
    return a, draw(arrays(float, len(a), elements=st.integers(0, 10_000).map(lambda x: x / 100)))


@given(pairs(), st.integers(-9_000, 9_000).map(lambda x: x / 100), st.randoms(use_true_random=False))
def test_an_offset_shared_by_a_seed_leaves_the_interval_unchanged(arms, offset, random):
    a, b = arms
    shared = np.array([offset * random.random() for _ in a])
    c, moved = compare(a, b), compare(a + shared, b + shared)
    assert moved.interval == close(c.interval, abs=1e-8)
    assert moved.sign_flip_p == close(c.sign_flip_p, abs=1e-12)
    assert moved.win_rate == c.win_rate


@given(pairs())
def test_swapping_the_arms_mirrors_everything(arms):
    c, swapped = compare(*arms), compare(*arms[::-1])
    assert swapped.mean == -c.mean
    assert swapped.interval == (-c.interval[1], -c.interval[0])
    assert swapped.win_rate == close(1 - c.win_rate)
    for name in ("sd", "p", "tost_p", "sign_flip_p", "correlation"):
        assert same(getattr(swapped, name), getattr(c, name)), name
    if c.error_ratio:
        assert swapped.error_ratio == close(1 / c.error_ratio)


@given(pairs(), st.randoms(use_true_random=False))
def test_the_order_of_seeds_changes_nothing(arms, random):
    order = list(range(len(arms[0])))
    random.shuffle(order)
    c, shuffled = compare(*arms), compare(arms[0][order], arms[1][order])
    for name in ("mean", "sd", "p", "tost_p", "sign_flip_p", "win_rate", "interval", "correlation"):
        assert same(getattr(shuffled, name), getattr(c, name)), name


def test_few_seeds_have_no_interval():
    for n in (0, 1, 2):
        c = compare(A[:n], B[:n])
        nothing = (c.sd, c.se, c.t, c.p, c.interval, c.interval90, c.tost_p, c.sign_flip_p, c.hedges_g)
        assert nothing == (None,) * 9
        assert c.differences == close([0.26, 0.12][:n])
        assert rope_probabilities(c) is None
        assert len(c.notes) == 1
    assert "not two methods" in compare([88], [87]).notes[0]
    assert compare(A[:3], B[:3]).interval is not None


def test_equal_differences_have_no_spread_although_floats_differ():
    a, b = [87.95, 88.11, 88.40], [87.62, 87.78, 88.07]
    assert len(set(np.subtract(a, b))) > 1  # 0.33 on paper
    c = compare(a, b)
    assert (c.sd, c.p, c.t, c.tost_p) == (0.0, 0.0, np.inf, 1.0)
    assert c.interval == close((0.33, 0.33))
    assert (c.d_z, c.hedges_g) == (None, None)
    assert any("all differences are equal" in note for note in c.notes)


def test_equal_arms():
    c = compare([88.0] * 4, [88.0] * 4)
    assert (c.mean, c.sd, c.t, c.p, c.tost_p, c.sign_flip_p) == (0, 0, 0, 1, 0, 1)
    assert (c.win_rate, c.error_ratio, c.correlation) == (0.5, 1.0, None)


def test_notes_say_what_to_distrust():
    def noted(words, a, b):
        return any(words in note for note in compare(a, b).notes)

    assert noted("sign-flip p cannot fall below 0.0625", A[:5], B[:5])
    assert not noted("cannot fall below", A[:6], B[:6])
    assert noted("tests disagree", A, B)
    assert noted("pairing bought nothing", A[:4], B[:4][::-1])
    assert not noted("pairing bought nothing", A, B)
    skewed = [0, 0.1, 0, 0.1, 0.05, 0, 0.1, 3]
    assert noted("skewed", skewed, [0] * 8)
    assert not noted("skewed", skewed[:7], [0] * 7)


def test_the_error_ratio_needs_percentages():
    assert compare([90, 92, 94], [80, 84, 88]).error_ratio == close(0.5)
    assert compare([90, 92, 94], [100, 100, 100]).error_ratio is None
    assert compare([190, 92, 94], [80, 84, 88]).error_ratio is None


@pytest.mark.parametrize(
    ("a", "b", "options", "words"),
    [
        ([1, 2, 3], [1, 2], {}, "found 3 and 2 values"),
        ([1, np.nan], [1, 2], {}, "value 1 is nan"),
        ([[1, 2]], [1, 2], {}, "shape"),
        ([1, 2], [1, 2], {"margin": 0}, "margin is 0"),
        ([1, 2], [1, 2], {"confidence": 95}, "confidence is 95"),
    ],
)
def test_what_cannot_be_compared_is_said(a, b, options, words):
    with pytest.raises(UsageError, match=words):
        compare(a, b, **options)
