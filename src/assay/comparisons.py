"""The comparisons that a study declares, made when they may be: at its end, or at a declared look."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.results import Results
from assay.stats import Family, Pair, Verdict, compare_arms, declared_pairs


def family_of(results: Results) -> Family | None:
    """Compare the arms, each with the control or all pairs; None for one arm, or where no verdict may be.

    There may be one when the study is complete or has reached a declared look, whose seeds alone are then
    compared, at its level. Runs that diverged or learnt nothing are failures: they are counted, and the
    differences are those of the seeds on which both arms learnt.
    """
    results = results.at_look()
    study = results.study
    if not results.complete or len(study.arms) < 2:
        return None
    return _compare(results, declared_pairs([arm.name for arm in study.arms], study.control))


def _compare(results: Results, pairs: Sequence[tuple[str, str]]) -> Family:
    study = results.study
    arms = [arm.name for arm in study.arms]
    return compare_arms(
        {arm: results.counted(arm, lambda run: run.test_accuracy) for arm in arms},
        pairs=pairs,
        control=study.control,
        margin=study.margin / 100,
        alpha=results.alpha,
        failed={arm: failures_of(results, arm) for arm in arms},
    )


def failures_of(results: Results, arm: str) -> NDArray[np.bool_]:
    """Return for each of the study's seeds whether the arm's run diverged or never left chance level."""
    learnt = {run.seed for run in results.learnt(arm)}
    return np.array([seed not in learnt for seed in results.study.seeds])


def compare_two(results: Results, a: str, b: str) -> Pair:
    """Return the comparison of arm ``a`` less arm ``b``: the declared one, or else one of all pairs.

    Raises `StudyError` for an unknown arm and `UsageError` before the study may have a verdict.
    """
    results = results.at_look()
    study = results.study
    if study.arm(a) is study.arm(b):
        raise UsageError(f"{study.name}: compare: found {a!r} twice, expected two different arms")
    if not results.complete:
        raise UsageError(
            f"{study.name}: {results.done} of {results.total} runs have come to their end: arms are compared "
            "when all have, or those of a declared look (go on with assay run)"
        )
    arms = [arm.name for arm in study.arms]
    pairs = declared_pairs(arms, study.control)
    if {a, b} not in map(set, pairs):
        pairs = declared_pairs(arms, None)
    pairs = [(a, b) if {a, b} == set(pair) else pair for pair in pairs]
    return _compare(results, pairs).pairs[pairs.index((a, b))]


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
