import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st
from simulated.moderated import (
    Prior,
    bounded,
    draw_together,
    fit_prior,
    least_width_coverage,
    plain,
    published,
    robust,
    trigamma_inverse,
)
from simulated.spreads import FAMILIES, versus

SPREADS = st.lists(st.floats(0.01, 100), min_size=3, max_size=12)


def drawn(rng: np.random.Generator, groups: int, df, prior_df: float, variance: float) -> np.ndarray:
    """Sample variances of ``groups`` whose true ones come from the prior."""
    true = variance * prior_df / rng.chisquare(prior_df, groups)
    return true * rng.chisquare(df, groups) / df


def most_likely(variances: np.ndarray, df) -> tuple[float, float]:
    """The prior by maximum likelihood: a sample variance is s0^2 times an F number."""

    def cost(logs: np.ndarray) -> float:
        prior_df, variance = np.exp(logs)
        f = scipy.stats.f.logpdf(variances / variance, df, prior_df)
        return -float(np.sum(f - np.log(variance)))

    found = scipy.optimize.minimize(cost, np.log([5.0, np.median(variances)]), method="Nelder-Mead")
    return tuple(np.exp(found.x))


@given(st.floats(1e-3, 1e3))
def test_trigamma_inverse(y):
    found = trigamma_inverse(scipy.special.polygamma(1, np.array(y)))
    assert found == pytest.approx(y, rel=1e-9)


@pytest.mark.parametrize("prior_df", [2.0, 4.0, 8.0])
def test_the_prior_is_that_of_maximum_likelihood(prior_df):
    """Among many comparisons, also of unequal numbers of seeds."""
    rng = np.random.default_rng(0)
    df = rng.integers(2, 10, 20_000)
    variances = drawn(rng, len(df), df, prior_df, 0.3)
    prior = fit_prior(variances, df)
    likely_df, likely_variance = most_likely(variances, df)
    assert prior.df == pytest.approx(likely_df, rel=0.06)
    assert prior.variance == pytest.approx(likely_variance, rel=0.02)
    assert prior.df == pytest.approx(prior_df, rel=0.06)
    assert prior.variance == pytest.approx(0.3, rel=0.02)


def test_the_prior_by_the_published_formulas():
    """Written out for three comparisons; one lost two seeds."""
    variances, df = np.array([0.02, 0.3, 1.9]), np.array([4, 2, 4])
    digamma, trigamma = scipy.special.digamma, lambda x: scipy.special.polygamma(1, x)
    e = [np.log(s) - digamma(d / 2) + np.log(d / 2) for s, d in zip(variances, df, strict=True)]
    mean = sum(e) / 3
    excess = sum((x - mean) ** 2 for x in e) / 2 - (2 * trigamma(2) + trigamma(1)) / 3
    prior_df = 2 * scipy.optimize.brentq(lambda y: trigamma(y) - excess, 1e-3, 1e3, xtol=1e-14)
    variance = np.exp(mean + digamma(prior_df / 2) - np.log(prior_df / 2))
    prior = fit_prior(variances, df)
    assert prior.df == pytest.approx(prior_df, rel=1e-9)
    assert prior.variance == pytest.approx(variance, rel=1e-9)
    drawn_together = draw_together(variances, df, prior)
    assert drawn_together.variance == pytest.approx(
        (prior_df * variance + df * variances) / (prior_df + df), rel=1e-9
    )
    assert drawn_together.df == pytest.approx(prior_df + df, rel=1e-9)


@given(SPREADS, st.integers(2, 9))
def test_equal_spreads_are_pooled_and_unequal_ones_less(spreads, df):
    alike = fit_prior(np.full(len(spreads), spreads[0]), df)
    assert alike.df == np.inf
    assert alike.variance == pytest.approx(spreads[0])
    unequal = fit_prior(10.0 ** (6 * np.arange(len(spreads))), df)
    assert unequal.df < 0.5


@given(SPREADS, st.floats(1e-3, 1e3))
def test_another_unit_changes_nothing_else(spreads, unit):
    contrasts, variances = versus(len(spreads)), np.array(spreads)
    for method in (plain, published, bounded, robust):
        one, other = method(variances, 4, contrasts), method(unit**2 * variances, 4, contrasts)
        assert np.allclose(unit**2 * one.variance, other.variance, rtol=1e-6)
        assert np.allclose(one.df, other.df, rtol=1e-4)


@pytest.mark.parametrize("zeros", [1, 2, 3])
def test_a_comparison_without_spread(zeros):
    variances = np.array([0.0] * zeros + [0.2] * (3 - zeros))
    for method in (published, bounded, robust):
        found = method(variances, 4, versus(3))
        assert np.isfinite(found.variance).all()
        assert (found.df >= 4).all()


@given(SPREADS)
def test_the_bounded_one_never_counts_for_more_than_half_again(spreads):
    variances = np.array(spreads)
    found = bounded(variances, 4, versus(len(spreads)))
    assert (found.df <= 6).all()
    assert (found.variance >= variances * 4 / 6 * (1 - 1e-12)).all()


def test_what_is_too_wide_for_the_others_keeps_its_own_spread():
    variances = np.array([1.0, 1.1, 0.9, 500.0])
    assert robust(variances, 4, versus(4)).variance[3] == 500.0
    assert robust(variances, 4, versus(4)).df[3] == 4
    assert published(variances, 4, versus(4)).variance[3] < 450


@pytest.mark.parametrize(("of", "worth"), list(zip(FAMILIES, (2, 2.5, 2, 3), strict=True)))
def test_comparisons_that_share_arms_count_for_fewer(of, worth):
    """With k arms of one spread, all pairs have (k - 1) (n - 1) degrees of freedom together."""
    contrasts = FAMILIES[of]
    rng = np.random.default_rng(1)
    variances = (rng.normal(size=(20_000, 5, contrasts.shape[1])) @ contrasts.T).var(axis=1, ddof=1)
    pooled = variances.mean(axis=1)
    assert 2 * pooled.mean() ** 2 / pooled.var() == pytest.approx(worth * 4, rel=0.04)


@given(
    st.sampled_from([3, 5, 10]),
    st.lists(st.floats(0.05, 3), min_size=12, max_size=12),
    st.floats(0.4, 1.0),
)
def test_no_interval_is_narrower_for_nothing(n, factors, scale):
    """Any half width c(s) s, here c a random function, against what `least_width_coverage` allows it."""
    df = n - 1
    s = np.linspace(1e-4, 14, 20_000)
    c = scale * scipy.special.stdtrit(df, 0.975) * np.interp(np.log(s), np.linspace(-3, 3, 12), factors)

    def mean(values: np.ndarray, spread: float) -> float:
        density = scipy.stats.chi.pdf(s / spread * np.sqrt(df), df) * np.sqrt(df) / spread
        return float(np.trapezoid(values * density, s))

    width = mean(c * s, 1.0) / (scipy.special.stdtrit(df, 0.975) * mean(s, 1.0))
    ratio, most = least_width_coverage(n, width)
    covered = mean(2 * scipy.special.ndtr(c * s / ratio) - 1, ratio)
    assert covered <= most + 1e-4 if ratio < 4 else True


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_t_interval_gives_up_no_more_than_that(n):
    ratio, most = least_width_coverage(n, 0.8)
    t = 0.8 * scipy.special.stdtrit(n - 1, 0.975)
    assert most == pytest.approx(2 * scipy.stats.t.cdf(t, n - 1) - 1)
    assert ratio > 1
    assert least_width_coverage(n, 1.0)[1] == pytest.approx(0.95)


def test_a_known_common_spread_is_used_in_full():
    found = draw_together(np.array([0.1, 4.0]), 2, Prior(np.array(np.inf), np.array(1.0)))
    assert (found.variance == 1).all()
    assert found.halfwidth(4) == pytest.approx(1.959964 / 2)
    assert found.p(np.array([0.0, 1.0]), 4) == pytest.approx([1, 0.0455003])
