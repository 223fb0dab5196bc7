"""The comparisons that a study declares, made when they may be: at its end, or at a declared look."""

from dataclasses import replace

from assay.results import Results
from assay.stats import Family, Judgement, Pair, Verdict, compare_arms


def family_of(results: Results) -> Family | None:
    """Compare the arms, each with the control or all pairs; None for one arm, or where no verdict may be.

    There may be one when the study is complete or has reached a declared look, whose seeds alone are then
    compared, at its level.
    """
    results = results.at_look()
    study = results.study
    if not results.complete or len(study.arms) < 2:
        return None
    values = {arm.name: 100 * results.accuracies(arm.name) for arm in study.arms}
    family = compare_arms(values, control=study.control, margin=study.margin, alpha=results.alpha)
    guessing = {arm.name for arm in study.arms if _guesses(results, arm.name)}
    return replace(family, pairs=tuple(_judged(pair, guessing) for pair in family.pairs))


def resolved(results: Results) -> bool:
    """Whether there are comparisons, at the latest declared look or at the end, and every one is decided."""
    family = family_of(results)
    return family is not None and all(decided(pair) for pair in family.pairs)


def over(results: Results) -> bool:
    """Whether nothing is left to do: all runs have ended, or a look resolved all and none was begun since."""
    begun_beyond = len(results.runs) > results.at_look().total
    return results.complete or (not begun_beyond and resolved(results))


def decided(pair: Pair) -> bool:
    """Whether a comparison has a verdict other than that it is inconclusive."""
    return pair.judgement.verdict is not Verdict.INCONCLUSIVE


def _guesses(results: Results, arm: str) -> bool:
    """Whether an arm finished runs and none of them left chance level."""
    done = results.finished(arm)
    return bool(done) and all(run.stuck for run in done)


def _judged(pair: Pair, guessing: set[str]) -> Pair:
    """Withhold the verdict on two arms that only guess: that guesses are alike says nothing of the arms."""
    if not {pair.a, pair.b} <= guessing:
        return pair
    sentence = f"{pair.a[:1].upper()}{pair.a[1:]} and {pair.b} cannot be compared: neither learnt anything."
    return replace(pair, judgement=Judgement(Verdict.INCONCLUSIVE, None, sentence))
