"""The comparisons that a study declares, made when allowed: at its end, or at a declared look."""

from collections.abc import Sequence

from assay.stats import Family, Pair, Verdict, compare_arms, declared_pairs
from assay.store.readout import Readout


def family_of(results: Readout) -> Family | None:
    """Compare the arms, each with the control or all pairs; None for one arm, or where no verdict is allowed.

    A verdict is allowed when the study is complete or has reached a declared look, whose seeds alone are
    then compared, at its level. Runs that diverged or learnt nothing are failures: they are counted, and the
    differences are those of the seeds on which both arms learnt.
    """
    results = results.at_look()
    study = results.study
    if not results.complete or len(study.arms) < 2:
        return None
    return compared(results, declared_pairs([arm.name for arm in study.arms], study.control))


def compared(results: Readout, pairs: Sequence[tuple[str, str]]) -> Family:
    """Compare ``pairs`` of arms as one family, whether or not a verdict is allowed yet."""
    study = results.study
    arms = [arm.name for arm in study.arms]
    return compare_arms(
        {arm: results.counted(arm) for arm in arms},
        pairs=pairs,
        control=study.control,
        margin=study.margin / 100,
        alpha=results.alpha,
        failed={arm: results.failures(arm) for arm in arms},
    )


def resolved(results: Readout) -> bool:
    """Whether there are comparisons, at the latest declared look or at the end, and every one is decided."""
    return all_decided(family_of(results))


def all_decided(family: Family | None) -> bool:
    """Whether there are comparisons, and every one has a verdict other than inconclusive."""
    return family is not None and all(decided(pair) for pair in family.pairs)


def over(results: Readout) -> bool:
    """Whether nothing is left to do: all runs have ended, or a look resolved all and none began since."""
    begun_beyond = len(results.runs) > results.at_look().total
    return results.complete or (not begun_beyond and resolved(results))


def decided(pair: Pair) -> bool:
    """Whether a comparison has a verdict other than inconclusive."""
    return pair.judgement.verdict is not Verdict.INCONCLUSIVE
