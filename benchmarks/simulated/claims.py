"""Published sentences: how often each verdict falls, and how often it is wrong."""

from collections.abc import Mapping
from math import log

import numpy as np

from assay.findings.wording.code_words import CLAIM_VERDICTS
from assay.stats import ClaimVerdict
from assay.stats.shares import MARGIN
from simulated.comparison import SPREAD, differences
from simulated.table import Outcomes, Promise, Simulation, Topic
from simulated.vectorised import POINT, TTests, conjunctions, one_sample, relations

SUPPORTED, CONTRADICTED, TOO_SMALL = ClaimVerdict.SUPPORTED, ClaimVerdict.CONTRADICTED, ClaimVerdict.TOO_SMALL

GAINS = (-0.3, 0.0, 0.1, 0.3, 0.5)


def wrong(relation: str, points: float) -> set[ClaimVerdict]:
    """Return the verdicts that are wrong where the true gain is so many points.

    "Does not help", a <= b, is about gains that matter: one of less than the margin makes neither it nor its
    denial wrong.
    """
    matters, margin = abs(points) >= 0.3, points >= 0.3
    match relation:
        case ">":
            return {CONTRADICTED} | ({TOO_SMALL} if margin else set()) if points > 0 else {SUPPORTED}
        case "<=":
            return {CONTRADICTED} if points <= 0 else {SUPPORTED} if margin else set()
        case _:
            return ({SUPPORTED} if matters else set()) | ({CONTRADICTED} if abs(points) <= 0.3 else set())


def relation(sign: str, points: float, n: int) -> Simulation:
    """Judge one relation."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        tests = differences(rng, studies, n, points * POINT, SPREAD)
        found = relations(tests, sign, MARGIN)
        possible = [verdict for verdict in ClaimVerdict if sign == ">" or verdict != TOO_SMALL]
        said = {CLAIM_VERDICTS[verdict]: found == verdict for verdict in possible}
        errors = sorted(CLAIM_VERDICTS[verdict] for verdict in wrong(sign, points))
        return said | {f"wrongly {error}": said[error] for error in errors}

    return simulate


def several(points: tuple[float, ...], n: int) -> Simulation:
    """Judge a claim that several arms, so many points above a control, are each better than it."""
    gains = np.array(points) * POINT

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        control, arms = (rng.normal(0, 0.25 * POINT, (studies, k, n)) for k in (1, len(gains)))
        tests = one_sample(arms - control + gains[:, None])
        return _claim(tests, points)

    return simulate


def _claim(tests: TTests, points: tuple[float, ...]) -> Outcomes:
    return _of_all(relations(tests, ">", MARGIN, len(points)), min(points))


def _of_all(found: np.ndarray, least: float) -> Outcomes:
    """Count the verdicts on claims, of which the worst relation is true by ``least`` points, or false."""
    claim = conjunctions(found)
    said = {word: claim == verdict for verdict, word in CLAIM_VERDICTS.items()}
    against = (claim == CONTRADICTED) | (claim == TOO_SMALL)
    if least <= 0:
        return said | {"wrongly supported": claim == SUPPORTED}
    wrongly = {"wrongly contradicted": claim == CONTRADICTED}
    return said | wrongly | ({"wrongly one of the two": against} if least >= 0.3 else {})


def two_metrics(gain: float, saving: float, n: int) -> Simulation:
    """Judge "more accurate by ``gain`` points, and it costs less": logarithms of ratios, a margin of 5%.

    Costs and accuracies of a seed go together.
    """

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        common, own, other = rng.normal(size=(3, studies, n))
        accuracy = one_sample(gain * POINT + SPREAD * (common + own) / np.sqrt(2))
        cost = one_sample(saving + 0.05 * (common + other) / np.sqrt(2))
        found = [relations(accuracy, ">", MARGIN, 2), relations(cost, ">", log(1.05), 2)]
        least = min(gain, 0.3 * saving / log(1.05))
        return _of_all(np.stack(found, axis=-1), least)

    return simulate


def _one(sign: str) -> Mapping[str, Simulation]:
    return {
        f"{n} seeds, a is {'better' if gain > 0 else 'worse'} by {abs(gain)} points"
        if gain
        else f"{n} seeds, a and b are equal": relation(sign, gain, n)
        for n in (3, 10)
        for gain in GAINS
    }


def _several() -> Mapping[str, Simulation]:
    found: dict[str, Simulation] = {}
    for n in (3, 10):
        for m in (1, 3, 9):
            claim = f"{n} seeds, {m} relation{'s' if m > 1 else ''}"
            found |= {
                f"{claim}, all true by 0.3 points": several((0.3,) * m, n),
                f"{claim}, all true by 0.1": several((0.1,) * m, n),
                f"{claim}, none true: arms are equal": several((0.0,) * m, n),
            }
            if m > 1:
                found[f"{claim}, all but one true, by 3 points"] = several((0.0, *(3.0,) * (m - 1)), n)
    for n in (3, 10):
        claim = f"{n} seeds, 2 metrics"
        found |= {
            f"{claim}, both true by the margin": two_metrics(0.3, log(1.05), n),
            f"{claim}, only that of costs": two_metrics(0.0, 1.0, n),
            f"{claim}, only that of accuracy": two_metrics(3.0, 0.0, n),
            f"{claim}, neither": two_metrics(0.0, 0.0, n),
        }
    return found


ERRORS = {"wrongly supported": 0.025, "wrongly contradicted": 0.025, "wrongly too small to matter": 0.05}

TOPICS = (
    Topic(
        "Claims: a > b",
        "Differences spread by 0.354 points, and 0.3 is the smallest gain that matters. Supported is wrong "
        "without a gain, contradicted with one, and too small to matter with one of 0.3 points or more.",
        _one(">"),
        {name: Promise(most, side="<=") for name, most in ERRORS.items()},
    ),
    Topic(
        "Claims: a <= b, that a does not help",
        "Supported is wrong where a gains 0.3 points or more, contradicted where it gains nothing.",
        _one("<="),
        {"wrongly supported": Promise(0.05, side="<="), "wrongly contradicted": Promise(0.025, side="<=")},
    ),
    Topic(
        "Claims: a = b",
        "Supported is wrong from a difference of 0.3 points on, contradicted up to there.",
        _one("="),
        {"wrongly supported": Promise(0.05, side="<="), "wrongly contradicted": Promise(0.025, side="<=")},
    ),
    Topic(
        "Claims of several relations",
        "All arms are compared with one control. One of the two: contradicted or too small to matter.",
        _several(),
        {
            "wrongly supported": Promise(0.025, side="<="),
            "wrongly contradicted": Promise(0.025, side="<="),
            "wrongly one of the two": Promise(0.05, side="<="),
        },
    ),
)
