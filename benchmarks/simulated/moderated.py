"""The moderated t (Smyth 2004): each comparison's variance drawn towards those of the study's others.

It would make more of few seeds, were it not that the comparison with the widest spread pays for it: see
`least_width_coverage`, and ``spreads`` for what simulations say. So no verdict rests on it.

The true variances of a study's comparisons are taken for draws of s0^2 d0 / chi^2(d0). Given that prior, a
sample variance s^2 of d degrees of freedom becomes (d0 s0^2 + d s^2) / (d0 + d), with d0 + d degrees of
freedom. Arrays have the comparisons of one study on their last axis, and any studies before it.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy

SMALLEST_VARIANCE = 1e-5
"""A sample variance of 0 counts as this part of the study's median: its logarithm has to be finite."""


@dataclass(frozen=True)
class Prior:
    """What the comparisons of each study have in common, a number a study; equal spreads: ``df`` is inf."""

    df: np.ndarray
    variance: np.ndarray

    def at_most(self, df: np.ndarray | float) -> "Prior":
        """Return the prior with no more than ``df`` degrees of freedom."""
        return Prior(np.minimum(self.df, df), self.variance)


@dataclass(frozen=True)
class Spread:
    """The variances by which the means of a study are judged, and their degrees of freedom."""

    variance: np.ndarray
    df: np.ndarray

    def halfwidth(self, n: np.ndarray | int, confidence: float = 0.95) -> np.ndarray:
        """Return half the width of the interval of a mean over ``n`` seeds."""
        quantile: np.ndarray = scipy.special.stdtrit(self.df, (1 + confidence) / 2)
        return quantile * np.sqrt(self.variance / n)

    def p(self, mean: np.ndarray, n: np.ndarray | int) -> np.ndarray:
        """Return the two-sided p of "the true mean is 0"."""
        t = np.abs(mean) / np.sqrt(self.variance / n)
        p: np.ndarray = 2 * scipy.special.stdtr(self.df, -t)
        return p


def fit_prior(variances: np.ndarray, df: np.ndarray | int, dependence: float = 0.0) -> Prior:
    """Estimate the prior from the moments of the log variances (Smyth 2004, section 6.2).

    ``dependence`` is the mean correlation of two of the variances, by which they look more alike than the
    true ones are; the published method takes them as independent.
    """
    variances, df = _regular(variances), np.broadcast_to(df, variances.shape)
    logs = np.log(variances) - scipy.special.digamma(df / 2) + np.log(df / 2)
    centre, m = logs.mean(axis=-1), logs.shape[-1]
    chance = (1 - dependence) * scipy.special.polygamma(1, df / 2).mean(axis=-1)
    beyond_chance = np.sum((logs - centre[..., None]) ** 2, axis=-1) / (m - 1) - chance
    unequal = beyond_chance > 0
    prior_df = 2 * trigamma_inverse(np.where(unequal, beyond_chance, 1.0))
    variance = np.exp(centre + scipy.special.digamma(prior_df / 2) - np.log(prior_df / 2))
    return Prior(np.where(unequal, prior_df, np.inf), np.where(unequal, variance, variances.mean(axis=-1)))


def trigamma_inverse(x: np.ndarray) -> np.ndarray:
    """Return y with trigamma(y) = x > 0, by Newton's steps on 1 / trigamma (Smyth 2004, appendix)."""
    y = 0.5 + 1 / x
    for _ in range(50):
        value = scipy.special.polygamma(1, y)
        step = value * (1 - value / x) / scipy.special.polygamma(2, y)
        y = y + step
        if np.all(-step < 1e-12 * y):
            break
    return np.asarray(y)


def draw_together(variances: np.ndarray, df: np.ndarray | int, prior: Prior) -> Spread:
    """Return the variances under ``prior``."""
    d0, s0 = prior.df[..., None], prior.variance[..., None]
    weight = np.where(np.isinf(d0), 1.0, d0 / (np.where(np.isinf(d0), 1.0, d0) + df))
    return Spread(weight * s0 + (1 - weight) * variances, d0 + np.broadcast_to(df, variances.shape))


def plain(variances: np.ndarray, df: int, _: np.ndarray) -> Spread:
    """Return each comparison's own variance: the t test."""
    return Spread(variances, np.broadcast_to(float(df), variances.shape))


def published(variances: np.ndarray, df: int, _: np.ndarray) -> Spread:
    """Return the moderated variances as limma has them: no more degrees of freedom than all have together."""
    moderated = draw_together(variances, df, fit_prior(variances, df))
    return Spread(moderated.variance, np.minimum(moderated.df, variances.shape[-1] * df))


def bounded(variances: np.ndarray, df: int, contrasts: np.ndarray) -> Spread:
    """Return variances drawn together with caution.

    Comparisons that share arms (``contrasts``: comparisons x arms, of 1 and -1) count for as many as they
    are worth, and the others never weigh more than half of what a comparison's own seeds do.
    """
    alike = (contrasts @ contrasts.T / 2.0) ** 2
    m = len(alike)
    worth = m * m / alike.sum()
    prior = fit_prior(variances, df, (alike.sum() - m) / (m * (m - 1)))
    return draw_together(variances, df, prior.at_most(min(0.5, worth - 1) * df))


def robust(variances: np.ndarray, df: int, _: np.ndarray) -> Spread:
    """Return variances drawn towards a prior that the others alone make, save those too wide for it.

    After Phipson et al. (2016): what lies in the upper quarter of what the others predict keeps its own t.
    """
    m = variances.shape[-1]
    judged = [_robust_one(variances[..., j], np.delete(variances, j, axis=-1), df) for j in range(m)]
    return Spread(np.stack([s.variance for s in judged], axis=-1), np.stack([s.df for s in judged], axis=-1))


def _robust_one(variance: np.ndarray, others: np.ndarray, df: int) -> Spread:
    """Return one comparison of `robust`."""
    prior = fit_prior(others, df).at_most(others.shape[-1] * df)
    odd: np.ndarray = scipy.special.fdtrc(df, prior.df, variance / prior.variance) < 0.25
    drawn = draw_together(variance[..., None], df, prior.at_most(df / 2))
    return Spread(np.where(odd, variance, drawn.variance[..., 0]), np.where(odd, df, drawn.df[..., 0]))


def least_width_coverage(n: int, width: float) -> tuple[float, float]:
    """Return what a narrower interval of ``n`` seeds must give up: a ratio of spreads and its coverage there.

    Let an interval be the mean +- any function of the comparison's own spread and of those of the others,
    which share no arm with it and all have the true spread 1, known or not. If its expected width is
    ``width`` times that of the t interval where the comparison's true spread is 1 too, then it covers at most
    as returned where that is ``ratio``. No prior, bound or pretest gets round it: the t interval of lower
    confidence is the best.

    For with t that lower quantile, d = n - 1, ratio^2 = 1 + t^2 / d and k = sqrt(pi / 2) ratio^(d + 1), the
    halfwidth c(s) s that makes (expected halfwidth at 1) - k (coverage at ratio) least is t s: the
    derivative by c at each s is s p(s; 1) - 2 k p(s; ratio) phi(c s / ratio) s / ratio, p the density of s,
    which increases with c and is 0 at c = t.
    """
    df = n - 1
    t = width * float(scipy.special.stdtrit(df, 0.975))
    return sqrt(1 + t * t / df), 1 - 2 * float(scipy.special.stdtr(df, -t))


def _regular(variances: np.ndarray) -> np.ndarray:
    """Return the variances, those of nil or next to it replaced."""
    middle = np.median(variances, axis=-1, keepdims=True)
    regular: np.ndarray = np.maximum(variances, SMALLEST_VARIANCE * np.where(middle > 0, middle, 1.0))
    return regular
