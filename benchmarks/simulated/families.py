"""Several arms: everything that is said of a study's comparisons holds at once."""

import numpy as np

from assay.stats import expected_maximum
from assay.stats.shares import MARGIN
from simulated.spreads import all_pairs, versus
from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import (
    ALPHA,
    POINT,
    TTests,
    decided,
    holm,
    one_sample,
    says_different,
    says_equivalent,
    verdicts,
)

TINY = 1e-12
"""True differences are sums of decimal fractions: 0.3 points have to be the margin all the same."""


def drawn(
    rng: np.random.Generator, studies: int, n: int, means: np.ndarray, spreads: np.ndarray
) -> np.ndarray:
    """Draw the values of arms as (studies, seeds, arms)."""
    return rng.normal(means, spreads, (studies, n, len(means)))


def compared(values: np.ndarray, contrasts: np.ndarray) -> TTests:
    """Return the t tests of the comparisons, (studies, comparisons)."""
    return one_sample(np.swapaxes(values @ contrasts.T, 1, 2))


def errors(found: np.ndarray, mean: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Say which verdicts claim a difference that is not there, or an equivalence that is not."""
    equal, apart = np.abs(truth) < TINY, np.abs(truth) > MARGIN - TINY
    return {
        "difference": says_different(found) & (equal | (np.sign(mean) != np.sign(truth))),
        "equivalence": says_equivalent(found) & apart,
    }


def equal_arms(contrasts: np.ndarray, n: int, control: float = 0.25) -> Simulation:
    """Judge arms that are all equal; ``control`` is the spread of the first, in points."""
    arms = contrasts.shape[1]
    spreads = np.array([control] + [0.25] * (arms - 1)) * POINT
    level = ALPHA / len(contrasts)

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        tests = compared(drawn(rng, studies, n, np.zeros(arms), spreads), contrasts)
        return {
            "any false difference": says_different(verdicts(tests, MARGIN, level)).any(axis=1),
            "all intervals cover": tests.cover(0, 1 - level).all(axis=1),
            "any, each at 5% by itself": tests.differs(ALPHA).any(axis=1),
        }

    return simulate


def unlike_arms(contrasts: np.ndarray, n: int, points: tuple[float, ...], spreads: np.ndarray) -> Simulation:
    """Judge arms whose true means lie so many ``points`` above the first one's, and count false verdicts."""
    means = np.array(points) * POINT
    truth, level = contrasts @ means, ALPHA / len(contrasts)

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        tests = compared(drawn(rng, studies, n, means, spreads * POINT), contrasts)
        found = verdicts(tests, MARGIN, level)
        wrong = errors(found, tests.mean, truth)
        by_holm = errors(_by_holm(tests), tests.mean, truth)
        return {
            "any false verdict": (wrong["difference"] | wrong["equivalence"]).any(axis=1),
            "any false difference": wrong["difference"].any(axis=1),
            "any false equivalence": wrong["equivalence"].any(axis=1),
            "inconclusive": (found == "inconclusive").mean(axis=1),
            "any false verdict, by Holm": (by_holm["difference"] | by_holm["equivalence"]).any(axis=1),
        }

    return simulate


def _by_holm(tests: TTests) -> np.ndarray:
    """Return what Holm's correction would say, of differences and of equivalences each by itself."""
    different, within = holm(tests.p()) < ALPHA, holm(tests.p_equivalent(MARGIN)) < ALPHA
    return decided(different, within, tests.mean)


def best(n: int, points: tuple[float, ...]) -> Simulation:
    """Ask whether the first arm, which no other surpasses, is among those not told from the best."""
    means = np.array(points) * POINT

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        values = drawn(rng, studies, n, means, np.full(len(means), 0.25 * POINT))
        observed = values.mean(axis=1)
        return {
            "the best arm left out": ~not_distinguishable(values)[:, 0],
            "the highest mean is too high by (points)": (
                observed.max(axis=1) - means[observed.argmax(axis=1)]
            )
            / POINT,
            "said to be, were all equal (points)": optimism(values) / POINT,
        }

    return simulate


def not_distinguishable(values: np.ndarray) -> np.ndarray:
    """Return which arms no comparison of all pairs tells from the one with the highest mean."""
    contrasts = all_pairs(values.shape[2])
    told = compared(values, contrasts).differs(ALPHA / len(contrasts))
    highest, involves = values.mean(axis=1).argmax(axis=1), contrasts != 0
    apart: np.ndarray = (told & involves[:, highest].T) @ involves
    apart[np.arange(len(apart)), highest] = False
    return ~apart


def optimism(values: np.ndarray) -> np.ndarray:
    """Return by how much the best of equal arms is expected to stand too high."""
    _, n, k = values.shape
    residual = values - values.mean(axis=1, keepdims=True)
    residual = residual - residual.mean(axis=2, keepdims=True)
    variance = np.sum(residual**2, axis=(1, 2)) / ((k - 1) * (n - 1))
    return np.asarray(np.sqrt(variance / n) * expected_maximum(k))


FAMILIES = {
    "3 against a control": versus(3),
    "5 against a control": versus(5),
    "all pairs of 4": all_pairs(4),
}

MIXED = {
    "3 against a control: 2 equal, 1 at the margin": (versus(3), (0, 0, 0, 0.3)),
    "3 against a control: 1 equal, 2 at the margin": (versus(3), (0, 0, 0.3, -0.3)),
    "3 against a control: 1 equal, 2 beyond": (versus(3), (0, 0, 0.35, -0.35)),
    "3 against a control: all at the margin": (versus(3), (0, 0.3, 0.3, -0.3)),
    "5 against a control: 2 equal, 2 at the margin, 1 beyond": (versus(5), (0, 0, 0, 0.3, -0.3, 0.35)),
    "all pairs of 4: 2 equal, 2 at the margin": (all_pairs(4), (0, 0, 0.3, 0.3)),
}

SPREADS = {
    "spreads 0.25": lambda k: np.full(k, 0.25),
    "spreads 0.02": lambda k: np.full(k, 0.02),
    "spreads 0.05, 0.1, 0.2 in turn": lambda k: 0.05 * 2.0 ** (np.arange(k) % 3),
}

TOPICS = (
    Topic(
        "Equal arms",
        "Each comparison of a family of m is tested at 5% / m, and its interval is that at 1 - 5% / m. Arms "
        "spread by 0.25 points.",
        {
            f"{n} seeds, {name}": equal_arms(contrasts, n)
            for n in (3, 5, 10)
            for name, contrasts in FAMILIES.items()
        }
        | {f"{n} seeds, 3 against a control of no spread": equal_arms(versus(3), n, 0.0) for n in (3, 5, 10)},
        {
            "any false difference": Promise(0.05, side="<="),
            "all intervals cover": Promise(0.95, side=">="),
        },
    ),
    Topic(
        "Arms of which some are equal and some are not",
        "A verdict is false if it says different, or different in the wrong direction, of equal arms, or "
        "equivalent of arms that lie 0.3 points, the margin, or more apart. Beyond: by 0.35 points. Narrow "
        "spreads let every comparison err as often as it may. Not promised: Holm's correction of differences "
        "and of equivalences, each by itself.",
        {
            f"{n} seeds, {what}, {how}": unlike_arms(contrasts, n, points, spreads(len(points)))
            for n in (3, 5, 10)
            for what, (contrasts, points) in MIXED.items()
            for how, spreads in SPREADS.items()
        },
        {"any false verdict": Promise(0.05, side="<=")},
    ),
    Topic(
        "The best arm",
        "Of 4 or 8 arms, which spread by 0.25 points, the report names those that it cannot tell from the "
        "highest mean, and says by how much the highest of equal arms would stand too high.",
        {
            f"{n} seeds, {what}": best(n, points)
            for n in (3, 5, 10)
            for what, points in {
                "4 equal": (0.0,) * 4,
                "8 equal": (0.0,) * 8,
                "4, the best by 0.1 points": (0.1, 0, 0, 0),
                "8, the best by 0.1 points": (0.1, *(0.0,) * 7),
            }.items()
        },
        {"the best arm left out": Promise(0.05, side="<=")},
    ),
)
