"""What is said about a comparison: every sentence takes its interval from what decided."""

from collections.abc import Callable
from math import isinf

from assay.findings import numbers
from assay.findings.numbers import (
    capital,
    further,
    interval_name,
    p_equals,
    seeds,
    speed,
    whole_percent,
)
from assay.findings.wording.code_words import VERDICTS
from assay.findings.wording.quantities import POINTS, DifferencesOf
from assay.stats import FailureRate, Pair, Verdict
from assay.stats.ttest import Interval


def comparison(pair: Pair, m: int, of: DifferencesOf = POINTS) -> str:
    """Return the sentence of a comparison, one of ``m`` of a family; it says so where it leaves seeds out.

    ``of`` says how differences are written.
    """
    if pair.guesses:
        return f"{capital(pair.a)} and {pair.b} cannot be compared: neither learnt anything."
    if not pair.comparison.n:
        return f"There is no seed on which both {pair.a} and {pair.b} learnt: nothing can be compared."
    said = _too_few(pair, of) if pair.interval is None else _verdict(pair, m, of)
    return f"{capital(_on(pair) + said)}."


def _on(pair: Pair) -> str:
    """Say which runs are compared, where it is not simply all of them."""
    rates = {pair.a: pair.failures.a, pair.b: pair.failures.b}
    for arm, rate in rates.items():
        if rate.share == 1:
            return f"no run of {arm} learnt anything: by what it guesses, "
    return f"on the {seeds(pair.comparison.n)} on which both learnt, " if pair.left_out else ""


def _verdict(pair: Pair, m: int, of: DifferencesOf) -> str:
    """Say which of the five verdicts it is, with the interval that decides it."""
    a, b, c, judgement = pair.a, pair.b, pair.comparison, pair.judgement
    margin = of.margin(c.margin)
    match judgement.verdict:
        case Verdict.BETTER | Verdict.WORSE:
            evidence = _evidence(pair, m, of)
            return f"{a} is {VERDICTS[judgement.verdict]} than {b} by {of.apart(c.mean)} ({evidence})"
        case Verdict.EQUIVALENT:
            return f"{a} and {b} are equivalent within {margin} ({_inside(pair, m, of)})"
        case Verdict.NEGLIGIBLE:
            return (
                f"{a} is {_above(pair, of)}, a real difference ({_evidence(pair, m, of)}) "
                f"but within {margin} ({_inside(pair, m, of)})"
            )
        case Verdict.INCONCLUSIVE:
            more = judgement.more_seeds
            settle = f"{further(more)} may settle it" if more else "no number of seeds in reach would"
            found = f"{a} was {_above(pair, of)}, but the data do not decide"
            return f"{found} ({_evidence(pair, m, of)}); {settle}"


def _above(pair: Pair, of: DifferencesOf) -> str:
    mean = pair.comparison.mean
    if not mean:
        return f"equal to {pair.b} on average"
    return f"{of.side(mean)} {pair.b} by {of.apart(mean)}"


def _evidence(pair: Pair, m: int, of: DifferencesOf) -> str:
    """Return the interval of the difference, its signs as the words before it have them."""
    interval = pair.interval or (0.0, 0.0)
    towards = interval if pair.comparison.mean >= 0 else (-interval[1], -interval[0])
    return _interval(of.interval(towards), pair.comparison.alpha, pair, m)


def _inside(pair: Pair, m: int, of: DifferencesOf) -> str:
    low, high = pair.equivalence_interval or (0.0, 0.0)
    turned = (
        pair.judgement.verdict is Verdict.NEGLIGIBLE and pair.comparison.mean < 0
    )  # as the words before it
    interval = of.interval((-high, -low)) if turned else of.signed_interval((low, high))
    return _interval(interval, 2 * pair.comparison.alpha, pair, m)


def _interval(interval: str, alpha: float, pair: Pair, m: int) -> str:
    """Label an interval that, with those of the other comparisons, holds at 1 - ``alpha``."""
    shared = f", one of {m} that hold together" if m > 1 else ""
    return f"{interval_name(1 - alpha)} {interval}{shared}; {seeds(pair.comparison.n)}"


def _too_few(pair: Pair, of: DifferencesOf) -> str:
    """Say that nothing can be concluded from one or two seeds."""
    c = pair.comparison
    found = f"{' and '.join(map(of.signed, c.differences))} {of.unit}"
    return f"{pair.a} less {pair.b} is {found} on {seeds(c.n)}: too few for a verdict (at least 3)"


def failures(pair: Pair) -> str:
    """Say how often two arms failed, whether alike, and which comes out ahead if a failure is the worst."""
    test, ahead = pair.failures, pair.outperforms
    return (
        f"{capital(pair.a)} failed on {failure_rate(test.a)}, {pair.b} on {failure_rate(test.b)}: "
        f"{_which_fails(pair)}. With a failed run ranked last, {pair.a} comes out ahead "
        f"of {pair.b} on {whole_percent(ahead.share)} of the seeds ({interval_name(ahead.confidence)} "
        f"{whole_percent(ahead.interval[0])} to {whole_percent(ahead.interval[1])})."
    )


def _which_fails(pair: Pair) -> str:
    """Say what the exact test of equal failure rates decides."""
    test, p = pair.failures, p_equals(pair.failures.p)
    if test.p < 1 - test.a.confidence:
        return f"{pair.a if test.only_a > test.only_b else pair.b} fails more often ({p})"
    return f"that one of them fails more often is not shown ({p})"


def failure_rate(rate: FailureRate) -> str:
    """Write a failure rate: 6 of 10 seeds (95% interval 26% to 88%)."""
    low, high = map(whole_percent, rate.interval)
    return f"{rate.failed} of {seeds(rate.n)} ({interval_name(rate.confidence)} {low} to {high})"


def factor(value: float) -> str:
    """Write a factor: 1.46x, 12.3x."""
    return f"{speed(value)}x"


def factor_interval(value: Interval) -> str:
    """Write an interval of factors: 1.20x to 1.77x."""
    return f"{factor(value[0])} to {factor(value[1])}"


def sided(interval: Interval, confidence: float, write: Callable[[Interval], str]) -> str:
    """Write the interval that decided, or the bound: "95% interval ...", "at most ..., one-sided 95%"."""
    low, high = interval
    if isinf(high):
        return f"at least {_end(low, write)}, one-sided {numbers.confidence(confidence)} bound"
    if isinf(low):
        return f"at most {_end(high, write)}, one-sided {numbers.confidence(confidence)} bound"
    return f"{interval_name(confidence)} {write(interval)}"


def _end(value: float, write: Callable[[Interval], str]) -> str:
    return write((value, value)).partition(" to ")[0]
