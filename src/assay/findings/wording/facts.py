"""The numbers behind a verdict, each with its name and what it means."""

from dataclasses import dataclass

from assay.findings.effects import Effect
from assay.findings.numbers import (
    NOTHING,
    confidence,
    fixed,
    further,
    interval_name,
    margin,
    p_equals,
    plural,
    points,
    points_interval,
    whole_percent,
)
from assay.findings.wording.comparison_words import factor, failure_rate
from assay.stats import Interval, Verdict

PAIRED = "pairs: the same seed gives both arms the same data in the same order"
PAIRED_BY_NUMBER = "pairs: the runs of both arms that were given the same seed"


@dataclass(frozen=True)
class Fact:
    """A number as it is written, its name, and a gloss for newcomers."""

    name: str
    value: str
    gloss: str


def facts(effect: Effect, *, imported: bool = False) -> list[Fact]:
    """Return the numbers behind a comparison's verdict; ``imported`` of runs that were trained elsewhere."""
    c, pair = effect.pair.comparison, effect.pair
    return [
        Fact(
            "Mean difference",
            f"{points(c.mean)} points" if c.n else NOTHING,
            f"test accuracy of {effect.name}, seed by seed",
        ),
        Fact("Error ratio", _errors(c.error_ratio), f"errors of {pair.a} over errors of {pair.b}"),
        *_intervals(effect),
        Fact("Seeds", _pairs(effect), PAIRED_BY_NUMBER if imported else PAIRED),
        *_tests(effect),
        Fact("Win rate", _win_rate(effect), f"seeds on which {pair.a} was ahead, ties counted half"),
        *_failing(effect),
        Fact(
            "To settle it", _more(effect), "seeds for 80% power; few seeds know their own spread only roughly"
        ),
        *_new_images(effect),
    ]


def _intervals(effect: Effect) -> list[Fact]:
    """Return the intervals; none of two arms that only guess."""
    c, pair = effect.pair.comparison, effect.pair
    if pair.guesses:
        return []
    return [
        Fact(
            f"{interval_name(c.confidence)} for a difference",
            _interval(pair.interval),
            "of the mean over training seeds, by t: without 0 the arms differ",
        ),
        Fact(
            f"{interval_name(2 * c.confidence - 1)} for equivalence",
            _interval(pair.equivalence_interval),
            f"two one-sided tests at {confidence(c.alpha)}: inside {margin(c.margin)} either way the arms "
            "are equivalent",
        ),
    ]


def _tests(effect: Effect) -> list[Fact]:
    """Return the tests with the size of the effect; none of two arms that only guess."""
    c, pair = effect.pair.comparison, effect.pair
    if pair.guesses:
        return []
    return [
        Fact(
            "Paired t test", p_equals(pair.p), "how often chance alone would do as much, if arms were equal"
        ),
        Fact("Sign-flip test", p_equals(c.sign_flip_p), "the same by counting signs, without a normal curve"),
        Fact(
            "Equivalence test", p_equals(pair.tost_p), f"against a difference of {margin(c.margin)} or more"
        ),
        Fact(
            "Hedges' g",
            fixed(c.hedges_g),
            "mean difference over its spread; large is usual, seeds vary little",
        ),
    ]


def _errors(ratio: float | None) -> str:
    return NOTHING if ratio is None else factor(ratio)


def _interval(bounds: Interval | None) -> str:
    return f"{points_interval(bounds)} points" if bounds else "needs 3 seeds on which both learn"


def _pairs(effect: Effect) -> str:
    lost = effect.pair.left_out
    return str(effect.pair.comparison.n) + (f" ({lost} failed)" if lost else "")


def _win_rate(effect: Effect) -> str:
    c = effect.pair.comparison
    return whole_percent(c.win_rate) if c.n else NOTHING


def _failing(effect: Effect) -> list[Fact]:
    """Return what failures say of the two arms, where there are any."""
    test, ahead = effect.pair.failures, effect.pair.outperforms
    if not test.any:
        return []
    a, b = failure_rate(test.a), failure_rate(test.b)
    low, high = map(whole_percent, ahead.interval)
    return [
        Fact("Failed", f"{test.a.failed} and {test.b.failed} of {test.a.n}", f"{a}; {b}"),
        Fact("Equal failing", p_equals(test.p), "exact test of equal failure rates, over paired seeds"),
        Fact(
            "Comes out ahead",
            whole_percent(ahead.share),
            f"of the seeds, a failed run ranked last; {interval_name(ahead.confidence)} {low} to {high}",
        ),
    ]


def _more(effect: Effect) -> str:
    judgement = effect.pair.judgement
    if judgement.more_seeds:
        return further(judgement.more_seeds)
    if effect.pair.p is None:
        return "3 seeds on which both learn"
    return "not known" if judgement.verdict is Verdict.INCONCLUSIVE else "nothing more"


def _new_images(effect: Effect) -> list[Fact]:
    if effect.crossed is None:
        return []
    images = plural(effect.crossed.images, "test image")
    name = interval_name(effect.crossed.confidence)
    gloss = f"over new seeds and new images like these {images}; {p_equals(effect.crossed.p)}"
    return [Fact(f"{name} on new images", f"{points_interval(effect.crossed.interval)} points", gloss)]
