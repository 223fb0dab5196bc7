"""What a comparison allows one to say: one of five verdicts."""

from dataclasses import dataclass
from enum import StrEnum

from assay.stats.forecast import MoreSeeds, more_seeds, to_settle
from assay.stats.paired import Comparison


class Verdict(StrEnum):
    """All that assay ever says about two arms; a large p alone never means that they are equal."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    NEGLIGIBLE = "negligible"
    """Different, but within the margin."""
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the range of seeds that an inconclusive one still needs (None where unknown)."""

    verdict: Verdict
    more_seeds: MoreSeeds | None = None


def verdict(comparison: Comparison, alpha: float | None = None) -> Judgement:
    """Judge arm a against arm b at level ``alpha``, values being such that more is better.

    ``alpha`` is by default the comparison's own, 1 - ``confidence``; in a family of m comparisons it is that
    of the family over m. "Different" means that the 1 - alpha interval excludes 0, "within the margin" that
    the 1 - 2 alpha interval lies inside it (two one-sided tests). Below three seeds everything is
    inconclusive.
    """
    test, margin = comparison.test, comparison.margin
    alpha = comparison.alpha if alpha is None else alpha
    if test is None:
        return Judgement(Verdict.INCONCLUSIVE)
    decided = _decide(test.differs(alpha), test.lies_within(margin, alpha), test.mean)
    if decided is not Verdict.INCONCLUSIVE:
        return Judgement(decided)
    return Judgement(decided, more_seeds(test, to_settle(abs(test.mean), margin, alpha)))


def _decide(different: bool, within_margin: bool, mean: float) -> Verdict:
    """Return the verdict of two decisions and a direction."""
    if different and within_margin:
        return Verdict.NEGLIGIBLE
    if different:
        return Verdict.BETTER if mean > 0 else Verdict.WORSE
    return Verdict.EQUIVALENT if within_margin else Verdict.INCONCLUSIVE
