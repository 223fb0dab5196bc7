"""The declared comparisons of a complete study."""

from dataclasses import dataclass, replace

import numpy as np

from assay.records import RunId, Status
from assay.report.numbers import capital
from assay.results import Results
from assay.stats import Crossed, Family, Judgement, Pair, Verdict, compare_arms, compare_crossed
from assay.stats.ttest import FEWEST, Interval


@dataclass(frozen=True)
class Effect:
    """One comparison over seeds, and over seeds and test images; the latter is None below three seeds."""

    pair: Pair
    crossed: Crossed | None

    @property
    def interval(self) -> Interval | None:
        """The 95% interval of the mean difference, simultaneous over the family."""
        return self.pair.simultaneous

    @property
    def name(self) -> str:
        """Which arm less which."""
        return f"{self.pair.a} less {self.pair.b}"


def family_of(results: Results) -> Family | None:
    """Compare the arms: each with the control, or all pairs; None before the last run and for one arm."""
    study = results.study
    if not results.complete or len(study.arms) < 2:
        return None
    values = {arm.name: 100 * results.accuracies(arm.name) for arm in study.arms}
    family = compare_arms(values, control=study.control, margin=study.margin)
    guessing = {arm.name for arm in study.arms if _guesses(results, arm.name)}
    return replace(family, pairs=tuple(_judged(pair, guessing) for pair in family.pairs))


def effects_of(results: Results, family: Family | None) -> tuple[Effect, ...]:
    """Return the family's comparisons with the second analysis of each."""
    return tuple(Effect(pair, _crossed(results, pair)) for pair in family.pairs) if family else ()


def _guesses(results: Results, arm: str) -> bool:
    """Whether an arm finished runs and none of them left chance level."""
    done = [run for run in results.of(arm) if run.status is Status.DONE]
    return bool(done) and all(run.stuck for run in done)


def _judged(pair: Pair, guessing: set[str]) -> Pair:
    """Withhold the verdict on two arms that only guess: that guesses are alike says nothing of the arms."""
    if not {pair.a, pair.b} <= guessing:
        return pair
    sentence = f"{capital(pair.a)} and {pair.b} cannot be compared: neither learnt anything."
    return replace(pair, judgement=Judgement(Verdict.INCONCLUSIVE, None, sentence))


def _crossed(results: Results, pair: Pair) -> Crossed | None:
    seeds = sorted(_done(results, pair.a) & _done(results, pair.b))
    if len(seeds) < FEWEST:
        return None
    a, b = (np.array([results.correct(RunId(arm, seed)) for seed in seeds]) for arm in (pair.a, pair.b))
    return compare_crossed(a, b) if a.shape[1] > 1 else None


def _done(results: Results, arm: str) -> set[int]:
    return {run.seed for run in results.of(arm) if run.status is Status.DONE}
