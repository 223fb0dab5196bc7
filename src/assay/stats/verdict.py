"""What a comparison allows to be said: one of five verdicts."""

from dataclasses import dataclass
from enum import StrEnum

from assay.stats.forecast import MoreSeeds, more_seeds, seeds_to_settle
from assay.stats.paired import Comparison
from assay.stats.ttest import TTest


class Verdict(StrEnum):
    """All that assay ever says of two arms; a large p alone never means that they are equal."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    NEGLIGIBLE = "different but negligible"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the range of seeds that an inconclusive one still needs (None where unknown)."""

    verdict: Verdict
    more_seeds: MoreSeeds | None = None


def verdict(comparison: Comparison, alpha: float = 0.05) -> Judgement:
    """Judge arm a against arm b at level ``alpha``, values being such that more is better.

    In a family of m comparisons ``alpha`` is that
    of the family over m. "Different" is that the 1 - alpha interval excludes 0, "within the margin" that the
    1 - 2 alpha interval lies inside it (two one-sided tests). Below three seeds all is inconclusive.
    """
    test = comparison.test
    if test is None:
        return Judgement(Verdict.INCONCLUSIVE)
    different, within = test.p() < alpha, test.p_equivalent(comparison.margin) < alpha
    decided = _decide(different, within, test.mean)
    undecided = decided is Verdict.INCONCLUSIVE
    return Judgement(decided, settling(test, comparison.margin, alpha) if undecided else None)


def _decide(different: bool, within_margin: bool, mean: float) -> Verdict:
    """Return the verdict of two decisions and a direction."""
    if different and within_margin:
        return Verdict.NEGLIGIBLE
    if different:
        return Verdict.BETTER if mean > 0 else Verdict.WORSE
    return Verdict.EQUIVALENT if within_margin else Verdict.INCONCLUSIVE


def settling(test: TTest, margin: float, alpha: float) -> MoreSeeds | None:
    """Return about how many more seeds would settle a comparison with 80% power (`seeds_to_settle`)."""
    return more_seeds(test, lambda sd: seeds_to_settle(sd, test, margin, alpha))
