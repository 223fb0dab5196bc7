"""The sentence that a report leads with, as a student would write it."""

from collections.abc import Sequence

from assay.report.arms import ArmRow
from assay.report.numbers import (
    capital,
    ended,
    further,
    interval,
    interval_name,
    names,
    percent,
    plural,
    points,
    seeds,
)
from assay.stats import Family, Look, Pair, Verdict


def answer(
    arms: Sequence[ArmRow], family: Family | None, done: int, total: int, look: Look | None = None
) -> str:
    """Answer the study's question as far as the data allow; at a ``look``, as far as its seeds do."""
    if done < total:
        return _interim(arms, done, total)
    return f"{_complete(arms, family)}{_stuck(arms)}{_at(look)}"


def _at(look: Look | None) -> str:
    if look is None or look.last:
        return ""
    return f" This is {look}, after {look.seeds} of at most {look.looks[-1]} seeds."


def _complete(arms: Sequence[ArmRow], family: Family | None) -> str:
    if family is None:
        return _single(arms[0])
    if len(family.pairs) == 1:
        return family.pairs[0].judgement.sentence
    return _against_control(family) if family.name == "vs-control" else _ranking(arms, family)


def _stuck(arms: Sequence[ArmRow]) -> str:
    """Say which arms are, in part or as a whole, compared by what they guess."""
    found = [arm for arm in arms if arm.stuck]
    if not found:
        return ""
    if all(arm.stuck == arm.done for arm in arms):
        return " No run left chance level: all that there is to compare is guesses."
    counts = [f"{arm.stuck} of {plural(arm.done, 'run')} of {arm.name}" for arm in found]
    return f" But {names(counts)} never left chance level."


def _interim(arms: Sequence[ArmRow], done: int, total: int) -> str:
    so_far = [f"{arm.name} {percent(arm.test.mean)} ({seeds(arm.test.n)})" for arm in arms if arm.test.n]
    means = f" Mean test accuracy so far: {names(so_far)}." if so_far else ""
    return f"Not answered yet: {ended(done, total)}.{means}"


def _single(arm: ArmRow) -> str:
    if not arm.test.n:
        return f"{capital(arm.name)} gave no test result: none of {plural(arm.planned, 'run')} finished."
    name = interval_name(arm.test.confidence)
    spread = f"{name} {interval(arm.test.interval)}; " if arm.test.interval else ""
    evidence = f"({spread}{seeds(arm.test.n)})"
    return f"{capital(arm.name)} reads {percent(arm.test.mean)} of the test characters {evidence}."


def _against_control(family: Family) -> str:
    parts = [
        _group(family, Verdict.BETTER, "{} better", sizes=True),
        _group(family, Verdict.WORSE, "{} worse", sizes=True),
        _group(family, Verdict.NEGLIGIBLE, "{} different, but negligibly", sizes=True),
        _group(family, Verdict.EQUIVALENT, f"{{}} equivalent within {_margin(family)} points", sizes=False),
    ]
    said = "; ".join(part for part in parts if part)
    decided = (
        f"Compared with {family.control}, {said} ({seeds(family.seeds)})."
        if said
        else f"No arm is told apart from {family.control} yet."
    )
    return f"{decided}{_open(family)}"


def _group(family: Family, verdict: Verdict, phrase: str, *, sizes: bool) -> str:
    """Return "a (+0.42) and b (+0.31) are better" for the arms with that verdict."""
    pairs = [pair for pair in family.pairs if pair.judgement.verdict is verdict]
    if not pairs:
        return ""
    arms = names([f"{pair.a} ({points(pair.comparison.mean)} points)" if sizes else pair.a for pair in pairs])
    return f"{arms} {phrase.format('is' if len(pairs) == 1 else 'are')}"


def _ranking(arms: Sequence[ArmRow], family: Family) -> str:
    if family.best is None:
        return "There is no seed on which the arms could be compared."
    mean = next(arm.test.mean for arm in arms if arm.name == family.best)
    others = [arm for arm in family.not_distinguishable if arm != family.best]
    lead = f"{capital(family.best)} has the highest mean test accuracy, {percent(mean)}"
    if others:
        return f"{lead}, but the data do not tell it from {names(others)}.{_open(family)}"
    return f"{lead}, and stands apart from all other arms.{_open(family)}"


def _open(family: Family) -> str:
    """Say what is undecided and what would decide it."""
    undecided = [pair for pair in family.pairs if pair.judgement.verdict is Verdict.INCONCLUSIVE]
    if not undecided:
        return ""
    more = [pair.judgement.more_seeds for pair in undecided if pair.judgement.more_seeds]
    settle = f" ({further(max(more))} may settle it)" if more else ""
    return f" The data do not decide {_which(undecided, family)}{settle}."


def _which(undecided: list[Pair], family: Family) -> str:
    if family.name == "vs-control":
        return f"about {names([pair.a for pair in undecided])}"
    return f"{len(undecided)} of the {plural(len(family.pairs), 'pair')}"


def _margin(family: Family) -> str:
    return f"{family.pairs[0].comparison.margin:g}"
