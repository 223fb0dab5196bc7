from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from example_counts import drawn
from factories import TEST_IMAGES, make_results, make_study
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from later import statsmodels
from scipy import stats

from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.results import Results

STORED = [status for status in Status if status is not Status.STOPPED]
"""What a store can hold of a run; that it was stopped is seen by whoever looks."""

counts = st.lists(st.integers(1500, 1900), min_size=5, max_size=5)


def report_of(correct: dict[str, list[int]], **study: object) -> Findings:
    with TemporaryDirectory() as folder:
        return build(make_results(Path(folder), make_study(tuple(correct), **study), correct=correct))


@settings(max_examples=drawn(10))
@given(counts, counts)
def test_numbers_of_two_arms_are_those_of_scipy(a: list[int], b: list[int]) -> None:
    assume(len(set(a)) > 1 and np.ptp(np.subtract(a, b)) > 0)
    report = report_of({"a": a, "b": b})
    x, y = np.array(a) / TEST_IMAGES, np.array(b) / TEST_IMAGES
    (effect,) = report.effects
    oracle = stats.ttest_rel(x, y)
    assert effect.pair.comparison.mean == pytest.approx(np.mean(x - y), abs=1e-12)
    assert effect.pair.comparison.p == pytest.approx(oracle.pvalue, rel=1e-6)
    assert effect.interval == pytest.approx(tuple(oracle.confidence_interval(0.95)), abs=1e-11)
    assert report.arms[0].test.mean == pytest.approx(x.mean())
    low, high = stats.t.interval(0.95, 4, x.mean(), stats.sem(x))
    assert report.arms[0].test.interval == pytest.approx((low, high))
    assert effect.crossed is not None
    assert effect.crossed.mean == pytest.approx(effect.pair.comparison.mean, abs=1e-12)


def test_a_family_is_corrected_as_statsmodels_does(family: Findings) -> None:
    values = {arm.name: np.array(arm.values) for arm in family.arms}
    raw = [stats.ttest_rel(values[arm], values["max"]).pvalue for arm in ("average", "strided", "dilated")]
    expected = statsmodels.multipletests(raw, method="bonferroni")[1]
    assert [effect.pair.p for effect in family.effects] == pytest.approx(list(expected))
    assert family.effects[0].name == "average less max"


def test_costs_are_means_and_the_largest_peak(results: Results) -> None:
    row = build(results).arms[1]
    done = [run for run in results.of("average") if run.status is Status.DONE]
    assert row.seconds_per_epoch == pytest.approx(np.mean([run.seconds_per_epoch for run in done]))
    assert row.valid_best == pytest.approx(np.mean([run.valid_best for run in done]))
    assert row.test_loss == pytest.approx(np.mean([run.test_loss for run in done]))
    assert row.peak_memory == max(run.peak_memory for run in done)
    assert row.memory_source == "computed"


def test_diverged_runs_are_counted_and_leave_only_the_means(report: Findings) -> None:
    row = report.arms[1]
    assert (row.done, row.diverged, row.planned) == (5, 1, 6)
    assert row.test.n == 5
    assert row.test.mean == pytest.approx(np.nanmean(row.values))
    assert report.effects[0].pair.left_out == 1
    assert report.complete
    assert any("1 of 6 runs of average diverged" in limit for limit in report.limits)


def test_stuck_runs_are_counted_and_leave_the_means(tmp_path: Path) -> None:
    """A mean of runs that read 88% and one that guesses describes none of them."""
    results = make_results(tmp_path, stuck=[("average", 2)])
    report = build(results)
    row = report.arms[1]
    assert (row.done, row.stuck, row.failures, row.test.n) == (5, 1, 1, 4)
    assert np.isnan(row.values[2])
    learnt = [run for run in results.of("average") if run.seed != 2]
    assert row.test.mean == pytest.approx(np.mean([run.test_accuracy for run in learnt]))
    assert row.valid_best == pytest.approx(np.mean([run.valid_best for run in learnt]))
    assert row.test_loss == pytest.approx(np.mean([run.test_loss for run in learnt]))
    everyone = [run.seconds_per_epoch for run in results.of("average")]
    assert row.seconds_per_epoch == pytest.approx(np.mean(everyone))  # an epoch takes its time all the same
    pair = report.effects[0].pair
    assert (pair.comparison.n, pair.left_out, pair.failures.b.failed) == (4, 1, 1)


def test_of_an_arm_that_never_learnt_what_it_guesses_is_shown(tmp_path: Path) -> None:
    report = build(make_results(tmp_path, stuck=[("average", seed) for seed in range(5)]))
    row = report.arms[1]
    assert row.never_learnt
    assert (row.stuck, row.test.n, row.test.mean) == (5, 5, 0.1)
    assert report.effects[0].pair.comparison.n == 5


@settings(max_examples=drawn(15))
@given(st.data())
def test_nothing_is_inferred_before_the_last_run(data: st.DataObject) -> None:
    arms, seeds = ("a", "b", "c"), data.draw(st.integers(1, 3))
    keys = [(arm, seed) for arm in arms for seed in range(seeds)]
    statuses = {key: data.draw(st.sampled_from(STORED), label=str(key)) for key in keys}
    with TemporaryDirectory() as folder:
        report = build(make_results(Path(folder), make_study(arms, seeds), statuses=statuses))
    complete = all(status.ended for status in statuses.values())
    assert report.complete == complete
    assert (report.family is not None) == complete
    if not complete:
        assert report.stamp == f"interim {sum(s.ended for s in statuses.values())}/{3 * seeds}"
        assert not report.effects
        assert all(arm.test.interval is None for arm in report.arms)
        assert report.answer.startswith("Not answered yet")


def test_interim_arms_have_means_and_spread(interim: Results) -> None:
    first, second = build(interim).arms
    assert first.test.sd is not None
    assert first.spread == "–"
    assert second.test.n == 2
    assert second.spread == "; ".join(f"{100 * value:.2f}" for value in second.values if np.isfinite(value))


def test_rerun_names_what_was_run(results: Results) -> None:
    rerun = build(results).rerun
    assert rerun.study_digest == results.study.digest
    assert rerun.test_openings == 11
    assert rerun.seeds == (0, 1, 2, 3, 4, 5)
    assert rerun.data == "glyphs"
