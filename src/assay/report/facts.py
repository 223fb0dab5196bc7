"""The numbers behind a verdict, each with its name and what it means."""

from dataclasses import dataclass

from assay.report.effects import Effect
from assay.report.numbers import (
    NOTHING,
    fixed,
    further,
    interval_name,
    p_equals,
    plural,
    points,
    points_interval,
)
from assay.stats import Verdict


@dataclass(frozen=True)
class Fact:
    """A number as it is written, its name, and a gloss for whoever meets it first."""

    name: str
    value: str
    gloss: str


def facts(effect: Effect) -> list[Fact]:
    """Return the numbers behind a comparison's verdict."""
    c, pair = effect.pair.comparison, effect.pair
    return [
        Fact(
            "Mean difference",
            f"{points(c.mean)} pp" if c.n else NOTHING,
            f"test accuracy of {effect.name}, seed by seed",
        ),
        Fact(interval_name(c.confidence), _interval(effect), "of the mean over training seeds, by t"),
        Fact("Seeds", _pairs(effect), "pairs: the same seed gives both arms the same data in the same order"),
        Fact("Paired t test", p_equals(c.p), "how often chance alone would do as much, if arms were equal"),
        Fact("Sign-flip test", p_equals(c.sign_flip_p), "the same by counting signs, without a normal curve"),
        Fact("Equivalence test", p_equals(c.tost_p), f"against a true difference of {c.margin:g} pp or more"),
        Fact(
            "Hedges' g",
            fixed(c.hedges_g),
            "mean difference over its spread; large is usual, seeds vary little",
        ),
        Fact("Win rate", _win_rate(effect), f"seeds on which {pair.a} was ahead, ties counted half"),
        Fact("To settle it", _more(effect), "seeds for 80% power, from the spread that was seen"),
        *_new_images(effect),
    ]


def _interval(effect: Effect) -> str:
    bounds = effect.pair.comparison.interval
    return f"{points_interval(bounds)} pp" if bounds else "needs 3 seeds"


def _pairs(effect: Effect) -> str:
    lost = effect.pair.left_out
    return str(effect.pair.comparison.n) + (f" ({lost} lost)" if lost else "")


def _win_rate(effect: Effect) -> str:
    c = effect.pair.comparison
    return f"{100 * c.win_rate:.0f}%" if c.n else NOTHING


def _more(effect: Effect) -> str:
    judgement = effect.pair.judgement
    if judgement.more_seeds:
        return further(judgement.more_seeds)
    if effect.pair.comparison.p is None:
        return "at least 3 seeds"
    return "not known" if judgement.verdict is Verdict.INCONCLUSIVE else "nothing more"


def _new_images(effect: Effect) -> list[Fact]:
    if effect.crossed is None:
        return []
    images = plural(effect.crossed.images, "test image")
    name = interval_name(effect.crossed.confidence)
    gloss = f"the {name} over new seeds and new images like these {images}; {p_equals(effect.crossed.p)}"
    return [Fact("On new images", f"{points_interval(effect.crossed.interval)} pp", gloss)]
