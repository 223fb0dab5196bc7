"""What is printed is what decided: every claim's interval or bound and every pair's, over drawn runs."""

from collections.abc import Callable
from math import inf, isinf, log
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from example_counts import drawn
from factories import TEST_IMAGES, make_results, make_study
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import Page
from scipy import stats

from assay.findings.claim_verdicts import ClaimRow, claims
from assay.findings.claimed_relations import metric_values
from assay.findings.findings import build
from assay.findings.relation_findings import RelationFinding
from assay.findings.wording import claim_words
from assay.records.metrics import METRICS, Metric
from assay.report.html import render
from assay.results import Results
from assay.stats import ClaimVerdict, Pair, Verdict

S, C, U = ClaimVerdict.SUPPORTED, ClaimVerdict.CONTRADICTED, ClaimVerdict.UNDECIDED
T = ClaimVerdict.TOO_SMALL
MIRRORED = {"<": ">", "<=": ">="}
RELATIONS = ("<", "<=", "=", ">=", ">")
JUDGED = ("test_accuracy", "overfit", "test_loss", "seconds_per_epoch")
Interval = tuple[float, float]


@st.composite
def counts(draw: st.DrawFn) -> dict[str, list[int]]:
    """Two arms of 3 to 9 seeds: far apart, near, or a little apart with little noise."""
    seeds = draw(st.integers(3, 9))
    apart, noise = draw(st.integers(-30, 30)), draw(st.sampled_from([1, 4, 30]))
    base = draw(st.lists(st.integers(1600, 1700), min_size=seeds, max_size=seeds))
    moved = draw(st.lists(st.integers(-noise, noise), min_size=seeds, max_size=seeds))
    return {"max": [n + apart + d for n, d in zip(base, moved, strict=True)], "average": base}


def every_claim() -> list[dict[str, object]]:
    """Each relation alone, and two at once, by differences and by ratios, and factors."""
    found: list[dict[str, object]] = []
    for metric in JUDGED:
        found += [{"expect": [f"max {relation} average"], "metric": metric} for relation in RELATIONS]
        found += [
            {"expect": [f"max {relation} average", "average >= max"], "metric": metric}
            for relation in RELATIONS
        ]
    found += [{"expect": [f"max = {x} x average"], "metric": "test_loss"} for x in (0.7, 0.9, 1.2)]
    return [{"sentence": f"claim {place}", **claim} for place, claim in enumerate(found)]


def scale(
    results: Results, metric: Metric, part: RelationFinding
) -> tuple[np.ndarray, Interval | None, float]:
    """Return differences, interval and margin of a part in one unit, turned so that "greater" is claimed."""
    terms = part.relation.split()
    factor = float(terms[2]) if len(terms) == 5 else 1.0
    a, b = (metric_values(results, arm, metric) for arm in (terms[0], terms[-1]))
    interval, margin = part.interval, part.margin
    if metric.ratio:
        d, margin = np.log(a / b) - log(factor), log(margin)
        interval = interval and tuple(end if isinf(end) else log(end / factor) for end in interval)
    else:
        d = a - b
    if terms[1] in MIRRORED:
        d, interval = -d, interval and (-interval[1], -interval[0])
    return d, interval, margin


Rule = Callable[[float, float, float], bool]
RULES: dict[tuple[str, ClaimVerdict], Rule] = {
    (">", S): lambda low, high, margin: low > 0 and not isinf(high),
    (">", C): lambda low, high, margin: high < 0 and not isinf(low),
    (">", T): lambda low, high, margin: low == -inf and high < margin,
    (">", U): lambda low, high, margin: low <= 0 <= high and not isinf(low),
    (">=", S): lambda low, high, margin: low > -margin and high == inf,
    (">=", C): lambda low, high, margin: high < 0 and not isinf(low),
    (">=", U): lambda low, high, margin: low <= -margin if isinf(high) else high >= 0,
    ("=", S): lambda low, high, margin: -margin < low and high < margin,
    ("=", C): lambda low, high, margin: low > margin or high < -margin,
    ("=", U): lambda low, high, margin: (
        (low <= -margin or high >= margin) and low <= margin and high >= -margin
    ),
}
"""What the interval, or one-sided bound, of a - b is like for a verdict (docs/statistics.md)."""


def by_scipy(d: np.ndarray, interval: Interval, confidence: float) -> Interval:
    """Return the interval or bound of the same sides and confidence."""
    side = "less" if isinf(interval[0]) else "greater" if isinf(interval[1]) else "two-sided"
    return tuple(stats.ttest_1samp(d, 0, alternative=side).confidence_interval(confidence))


def allowed(row: ClaimRow, part: RelationFinding) -> set[float]:
    """Return the confidences that a part may have: at 5%, or at its share of that for what speaks against."""
    sure = 1 - 0.05 / len(row.parts)
    if isinf(part.interval[0]) or isinf(part.interval[1]):
        return {S: {0.95}, T: {sure}, U: {0.95}}[part.verdict]
    if part.relation.split()[1] == "=":
        return {S: {0.9}, C: {sure}, U: {0.9, sure}}[part.verdict]
    return {S: {0.95}, C: {sure}, U: {0.95, sure}}[part.verdict]


@settings(max_examples=drawn(8), deadline=None)
@given(counts())
def test_the_interval_that_is_printed_is_the_one_that_decided(correct: dict[str, list[int]]) -> None:
    """Of every relation, by differences and by ratios, alone and together with another."""
    with TemporaryDirectory() as folder:
        study = make_study(seeds=len(correct["max"]), claims=every_claim())
        results = make_results(Path(folder), study, correct=correct)
        rows = claims(results)
    for claim, row in zip(study.claims, rows, strict=True):
        for part in row.parts:
            d, interval, margin = scale(results, METRICS[claim.metric], part)
            relation = part.relation.split()[1]
            assert RULES[MIRRORED.get(relation, relation), part.verdict](*interval, margin), part
            assert any(part.confidence == pytest.approx(found) for found in allowed(row, part)), part
            if np.ptp(d) > 1e-9:
                assert interval == pytest.approx(by_scipy(d, interval, part.confidence), abs=1e-9)


@settings(max_examples=drawn(8), deadline=None)
@given(counts(), st.integers(-20, 20))
def test_a_pairs_interval_decides_its_verdict(correct: dict[str, list[int]], apart: int) -> None:
    """Of three arms' pairs: at 5% / 3, against SciPy."""
    third = [n + apart for n in correct["average"]]
    with TemporaryDirectory() as folder:
        study = make_study(("max", "average", "third"), len(third))
        report = build(make_results(Path(folder), study, correct={**correct, "third": third}))
    values = {arm: np.array(found) / TEST_IMAGES for arm, found in {**correct, "third": third}.items()}
    for effect in report.effects:
        pair = effect.pair
        d = values[pair.a] - values[pair.b]
        assert pair.judgement.verdict is read(pair)
        if np.ptp(d) > 1e-9:
            test = stats.ttest_1samp(d, 0)
            assert pair.interval == pytest.approx(tuple(test.confidence_interval(1 - 0.05 / 3)), abs=1e-11)
            inside = tuple(test.confidence_interval(1 - 0.1 / 3))
            assert pair.equivalence_interval == pytest.approx(inside, abs=1e-11)
            assert pair.p == pytest.approx(min(1, 3 * test.pvalue))


def read(pair: Pair) -> Verdict:
    """Return the verdict that the two printed intervals give."""
    (low, high), (inner_low, inner_high) = pair.interval, pair.equivalence_interval
    inside = inner_low > -0.003 and inner_high < 0.003
    if low <= 0 <= high:
        return Verdict.EQUIVALENT if inside else Verdict.INCONCLUSIVE
    return Verdict.NEGLIGIBLE if inside else Verdict.BETTER if low > 0 else Verdict.WORSE


ROOM = {"max": [1700, 1722, 1684, 1705, 1718], "average": [1698, 1706, 1697, 1700, 1709]}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("metric", "margins", "shown"),
    [
        ("test_accuracy", {"margin": 3.0}, "3 points"),
        ("valid_final", {"margin": 3.0}, "3 points"),
        ("overfit", {"margins": {"overfit": 3.0}}, "3 points"),
        ("test_loss", {"margins": {"loss": 1.5}}, "a factor of 1.5"),
        ("seconds_per_epoch", {"margins": {"time": 1.001}}, "a factor of 1.001"),
        ("peak_memory", {"margins": {"memory": 1.2}}, "a factor of 1.2"),
    ],
)
def test_a_declared_margin_decides_and_is_printed(
    tmp_path: Path, metric: str, margins: dict[str, object], shown: str
) -> None:
    """What is undecided or unlike within the one margin is equal within the other."""
    claim = {"sentence": "So.", "expect": ["max = average"], "metric": metric}
    usual, declared = (
        claims(make_results(tmp_path / name, make_study(claims=[claim], **more), correct=ROOM))[0]
        for name, more in (("usual", {}), ("declared", margins))
    )
    assert (usual.verdict is S) != (declared.verdict is S)
    assert (claim_words.margin(usual.margin), claim_words.margin(declared.margin)) == (
        "a factor of 1.05" if METRICS[metric].ratio else "0.3 points",
        shown,
    )
    results = Results.open(tmp_path / "declared")
    assert (
        f"Compared by {METRICS[metric].title} ({shown} or more matter). {claim_words.summary(declared)}"
        in " ".join(Page(render(build(results))).text.split())
    )


def test_another_metrics_margin_changes_nothing(tmp_path: Path) -> None:
    claim = {"sentence": "So.", "expect": ["max = average"], "metric": "test_loss"}
    usual, other = (
        claims(make_results(tmp_path / name, make_study(claims=[claim], **more), correct=ROOM))
        for name, more in (("usual", {}), ("other", {"margin": 3.0, "margins": {"time": 2.0}}))
    )
    assert usual == other


def test_a_gain_that_nobody_would_care_for_is_too_small(tmp_path: Path) -> None:
    correct = {"max": [1701, 1699, 1702, 1700, 1701], "average": [1700, 1700, 1700, 1700, 1702]}
    claim = {"sentence": "So.", "expect": ["max > average"]}
    (row,) = claims(make_results(tmp_path, make_study(claims=[claim]), correct=correct))
    d = np.subtract(correct["max"], correct["average"]) / TEST_IMAGES
    bound = stats.ttest_1samp(d, 0, alternative="less").confidence_interval(0.95).high
    assert row.verdict is T
    assert (
        claim_words.summary(row)
        == "Too small to matter: a difference of 0.3 points or more on the claimed side is excluded."
    )
    assert row.parts[0].interval == (-inf, pytest.approx(bound))
    assert claim_words.found(row.parts[0]) == f"+0.01 (at most {100 * bound:+.2f}, one-sided 95% bound)"


def test_a_claim_on_the_best_validation_accuracy_is_judged_by_test_accuracy_too(tmp_path: Path) -> None:
    """Both are shown, each with its own numbers; other metrics and "never learns" stand alone."""
    high, low = [1780, 1790, 1785, 1795, 1788], [1700, 1709, 1707, 1713, 1709]
    expected = [{"expect": ["max > average"], "metric": metric} for metric in ("valid_best", "test_accuracy")]
    expected += [{"expect": ["max never learns"], "metric": "valid_best"}]
    study = make_study(claims=[{"sentence": "So.", **claim} for claim in expected])
    results = make_results(tmp_path, study, correct={"max": high, "average": low})
    best, test, never = claims(results)
    assert (test.also, never.also) == (None, None)
    assert best.also == test
    assert (claim_words.metric(best), claim_words.metric(best.also)) == (
        "best validation accuracy",
        "test accuracy",
    )
    assert best.parts[0].estimate == pytest.approx(
        np.mean([run.valid_best for run in results.of("max")])
        - np.mean([run.valid_best for run in results.of("average")])
    )
