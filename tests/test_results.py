"""Results compare their arms as the report does."""

from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from scipy import stats

from assay.errors import StudyError, UsageError
from assay.records import Status
from assay.report.model import build

ARMS = ("max", "average", "strided")


def test_a_declared_comparison_is_that_of_the_report(tmp_path: Path):
    results = make_results(tmp_path, make_study(ARMS, control="max"))
    for effect in build(results).effects:
        assert results.compare(effect.pair.a, effect.pair.b) == effect.pair


def test_turned_round_it_is_the_same_with_the_other_sign(tmp_path: Path):
    results = make_results(tmp_path, make_study(ARMS))
    there, back = results.compare("max", "average"), results.compare("average", "max")
    assert (back.a, back.comparison.mean, back.p) == ("average", -there.comparison.mean, there.p)
    assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]))


def test_a_pair_that_was_not_declared_is_one_of_all_pairs(tmp_path: Path):
    """At 5% divided by 3, against SciPy."""
    results = make_results(tmp_path, make_study(ARMS, control="max"))
    pair = results.compare("average", "strided")
    test = stats.ttest_rel(results.accuracies("average"), results.accuracies("strided"))
    assert pair.interval == pytest.approx(tuple(test.confidence_interval(1 - 0.05 / 3)), abs=1e-11)
    declared = results.compare("average", "max")
    test = stats.ttest_rel(results.accuracies("average"), results.accuracies("max"))
    assert declared.interval == pytest.approx(tuple(test.confidence_interval(1 - 0.05 / 2)), abs=1e-11)


def test_at_a_look_its_seeds_are_compared_at_its_level(tmp_path: Path):
    late = {(arm, seed): Status.PENDING for arm in ARMS[:2] for seed in (4, 5, 6)}
    results = make_results(tmp_path, make_study(ARMS[:2], 7, looks=[3, 7]), statuses=late)
    pair = results.compare("max", "average")
    a, b = (results.accuracies(arm)[:3] for arm in ARMS[:2])
    assert pair.comparison.n == 3
    expected = stats.ttest_rel(a, b).confidence_interval(1 - 0.05 / 2)
    assert pair.interval == pytest.approx(tuple(expected), abs=1e-11)


def test_arms_are_not_compared_before_the_end_nor_with_themselves(tmp_path: Path):
    results = make_results(tmp_path / "late", statuses={("max", 0): Status.RUNNING})
    with pytest.raises(UsageError, match="9 of 10 runs have come to their end: arms are compared when all"):
        results.compare("max", "average")
    whole = make_results(tmp_path / "whole")
    with pytest.raises(UsageError, match="found 'max' twice"):
        whole.compare("max", "max")
    with pytest.raises(StudyError, match="did you mean 'max'"):
        whole.compare("maxx", "average")


def test_failures_are_runs_that_diverged_or_learnt_nothing(tmp_path: Path):
    results = make_results(tmp_path, statuses={("max", 1): Status.DIVERGED}, stuck=[("max", 3)])
    assert results.failures("max").tolist() == [False, True, False, True, False]
    assert not results.failures("average").any()
    assert [run.seed for run in results.counting("max")] == [0, 2, 4]
    counted = results.counted("max", lambda run: run.test_accuracy)
    assert np.flatnonzero(np.isnan(counted)).tolist() == [1, 3]
