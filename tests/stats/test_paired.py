import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from later import pingouin, statsmodels
from scipy import stats as scipy_stats
from worked_examples import AVERAGE_POOLING, MAX_POOLING, A, B, C, points, shares

from assay.errors import UsageError
from assay.stats import Note, compare, rope_probabilities
from assay.stats.signflip import sign_flip_p
from assay.streams import stream

close = pytest.approx


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-10)


def same(found, expected):
    return found is expected if expected is None else found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_worked_example_of_a_clear_difference():
    c = compare(A, B)
    assert (c.n, c.df, c.win_rate) == (8, 7, 1.0)
    assert c.mean == points(0.25375)
    assert c.sd == points(0.10350120772)
    assert c.se == points(0.03659320292)
    assert c.t == exactly(6.934347904704)
    assert c.p == exactly(2.24311540705e-4)
    assert c.interval == points((0.16722082493, 0.34027917507))
    assert c.equivalence_interval == points((0.18442130065, 0.32307869935))
    assert c.correlation == exactly(0.85244620896)
    assert c.sign_flip_p == c.smallest_sign_flip_p == 0.0078125
    assert c.d_z == exactly(2.45166221326)
    assert c.hedges_g == exactly(2.17757350645)
    tost = {margin: compare(A, B, margin=margin / 100).tost_p for margin in (0.1, 0.3, 0.5)}
    assert tost == close({0.1: 0.997986, 0.3: 0.123364, 0.5: 1.35028e-4}, rel=1e-5)
    below, within, above = rope_probabilities(compare(A, B, margin=0.001))
    assert (within, above) == exactly((0.00200040591, 0.99798622793))
    assert below + within + above == exactly(1)


def test_worked_example_of_no_difference():
    c = compare(A, C, margin=0.001)
    assert c.mean == points(0.0125)
    assert c.sd == points(0.07245688373)
    assert c.p == exactly(0.64049698754)
    assert c.interval == points((-0.04807547072, 0.07307547072))
    assert c.equivalence_interval == points((-0.03603413422, 0.06103413422))
    assert c.tost_p == close(0.00560072, abs=5e-9)


def test_two_real_networks():
    c = compare(MAX_POOLING, AVERAGE_POOLING)
    assert c.p == close(0.0584, abs=5e-5)
    assert c.interval == points((-0.0075, 0.3394), within=5e-5)
    assert c.tost_p == close(0.0563, abs=5e-5)
    assert c.correlation == close(0.19, abs=5e-3)
    looks = [compare(MAX_POOLING[:n], AVERAGE_POOLING[:n]).p for n in range(3, 10)]
    assert looks == close([0.427, 0.343, 0.153, 0.119, 0.051, 0.031, 0.058], abs=5e-4)


def test_a_hundred_data_sets_agree_with_scipy_statsmodels_and_pingouin():
    for k in range(100):
        rng = stream(k, "against the libraries")
        n = int(rng.integers(3, 30))
        a = rng.normal(0.7, rng.uniform(0.0005, 0.02), n)
        b = a * rng.uniform(0, 1) + rng.normal(0.1, rng.uniform(0.0005, 0.02), n)
        c, reference = compare(a, b), scipy_stats.ttest_rel(a, b)
        assert (c.t, c.p) == close((reference.statistic, reference.pvalue), rel=1e-8)
        assert c.interval == close(tuple(reference.confidence_interval(0.95)), rel=1e-8, abs=1e-12)
        assert c.equivalence_interval == close(tuple(reference.confidence_interval(0.9)), rel=1e-8, abs=1e-12)
        assert c.tost_p == close(statsmodels.ttost_paired(a, b, -0.003, 0.003)[0], rel=1e-8)
        assert c.correlation == close(scipy_stats.pearsonr(a, b).statistic, abs=1e-9)
        table = pingouin.tost(a, b, bound=0.003, paired=True)
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


ACCURACY = st.integers(0, 10_000).map(lambda x: x / 10_000)
accuracies = arrays(float, st.integers(3, 40), elements=ACCURACY)


@st.composite
def pairs(draw):
    a = draw(accuracies)
    return a, draw(arrays(float, len(a), elements=ACCURACY))


@given(pairs(), st.randoms(use_true_random=False))
def test_an_offset_shared_by_a_seed_leaves_the_interval_unchanged(arms, random):
    a, b = arms[0] / 2, arms[1] / 2
    shared = np.array([random.random() / 2 for _ in a])
    c, moved = compare(a, b), compare(a + shared, b + shared)
    assert moved.interval == close(c.interval, abs=1e-10)
    assert moved.sign_flip_p == close(c.sign_flip_p, abs=1e-12)
    assert moved.win_rate == c.win_rate


@given(pairs())
def test_swapping_the_arms_mirrors_everything(arms):
    c, swapped = compare(*arms), compare(*arms[::-1])
    assert swapped.mean == -c.mean
    for name in ("interval", "equivalence_interval"):
        low, high = getattr(c, name)
        assert getattr(swapped, name) == (-high, -low)
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
        nothing = (
            c.sd,
            c.se,
            c.t,
            c.p,
            c.interval,
            c.equivalence_interval,
            c.tost_p,
            c.sign_flip_p,
            c.hedges_g,
        )
        assert nothing == (None,) * 9
        assert c.differences == close(shares([0.26, 0.12][:n]).tolist())
        assert rope_probabilities(c) is None
        assert len(c.notes) == 1
    assert compare([0.88], [0.87]).notes == (Note.ONE_SEED,)
    assert compare(A[:3], B[:3]).interval is not None


def test_equal_differences_have_no_spread_although_floats_differ():
    a, b = [0.8795, 0.9321, 0.1033], [0.8762, 0.9288, 0.1]
    assert len(set(np.subtract(a, b))) > 1  # 0.33 points on paper
    c = compare(a, b)
    assert (c.sd, c.p, c.t, c.tost_p) == (0.0, 0.0, np.inf, 1.0)
    assert c.interval == points((0.33, 0.33))
    assert (c.d_z, c.hedges_g) == (None, None)
    assert Note.NO_SPREAD in c.notes


def test_equal_arms():
    c = compare([0.88] * 4, [0.88] * 4)
    assert (c.mean, c.sd, c.t, c.p, c.tost_p, c.sign_flip_p) == (0, 0, 0, 1, 0, 1)
    assert (c.win_rate, c.error_ratio, c.correlation) == (0.5, 1.0, None)


def test_notes_say_what_to_distrust():
    def noted(note, a, b):
        return note in compare(a, b).notes

    assert noted(Note.SIGN_FLIP_FLOOR, A[:5], B[:5])
    assert not noted(Note.SIGN_FLIP_FLOOR, A[:6], B[:6])
    skewed = shares([0, 0.1, 0, 0.1, 0.05, 0, 0.1, 3])
    assert noted(Note.SKEWED, skewed, [0] * 8)
    assert not noted(Note.SKEWED, skewed[:7], [0] * 7)


@pytest.mark.parametrize(
    ("d", "expected"),
    [
        ([0.1, 0.12, 0.1, 0.11, 0.09, 0.1, 1.5], True),  # signs 0.016, t 0.14
        ([0.26, 0.12, 0.41, 0.18, 0.33, 0.13, 0.33, 0.27], False),  # 0.008 and 0.0003: one decision
        ([0.3, 0.32, 0.29, 0.31, 0.3, 0.33, 0.28, -1.0], False),  # neither decides
        ([0.3, 0.31, 0.29, 0.3, 0.32], False),  # five seeds cannot decide by signs, whatever they show
    ],
)
def test_the_tests_disagree_where_decisions_differ_and_signs_could_decide(d, expected):
    notes = compare(0.5 + shares(d), [0.5] * len(d)).notes
    assert (Note.TESTS_DISAGREE in notes) == expected


@given(pairs(), st.sampled_from([0.8, 0.95, 0.99]))
def test_tests_disagree_as_scipy_and_the_signs_say(arms, confidence):
    c = compare(*arms, confidence=confidence)
    could = 2 / 2**c.n <= c.alpha if c.n <= 32 else True
    differ = (c.p < c.alpha) != (c.sign_flip_p < c.alpha)
    assert (Note.TESTS_DISAGREE in c.notes) == (could and differ and c.sd > 0)


def test_pairing_is_spoken_of_from_ten_seeds():
    def noted(n, sign):
        rising = shares(np.arange(n)) / 10
        b = 0.87 + sign * rising + shares(np.arange(n) % 2) / 100
        return Note.PAIRING in compare(0.88 + rising, b).notes

    assert [noted(n, -1) for n in (4, 9, 10, 20)] == [False, False, True, True]
    assert not noted(20, 1)


def test_the_error_ratio_is_that_of_wrong_answers():
    assert compare([0.90, 0.92, 0.94], [0.80, 0.84, 0.88]).error_ratio == close(0.5)
    assert compare([0.90, 0.92, 0.94], [1, 1, 1]).error_ratio is None


@pytest.mark.parametrize("n", [33, 1100])
def test_many_seeds_are_no_trouble(n):
    """2 ** 1100 is no float."""
    d = stream(0, "many seeds", n).normal(0.0005, 0.003, n)
    c = compare(0.5 + d, np.full(n, 0.5))
    assert c.smallest_sign_flip_p == 1e-5 <= c.sign_flip_p
    assert c.p == close(scipy_stats.ttest_1samp(d, 0).pvalue, rel=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "options", "words"),
    [
        ([1, 1, 1], [1, 1], {}, "found 3 and 2 values"),
        ([1, np.nan], [1, 1], {}, "value 1 is nan"),
        ([[1, 1]], [1, 1], {}, "shape"),
        ([1, 1], [1, 1], {"margin": 0}, "margin is 0"),
        ([1, 1], [1, 1], {"margin": 1}, r"margin is 1, .*\(0.003 is 0.3 points\)"),
        ([1, 1], [1, 1], {"margin": np.nan}, "margin is nan"),
        ([1, 1], [1, 1], {"confidence": 95}, "confidence is 95"),
        ([0.884, 88.4], [0.8, 0.8], {}, r"a: found 88.4, expected accuracies as shares from 0 to 1 \(0.884"),
        ([0.9, 0.9], [0.8, -0.01], {}, "b: found -0.01"),
    ],
)
def test_what_cannot_be_compared_is_said(a, b, options, words):
    with pytest.raises(UsageError, match=words):
        compare(a, b, **options)
