"""What a comparison allows to be said: one of five verdicts, and a sentence."""

from dataclasses import dataclass
from enum import StrEnum

from assay.errors import UsageError
from assay.stats.paired import Comparison
from assay.stats.power import sd_upper_bound, seeds_for_equivalence, seeds_needed
from assay.stats.words import apart, fixed, further, interval_name, p_value, points, seeds


class Verdict(StrEnum):
    """All that assay ever says of two arms; a large p alone never means that they are equal."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    NEGLIGIBLE = "different but negligible"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Judgement:
    """A verdict, the seeds that an inconclusive one still needs (None where unknown), and a sentence."""

    verdict: Verdict
    more_seeds: int | None
    sentence: str


def verdict(
    comparison: Comparison,
    alpha: float = 0.05,
    *,
    p: float | None = None,
    tost_p: float | None = None,
    comparisons: int = 1,
    names: tuple[str, str] = ("the first arm", "the second arm"),
) -> Judgement:
    """Judge arm a against arm b at level ``alpha``, values being such that more is better.

    In a family of ``comparisons``, ``p`` and ``tost_p`` are the adjusted ones that decide; by default they
    are the comparison's own. "Different" is p < alpha: the interval excludes 0. "Within the margin" is
    tost_p < alpha: the 1 - 2 alpha interval lies inside the margin. Below three seeds all is inconclusive.
    """
    p = comparison.p if p is None else p
    tost_p = comparison.tost_p if tost_p is None else tost_p
    if p is None or tost_p is None:
        return Judgement(Verdict.INCONCLUSIVE, None, _too_few(comparison, names))
    decided = _decide(p < alpha, tost_p < alpha, comparison.mean)
    more = more_seeds(comparison, alpha / comparisons) if decided is Verdict.INCONCLUSIVE else None
    deciding = tost_p if decided in (Verdict.EQUIVALENT, Verdict.NEGLIGIBLE) else p
    family = f"; p {p_value(deciding)} after Holm over {comparisons}" if comparisons > 1 else ""
    return Judgement(decided, more, _sentence(comparison, decided, names, family, more))


def _decide(different: bool, within_margin: bool, mean: float) -> Verdict:
    """Return the verdict of two decisions and a direction."""
    if different and within_margin:
        return Verdict.NEGLIGIBLE
    if different:
        return Verdict.BETTER if mean > 0 else Verdict.WORSE
    return Verdict.EQUIVALENT if within_margin else Verdict.INCONCLUSIVE


def more_seeds(comparison: Comparison, alpha: float) -> int | None:
    """Return about how many more seeds would settle the comparison with 80% power; None beyond ten million.

    First those that tell a true difference of 0 from one of the margin. Where these are run already, the
    truth seems to lie in between: then those that settle the difference as observed. Both with the upper
    80% bound of the spread.
    """
    try:
        total = _seeds_to_settle(comparison, alpha)
    except UsageError:
        return None
    return max(1, total - comparison.n)


def _seeds_to_settle(comparison: Comparison, alpha: float) -> int:
    sd = sd_upper_bound(comparison.sd or 0.0, comparison.n)
    margin, size = comparison.margin, abs(comparison.mean)
    total = max(seeds_needed(sd, margin, alpha=alpha), seeds_for_equivalence(sd, margin, alpha=alpha))
    if total <= comparison.n and size > margin / 2:
        total = seeds_needed(sd, size, alpha=alpha)
    elif total <= comparison.n:
        total = seeds_for_equivalence(sd, margin, difference=size, alpha=alpha)
    return total


def _too_few(comparison: Comparison, names: tuple[str, str]) -> str:
    """Say why nothing can be concluded."""
    if not comparison.n:
        return f"No seed was finished by both {names[0]} and {names[1]}: nothing can be compared."
    found = " and ".join(points(d) for d in comparison.differences)
    return (
        f"{_capital(names[0])} less {names[1]} is {found} points on {seeds(comparison.n)}: "
        "too few for a verdict (at least 3 are needed)."
    )


def _sentence(
    comparison: Comparison, decided: Verdict, names: tuple[str, str], family: str, more: int | None
) -> str:
    """Return the sentence of a comparison that has an interval."""
    a, b = names
    gap, margin = apart(comparison.mean), f"{comparison.margin:g} points"
    evidence = f"({_percent(comparison.interval, comparison.confidence)}{family}; {seeds(comparison.n)})"
    inner = (
        f"({_percent(comparison.interval90, 2 * comparison.confidence - 1)}{family}; {seeds(comparison.n)})"
    )
    above = "above" if comparison.mean > 0 else "below"
    where = f"{above} {b} by {gap}" if comparison.mean else f"equal to {b} on average"
    settle = f"{further(more)} may settle it" if more else "no number of seeds in reach would"
    sentences = {
        Verdict.BETTER: f"{a} is better than {b} by {gap} {evidence}.",
        Verdict.WORSE: f"{a} is worse than {b} by {gap} {evidence}.",
        Verdict.EQUIVALENT: f"{a} and {b} are equivalent within {margin} {inner}.",
        Verdict.NEGLIGIBLE: f"{a} is {above} {b} by {gap}, a real difference but within {margin} {inner}.",
        Verdict.INCONCLUSIVE: f"{a} was {where}, but the data do not decide {evidence}; {settle}.",
    }
    return _capital(sentences[decided])


def _percent(interval: tuple[float, float] | None, confidence: float) -> str:
    """Return an interval as "95% interval 0.17 to 0.34"."""
    low, high = interval or (float("nan"), float("nan"))
    return f"{interval_name(confidence)} {fixed(low)} to {fixed(high)}"


def _capital(text: str) -> str:
    """Return ``text`` with its first letter large."""
    return text[:1].upper() + text[1:]
