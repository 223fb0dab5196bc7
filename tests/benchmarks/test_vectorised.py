"""What the simulated studies judge at once is what assay.stats says of each of them."""

from itertools import product

import numpy as np
import pytest
from simulated import advice, failures, families
from simulated.factorial import all_a_little, judge, main_effects, simple_misses
from simulated.spreads import all_pairs, versus
from simulated.vectorised import (
    POINT,
    conjunctions,
    effects,
    holm,
    one_sample,
    outlying_low,
    published_outside,
    relations,
    verdicts,
)

from assay import stats
from assay.stats import (
    Verdict,
    check_relation,
    compare,
    compare_arms,
    conjunction,
    seeds_for_equivalence,
    verdict,
)
from assay.stats.forecast import more_seeds, to_settle, to_tell_a_gain
from assay.stats.shares import MARGIN
from assay.stats.ttest import TTest
from assay.streams import stream

STUDIES = 40


def draw(*index: int | str, n: int, arms: int = 1, spread: float = 0.25) -> np.ndarray:
    """Accuracies as (studies, seeds, arms), the arms differing by up to a point, studies by their spreads."""
    rng = stream(0, "agreement", n, arms, *index)
    means = 0.88 + POINT * rng.uniform(-0.5, 0.5, (STUDIES, 1, arms))
    return means + POINT * spread * rng.uniform(0.1, 2, (STUDIES, 1, 1)) * rng.normal(size=(STUDIES, n, arms))


def found(tests, study: int) -> TTest:
    return TTest(int(np.broadcast_to(tests.n, tests.mean.shape)[study]), tests.mean[study], tests.sd[study])


@pytest.mark.parametrize("n", [3, 5, 10])
def test_two_arms(n):
    values = draw("two", n=n, arms=2)
    tests = one_sample(values[:, :, 0] - values[:, :, 1])
    said, (low, high) = verdicts(tests, MARGIN, 0.05), tests.interval(0.95)
    for k, (a, b) in enumerate(zip(values[:, :, 0], values[:, :, 1], strict=True)):
        c = compare(a, b)
        assert verdict(c).verdict == said[k]
        assert (tests.p()[k], tests.p_equivalent(MARGIN)[k]) == pytest.approx((c.p, c.tost_p), rel=1e-6)
        assert (low[k], high[k]) == pytest.approx(c.interval, abs=1e-12)
    assert len(set(said)) >= 3


@pytest.mark.parametrize("control", ["a", None])
@pytest.mark.parametrize("n", [3, 10])
def test_families(n, control):
    values = draw("family", n=n, arms=4, spread=0.1)
    contrasts = all_pairs(4) if control is None else versus(3)
    tests = families.compared(values, contrasts)
    level = 0.05 / len(contrasts)
    said, (low, high) = verdicts(tests, MARGIN, level), tests.interval(1 - level)
    best, too_high = families.not_distinguishable(values), families.optimism(values)
    for k, study in enumerate(values):
        family = compare_arms(dict(zip("abcd", study.T, strict=True)), control=control)
        assert [pair.judgement.verdict for pair in family.pairs] == list(said[k])
        ends = [pair.interval for pair in family.pairs]
        assert np.array(ends) == pytest.approx(np.stack((low[k], high[k]), axis=1), abs=1e-12)
        assert set(family.not_distinguishable) == {arm for arm, so in zip("abcd", best[k], strict=True) if so}
        assert family.optimism == pytest.approx(too_high[k])
    assert len(set(said.flat)) >= 3
    assert not best.all()


def test_a_false_verdict_is_one_that_the_truth_forbids():
    """Every verdict against every truth; the mean has the sign of what is said, or the other one."""
    truths = np.array([-0.35, -0.3, -0.1, 0, 0.1, 0.3, 0.35]) * POINT
    wrong = {
        (Verdict.BETTER, 1): truths <= 0,
        (Verdict.WORSE, -1): truths >= 0,
        (Verdict.EQUIVALENT, 1): np.abs(truths) >= MARGIN,
        (Verdict.NEGLIGIBLE, 1): (truths <= 0) | (truths >= MARGIN),
        (Verdict.NEGLIGIBLE, -1): (truths >= 0) | (truths <= -MARGIN),
        (Verdict.INCONCLUSIVE, 1): truths > 1,
    }
    for (said, sign), expected in wrong.items():
        errors = families.errors(np.full(7, said.value), np.full(7, 0.001 * sign), truths)
        assert list(errors["difference"] | errors["equivalence"]) == list(expected), said


@pytest.mark.parametrize("m", [1, 3, 6])
def test_holm(m):
    p = stream(0, "agreement", "holm", m).random((STUDIES, m)) ** 3
    for alone, together in zip(p, holm(p), strict=True):
        assert stats.holm(list(alone)) == pytest.approx(list(together))


@pytest.mark.parametrize("sign", [">", "<=", "="])
@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize("of", [1, 3])
def test_relations_and_claims(sign, n, of):
    values = draw("relations", sign, of, n=n, arms=3)
    differences = np.swapaxes(values - 0.88, 1, 2)
    said = relations(one_sample(differences), sign, MARGIN, of)
    claims = conjunctions(said)
    for k, study in enumerate(differences):
        alone = [check_relation(d, sign, margin=MARGIN, relations=of).verdict for d in study]
        assert alone == list(said[k])
        assert conjunction(alone) == claims[k]
    assert len(set(said.flat)) >= 3


@pytest.mark.parametrize("levels", [(2, 2), (3, 3), (3, 3, 3)])
def test_factorial(levels):
    rng = stream(0, "agreement", "factorial", len(levels), levels[0])
    factors = {name: [f"{name}{i}" for i in range(size)] for name, size in zip("ABC", levels, strict=False)}
    means = all_a_little() if len(levels) == 3 else 0.3 * main_effects(levels)
    table = 0.5 + means + rng.normal(0, 0.25 * POINT, (STUDIES, 5, *levels))
    every = effects(levels)
    seen = judge(table, every)
    assert seen.any()
    assert not seen.all()
    for k, study in enumerate(table):
        scalar = factorial_effects(study, factors)
        assert [e.mean for e in scalar.effects] == pytest.approx(every.of(study).mean(axis=0), abs=1e-10)
        assert [not e.interval[0] <= 0 <= e.interval[1] for e in scalar.effects] == list(seen[k])


def test_simple_effects():
    """The truth of each simple effect is what assay finds in the means themselves."""
    levels, factors = (3, 3, 3), {name: [f"{name}{i}" for i in range(3)] for name in "ABC"}
    means, rng = all_a_little(), stream(0, "agreement", "simple")
    table = 0.5 + means + rng.normal(0, 0.25 * POINT, (5 * STUDIES, 4, *levels))
    truth = {e.name: e.mean for e in factorial_effects(0.5 + np.stack([means] * 3), factors).simple}
    every = effects(levels)
    pairs = {of for of in every.factors if len(of) == 2}
    seen = judge(table, every)
    said = {pair: seen[:, [of == pair for of in every.factors]].any(axis=1) for pair in pairs}
    misses = simple_misses(table, means, said)
    for k, study in enumerate(table):
        simple = factorial_effects(study, factors).simple
        assert any(not e.interval[0] <= truth[e.name] <= e.interval[1] for e in simple) == misses[k]
    assert misses.any()


def factorial_effects(study: np.ndarray, factors: dict[str, list[str]]) -> stats.Factorial:
    cells = product(*(range(len(levels)) for levels in factors.values()))
    named = {
        tuple(levels[i] for levels, i in zip(factors.values(), cell, strict=True)): study[:, *cell]
        for cell in cells
    }
    return stats.factorial_effects(named, factors)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_outlying_seeds(n):
    values = draw("outlying", n=n)[:, :, 0]
    values[::2, 1] -= 40 * POINT
    flagged = outlying_low(values)
    for study, flags in zip(values, flagged, strict=True):
        assert stats.outlying_low(study) == tuple(np.flatnonzero(flags))
    assert 0 < flagged.sum() < STUDIES


@pytest.mark.parametrize("images", [15_800, None])
@pytest.mark.parametrize("n", [3, 10])
def test_published_numbers(n, images):
    values = draw("published", n=n, spread=0.5)[:, :, 0]
    theirs = 0.88 + POINT * stream(0, "agreement", "theirs").normal(size=STUDIES)
    outside = published_outside(values, theirs, images)
    for ours, number, said in zip(values, theirs, outside, strict=True):
        both = None if images is None else (images, images)
        assert stats.against_published(ours, number, images=both).consistent != said
    assert 0 < outside.sum() < STUDIES


@pytest.mark.parametrize("n", [3, 10, 20])
def test_advice(n):
    tests = one_sample(draw("advice", n=n)[:, :, 0] - 0.88)
    for ask, alone in (
        (advice.VERDICT, lambda test: to_settle(abs(test.mean), MARGIN, 0.05)),
        (advice.CLAIM, lambda test: to_tell_a_gain(test.mean, MARGIN, 0.05, 0.05)),
    ):
        said = ask.more_seeds(tests)
        for k in range(STUDIES):
            test = found(tests, k)
            more = more_seeds(test, alone(test))
            assert (said.low[k], said.high[k]) == pytest.approx(
                (more.low, more.high), abs=1 if more.high > 350 else 0
            )


@pytest.mark.parametrize("spread", [0.1, 0.7, 1.9, 4.0, 6.6, 9.0, 40.0])
def test_fewest_seeds(spread):
    for alpha in (0.05, 0.1):
        off = 0 if spread < 5 else 1
        to_find = advice.fewest_to_find(np.array([spread]), 1.0, alpha)
        to_show = advice.fewest_to_show(np.array([spread]), 1.0, alpha)
        assert abs(stats.seeds_needed(spread, 1, alpha=alpha) - to_find[0]) <= off
        assert abs(seeds_for_equivalence(spread, 1, alpha=alpha) - to_show[0]) <= off


def test_extended_studies_are_like_those_that_had_the_seeds_from_the_start():
    rng, studies = stream(0, "agreement", "extended"), 40_000
    first = one_sample(rng.normal(MARGIN, advice.SPREAD, (studies, 3)))
    for more in (1, 2, 7):
        whole = advice.extended(rng, first, np.full(studies, more), MARGIN)
        n = 3 + more
        assert (whole.n == n).all()
        assert whole.mean.mean() == pytest.approx(MARGIN, abs=4 * advice.SPREAD / np.sqrt(n * studies))
        assert whole.mean.std() == pytest.approx(advice.SPREAD / np.sqrt(n), rel=0.02)
        assert np.mean(whole.sd**2) == pytest.approx(advice.SPREAD**2, rel=0.02)
        assert np.mean(whole.cover(MARGIN)) == pytest.approx(0.95, abs=0.005)
        # The first seeds are part of it.
        assert np.corrcoef(first.mean, whole.mean)[0, 1] == pytest.approx(np.sqrt(3 / n), abs=0.02)


def test_failures():
    rng, n = stream(0, "agreement", "failures"), 10
    p, intervals = failures.mcnemar_ps(n), failures.win_intervals(n)
    for _ in range(STUDIES):
        a, b = rng.random((2, n)) < rng.random((2, 1))
        assert stats.compare_failures(a, b).p == p[(a & ~b).sum(), (b & ~a).sum()]
        x, y = rng.integers(0, 5, (2, n)).astype(float)
        x[a], y[b] = np.nan, np.nan
        ahead = stats.outperforming(x, y)
        assert ahead.interval == tuple(intervals[ahead.wins, ahead.ties])


@pytest.mark.parametrize("decimals", [None, 0, 1])
def test_how_often_a_beats_b(decimals):
    rng = stream(0, "agreement", "beats")
    a, b = rng.normal([[0.7], [0.0]], 1, (2, 200_000))
    if decimals is not None:
        a, b = np.round(a, decimals), np.round(b, decimals)
    assert failures.beats(0.7, decimals) == pytest.approx(np.mean(a > b) + np.mean(a == b) / 2, abs=0.004)
