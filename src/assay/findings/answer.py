"""The sentences that a report leads with, as a student would write them."""

from collections.abc import Sequence

from assay.findings import wording
from assay.findings.arms import ArmRow
from assay.findings.numbers import (
    capital,
    ended,
    further,
    interval,
    interval_name,
    margin,
    names,
    percent,
    plural,
    points,
    seeds,
)
from assay.stats import Family, Look, Pair, Verdict, most_seeds

MOST_FAILURES = 3
"""More arms that fail than this are counted together."""


def answer(
    arms: Sequence[ArmRow], family: Family | None, done: int, total: int, look: Look | None = None
) -> str:
    """Answer the study's question as far as the data allow; at a ``look``, as far as its seeds do."""
    if done < total:
        return _interim(arms, done, total)
    lead = (*_failures(arms, family), _complete(arms, family), *_outlying(arms), *_at(look))
    return " ".join(filter(None, lead))


def _at(look: Look | None) -> Sequence[str]:
    if look is None or look.last:
        return ()
    return (f"This is {look}, after {look.seeds} of at most {look.looks[-1]} seeds.",)


def _complete(arms: Sequence[ArmRow], family: Family | None) -> str:
    if family is None:
        return _single(arms[0])
    if all(arm.never_learnt for arm in arms):
        return "No run learnt anything: all that there is to compare is guesses."
    if len(family.pairs) == 1:
        return wording.comparison(family.pairs[0], 1)
    return _against_control(family) if family.control is not None else _ranking(arms, family)


def _failures(arms: Sequence[ArmRow], family: Family | None) -> Sequence[str]:
    """Say how often runs failed, before anything is said of those that learnt."""
    failing = [arm for arm in arms if arm.failures]
    if not failing or all(arm.never_learnt for arm in arms):
        return ()
    if family is not None and len(family.pairs) == 1:
        return (wording.failures(family.pairs[0]),)
    counts = [_count(arm) for arm in failing[:MOST_FAILURES]]
    rest = failing[MOST_FAILURES:]
    if rest:
        runs = sum(arm.failures for arm in rest)
        counts.append(f"{runs} of {sum(arm.ended for arm in rest)} of {plural(len(rest), 'other arm')}")
    those = "seeds on which both arms learnt" if family else "runs that learnt"
    guessing = [arm.name for arm in arms if arm.never_learnt and arm.done]
    guesses = f", and of what {names(guessing)} only guessed" if guessing else ""
    return (f"Runs failed: {names(counts)}; what follows is of the {those}{guesses}.",)


def _count(arm: ArmRow) -> str:
    """Write how many of an arm's runs failed, and how."""
    ways = [f"{n} {word}" for n, word in ((arm.diverged, "diverged"), (arm.stuck, "stuck")) if n]
    return f"{arm.failures} of {arm.ended} of {arm.name} ({' and '.join(ways)})"


def _outlying(arms: Sequence[ArmRow]) -> Sequence[str]:
    """Name the runs that learnt and came out far lower than the arm's other seeds explain."""
    found = [
        f"{arm.name}'s seed {seed} ({percent(value)})" for arm in arms for seed, value in arm.outlying.items()
    ]
    if not found:
        return ()
    lies = "lies" if len(found) == 1 else "lie"
    return (
        f"But {names(found)} {lies} lower than the arm's other seeds explain: intervals do not cover such "
        "rare bad seeds.",
    )


def _interim(arms: Sequence[ArmRow], done: int, total: int) -> str:
    so_far = [f"{arm.name} {percent(arm.test.mean)} ({seeds(arm.test.n)})" for arm in arms if arm.test.n]
    means = f" Mean test accuracy so far: {names(so_far)}." if so_far else ""
    return f"Not answered yet: {ended(done, total)}.{means}"


def _single(arm: ArmRow) -> str:
    if not arm.test.n:
        return f"{capital(arm.name)} gave no test result: none of {plural(arm.planned, 'run')} finished."
    if arm.never_learnt:
        return f"No run of {arm.name} learnt anything: its {percent(arm.test.mean)} are guesses."
    name = interval_name(arm.test.confidence)
    spread = f"{name} {interval(arm.test.interval)}; " if arm.test.interval else ""
    evidence = f"({spread}{seeds(arm.test.n)})"
    return f"{capital(arm.name)} reads {percent(arm.test.mean)} of the test characters {evidence}."


def _against_control(family: Family) -> str:
    control = family.control or ""
    if family.failures[control].share == 1:
        guesses = any(pair.comparison.n for pair in family.pairs)
        what = "what it guesses is all that there is to beat" if guesses else "there is nothing to beat"
        return f"No run of the control {control} learnt anything: {what}."
    parts = [
        _group(family, Verdict.BETTER, "{} better", sizes=True),
        _group(family, Verdict.WORSE, "{} worse", sizes=True),
        _group(family, Verdict.NEGLIGIBLE, "{} different, but negligibly", sizes=True),
        _group(family, Verdict.EQUIVALENT, f"{{}} equivalent within {_margin(family)}", sizes=False),
    ]
    said = "; ".join(part for part in parts if part)
    decided = (
        f"Compared with {control}, {said} ({_pairs_of_seeds(family)})."
        if said
        else f"No arm is told apart from {control} yet."
    )
    return f"{decided}{_open(family)}"


def _pairs_of_seeds(family: Family) -> str:
    """Write on how many seeds the decided comparisons rest."""
    counts = sorted(
        {pair.comparison.n for pair in family.pairs if pair.judgement.verdict is not Verdict.INCONCLUSIVE}
    )
    return seeds(counts[0]) if len(counts) == 1 else f"{counts[0]} to {seeds(counts[-1])}"


def _group(family: Family, verdict: Verdict, phrase: str, *, sizes: bool) -> str:
    """Return "a (+0.42) and b (+0.31) are better" for the arms with that verdict."""
    pairs = [pair for pair in family.pairs if pair.judgement.verdict is verdict]
    if not pairs:
        return ""
    arms = names([f"{pair.a} ({points(pair.comparison.mean)} points)" if sizes else pair.a for pair in pairs])
    return f"{arms} {phrase.format('is' if len(pairs) == 1 else 'are')}"


def _ranking(arms: Sequence[ArmRow], family: Family) -> str:
    if family.best is None:
        return "No run of any arm finished."
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
    more = most_seeds(pair.judgement.more_seeds for pair in undecided)
    settle = f" ({further(more)} may settle it)" if more else ""
    return f" The data do not decide {_which(undecided, family)}{settle}."


def _which(undecided: list[Pair], family: Family) -> str:
    if family.control is not None:
        return f"about {names([pair.a for pair in undecided])}"
    return f"{len(undecided)} of the {plural(len(family.pairs), 'pair')}"


def _margin(family: Family) -> str:
    return margin(family.pairs[0].comparison.margin)
