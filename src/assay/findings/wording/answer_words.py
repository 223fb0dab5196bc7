"""The sentences that a report leads with, as a student would write them."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from assay.findings.answer import AnswerKind, Conclusion
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
from assay.findings.wording import comparison_words
from assay.stats import Family, Pair, Verdict

MOST_FAILURES = 3
"""More arms that fail than this are counted together."""


def answer(found: Conclusion) -> str:
    """Answer the study's question as far as the data allow; at a look, as far as its seeds do."""
    said = SENTENCES[found.kind](found)
    if found.kind is AnswerKind.INTERIM:
        return said
    return " ".join([*_failures(found), said, *_outlying(found), *_at(found)])


def _interim(found: Conclusion) -> str:
    so_far = [
        f"{arm.name} {percent(arm.test.mean)} ({seeds(arm.test.n)})" for arm in found.arms if arm.test.n
    ]
    means = f" Mean test accuracy so far: {names(so_far)}." if so_far else ""
    return f"Not answered yet: {ended(found.done, found.total)}.{means}"


def _no_result(found: Conclusion) -> str:
    arm = found.arms[0]
    return f"{capital(arm.name)} gave no test result: none of {plural(arm.planned, 'run')} finished."


def _guesses(found: Conclusion) -> str:
    arm = found.arms[0]
    return f"No run of {arm.name} learnt anything: its {percent(arm.test.mean)} are guesses."


def _one_arm(found: Conclusion) -> str:
    arm = found.arms[0]
    name = interval_name(arm.test.confidence)
    spread = f"{name} {interval(arm.test.interval)}; " if arm.test.interval else ""
    evidence = f"({spread}{seeds(arm.test.n)})"
    return f"{capital(arm.name)} reads {percent(arm.test.mean)} of the test characters {evidence}."


def _nothing_learnt(_: Conclusion) -> str:
    return "No run learnt anything: all that there is to compare is guesses."


def _two_arms(found: Conclusion) -> str:
    return comparison_words.comparison(_family(found).pairs[0], 1)


def _control_never_learnt(found: Conclusion) -> str:
    family = _family(found)
    guesses = any(pair.comparison.n for pair in family.pairs)
    what = "what it guesses is all that there is to beat" if guesses else "there is nothing to beat"
    return f"No run of the control {family.control} learnt anything: {what}."


def _against_control(found: Conclusion) -> str:
    family = _family(found)
    within = margin(family.pairs[0].comparison.margin)
    parts = [
        _group(found.judged(Verdict.BETTER), "{} better", sizes=True),
        _group(found.judged(Verdict.WORSE), "{} worse", sizes=True),
        _group(found.judged(Verdict.NEGLIGIBLE), "{} different, but negligibly", sizes=True),
        _group(found.judged(Verdict.EQUIVALENT), f"{{}} equivalent within {within}", sizes=False),
    ]
    said = "; ".join(filter(None, parts))
    if not said:
        return f"No arm is told apart from {family.control} yet.{_open(found)}"
    low, high = found.decided_seeds
    rests_on = seeds(low) if low == high else f"{low} to {seeds(high)}"
    return f"Compared with {family.control}, {said} ({rests_on}).{_open(found)}"


def _none_finished(_: Conclusion) -> str:
    return "No run of any arm finished."


def _ranking(found: Conclusion) -> str:
    lead = (
        f"{capital(_family(found).best or '')} has the highest mean test accuracy, {percent(found.best_mean)}"
    )
    if found.like_best:
        return f"{lead}, but the data do not tell it from {names(found.like_best)}.{_open(found)}"
    close = names(found.close_to_best)
    negligibly = f", though from {close} only negligibly" if close else ""
    return f"{lead}, and stands apart from all other arms{negligibly}.{_open(found)}"


SENTENCES: Mapping[AnswerKind, Callable[[Conclusion], str]] = {
    AnswerKind.INTERIM: _interim,
    AnswerKind.NO_RESULT: _no_result,
    AnswerKind.GUESSES: _guesses,
    AnswerKind.ONE_ARM: _one_arm,
    AnswerKind.NOTHING_LEARNT: _nothing_learnt,
    AnswerKind.TWO_ARMS: _two_arms,
    AnswerKind.CONTROL_NEVER_LEARNT: _control_never_learnt,
    AnswerKind.AGAINST_CONTROL: _against_control,
    AnswerKind.NONE_FINISHED: _none_finished,
    AnswerKind.RANKING: _ranking,
}


def _family(found: Conclusion) -> Family:
    assert found.family is not None  # by the kind of the conclusion
    return found.family


def _failures(found: Conclusion) -> Iterator[str]:
    """Say how often runs failed, before anything is said of those that learnt."""
    failing = found.failing
    if not failing:
        return
    if found.family is not None and len(found.family.pairs) == 1:
        yield comparison_words.failures(found.family.pairs[0])
        return
    counts = [_count(arm) for arm in failing[:MOST_FAILURES]]
    rest = failing[MOST_FAILURES:]
    if rest:
        runs = sum(arm.failures for arm in rest)
        counts.append(f"{runs} of {sum(arm.ended for arm in rest)} of {plural(len(rest), 'other arm')}")
    those = "seeds on which both arms learnt" if found.family else "runs that learnt"
    guesses = f", and of what {names(found.guessing)} only guessed" if found.guessing else ""
    yield f"Runs failed: {names(counts)}; what follows is of the {those}{guesses}."


def _count(arm: ArmRow) -> str:
    """Write how many of an arm's runs failed, and how."""
    ways = [f"{n} {word}" for n, word in ((arm.diverged, "diverged"), (arm.stuck, "stuck")) if n]
    return f"{arm.failures} of {arm.ended} of {arm.name} ({' and '.join(ways)})"


def _outlying(found: Conclusion) -> Iterator[str]:
    """Name the runs that learnt and came out far lower than the arm's other seeds explain."""
    low = [f"{arm}'s seed {seed} ({percent(value)})" for arm, seed, value in found.outlying]
    if low:
        yield (
            f"But {names(low)} {'lies' if len(low) == 1 else 'lie'} lower than the arm's other seeds "
            "explain: intervals do not cover such rare bad seeds."
        )


def _at(found: Conclusion) -> Iterator[str]:
    look = found.look
    if look is not None and not look.last:
        yield f"This is {look}, after {look.seeds} of at most {look.looks[-1]} seeds."


def _group(pairs: Sequence[Pair], phrase: str, *, sizes: bool) -> str:
    """Return "a (+0.42) and b (+0.31) are better" for the arms with that verdict."""
    if not pairs:
        return ""
    arms = names([f"{pair.a} ({points(pair.comparison.mean)} points)" if sizes else pair.a for pair in pairs])
    return f"{arms} {phrase.format('is' if len(pairs) == 1 else 'are')}"


def _open(found: Conclusion) -> str:
    """Say what is undecided and what would decide it."""
    if not found.undecided:
        return ""
    settle = f" ({further(found.more_seeds)} may settle it)" if found.more_seeds else ""
    return f" The data do not decide {_which(found)}{settle}."


def _which(found: Conclusion) -> str:
    family = _family(found)
    if family.control is not None:
        return f"about {names([pair.a for pair in found.undecided])}"
    return f"{len(found.undecided)} of the {plural(len(family.pairs), 'pair')}"
