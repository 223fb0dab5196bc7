"""What is said about a claim and each relation that it expects."""

from collections.abc import Callable, Mapping, Sequence

from assay.findings.claim_verdicts import ClaimMargin, ClaimRow, MarginUnit
from assay.findings.numbers import (
    confidence,
    further,
    names,
    plural,
    points,
    points_interval,
    whole_percent,
)
from assay.findings.relation_findings import RelationFinding, Remark
from assay.findings.wording import code_words
from assay.findings.wording.code_words import CLAIM_VERDICTS
from assay.findings.wording.comparison_words import factor, factor_interval, sided
from assay.records.metrics import METRICS
from assay.stats import ClaimVerdict


def found(part: RelationFinding) -> str:
    """Write the estimate of a relation with what decides."""
    remark = REMARKS[part.remark](part) if part.remark else ""
    return "; ".join(filter(None, (_measured(part), remark))) or "no seed that both finished"


def published(part: RelationFinding) -> str:
    """Write what the source printed, in the same words; nothing where it did not."""
    if part.printed is None:
        return ""
    number = factor(part.printed) if part.ratio else points(part.printed)
    return f"{number} (doubtful)" if part.doubtful else number


def metric(claim: ClaimRow) -> str:
    """Return what a claim is judged by."""
    return METRICS[claim.metric].title if claim.metric else "runs that left chance level"


def margin(of: ClaimMargin | None) -> str:
    """Write how large a difference matters: 0.3 points, a factor of 1.05; nothing where there is none."""
    return MARGINS[of.unit].format(f"{of.value:g}") if of else ""


def summary(claim: ClaimRow) -> str:
    """Say what became of a claim."""
    return SUMMARIES[claim.verdict](claim)


def account(claim: ClaimRow) -> str:
    """Say what a claim was judged by and what became of it, by test accuracy too where that is another."""
    matter = f" ({margin(claim.margin)} or more matter)" if claim.margin else ""
    by_test = ""
    if claim.also and claim.also.verdict:
        parts = "; ".join(f"{part.relation} {found(part)}" for part in claim.also.parts)
        by_test = f" By test accuracy: {CLAIM_VERDICTS[claim.also.verdict]}: {parts}."
    return f"Compared by {metric(claim)}{matter}. {summary(claim)}{by_test}"


def _waiting(claim: ClaimRow) -> str:
    return f"Not tested before {code_words.first_verdict(claim.first_look)}."


def _supported(claim: ClaimRow) -> str:
    return f"Supported{_where(claim.parts, claim.parts, 'by')}."


def _contradicted(claim: ClaimRow) -> str:
    return f"Contradicted{_where(claim.deciding, claim.parts, 'by')}."


def _too_small(claim: ClaimRow) -> str:
    excluded = f"a difference of {margin(claim.margin)} or more on the claimed side is excluded"
    return f"Too small to matter{_where(claim.deciding, claim.parts, 'in')}: {excluded}."


def _undecided(claim: ClaimRow) -> str:
    settle = f"; {further(claim.more_seeds)} may decide" if claim.more_seeds else ""
    return f"Undecided{_where(claim.deciding, claim.parts, 'about')}{settle}."


def _where(some: Sequence[RelationFinding], parts: Sequence[RelationFinding], word: str) -> str:
    """Say which of several relations are meant."""
    if len(parts) == 1:
        return ""
    if len(some) == 1:
        return f" {word} {some[0].relation}"
    if len(some) == len(parts):
        return " in both comparisons" if len(parts) == 2 else f" in all {len(parts)} comparisons"
    return f" in {len(some)} of {len(parts)} comparisons"


def _measured(part: RelationFinding) -> str:
    if part.estimate is None:
        return ""
    value = factor(part.estimate) if part.ratio else points(part.estimate)
    if part.interval is None or part.confidence is None:
        return value
    write = factor_interval if part.ratio else points_interval
    return f"{value} ({sided(part.interval, part.confidence, write)})"


def _exact(_: RelationFinding) -> str:
    return "computed, so exact"


def _failed(part: RelationFinding) -> str:
    assert part.failed is not None  # by its remark
    (a, b), (first, second) = part.arms, (part.failed.a, part.failed.b)
    return f"failed on {first.failed} of {first.n} seeds ({a}) and {second.failed} ({b})"


def _against(part: RelationFinding) -> str:
    return f"{_failed(part)}, which points the other way"


def _never_learnt(part: RelationFinding) -> str:
    return f"no run of {names(list(part.never))} learnt anything"


def _learnt(part: RelationFinding) -> str:
    counted = f"{part.learnt} of {plural(part.n, 'run')} learnt"
    if part.bound is None or part.confidence is None:
        return counted
    return f"{counted}; with {confidence(part.confidence)} confidence at most {whole_percent(part.bound)} do"


MARGINS: Mapping[MarginUnit, str] = {
    MarginUnit.POINTS: "{} points",
    MarginUnit.FACTOR: "a factor of {}",
    MarginUnit.TOLERANCE: "within a factor of {}",
}
REMARKS: Mapping[Remark, Callable[[RelationFinding], str]] = {
    Remark.EXACT: _exact,
    Remark.FAILED: _failed,
    Remark.AGAINST: _against,
    Remark.NEVER_LEARNT: _never_learnt,
    Remark.LEARNT: _learnt,
}
SUMMARIES: Mapping[ClaimVerdict | None, Callable[[ClaimRow], str]] = {
    None: _waiting,
    ClaimVerdict.SUPPORTED: _supported,
    ClaimVerdict.CONTRADICTED: _contradicted,
    ClaimVerdict.TOO_SMALL: _too_small,
    ClaimVerdict.UNDECIDED: _undecided,
}
