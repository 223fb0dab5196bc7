"""Comparisons of a study's results: what counts as failed, and which comparisons there are."""

import numpy as np
import pytest
from factories import TEST_IMAGES, make_results, make_study
from scipy.stats import ttest_rel

from assay.errors import StudyError, UsageError
from assay.findings.comparisons import family_of, resolved
from assay.findings.findings import build
from assay.records.runs import Status
from assay.stats import Verdict

CORRECT = {"max": [1770, 1760, 1750, 1764, 1758], "average": [1763, 1757, 1751, 1749, 1757]}
THREE = ("max", "average", "strided")


def shares(counts):
    return np.array(counts) / TEST_IMAGES


def test_two_arms_are_compared_in_shares(tmp_path):
    results = make_results(tmp_path, correct=CORRECT)
    pair = results.compare("max", "average")
    assert pair.comparison.differences == pytest.approx(shares(CORRECT["max"]) - shares(CORRECT["average"]))
    reference = ttest_rel(shares(CORRECT["max"]), shares(CORRECT["average"]))
    assert pair.interval == pytest.approx(tuple(reference.confidence_interval(0.95)))
    assert pair.equivalence_interval == pytest.approx(tuple(reference.confidence_interval(0.9)))
    assert pair.comparison.margin == 0.003
    assert (
        make_results(tmp_path / "wide", make_study(margin=1.0)).compare("max", "average").comparison.margin
        == 0.01
    )


def test_a_comparison_is_the_declared_one_whichever_way_it_is_asked_for(tmp_path):
    results = make_results(tmp_path, make_study(THREE, control="max"))
    family = family_of(results)
    assert (family.m, family.control) == (2, "max")
    assert results.compare("average", "max") == family.pairs[0]
    turned = results.compare("max", "average")
    assert turned.interval == tuple(-end for end in reversed(family.pairs[0].interval))
    assert turned.p == pytest.approx(family.pairs[0].p)
    # One that was not declared is one of all pairs, three instead of two: its interval is wider.
    other = results.compare("strided", "average")
    reference = ttest_rel(results.accuracies("strided"), results.accuracies("average"))
    assert other.interval == pytest.approx(tuple(reference.confidence_interval(1 - 0.05 / 3)))


def test_a_comparison_is_that_of_the_report(tmp_path):
    results = make_results(tmp_path, make_study(THREE, control="max"), statuses={("max", 1): Status.DIVERGED})
    for effect in build(results).effects:
        assert results.compare(effect.pair.a, effect.pair.b) == effect.pair


def test_what_cannot_be_compared_is_said(tmp_path):
    results = make_results(tmp_path)
    with pytest.raises(StudyError, match=r"did you mean 'max'\?"):
        results.compare("maxx", "average")
    with pytest.raises(UsageError, match="found 'max' twice"):
        results.compare("max", "max")
    running = make_results(tmp_path / "running", statuses={("max", 4): Status.RUNNING})
    assert family_of(running) is None
    with pytest.raises(UsageError, match="9 of 10 runs have come to their end"):
        running.compare("max", "average")


def test_runs_that_diverged_or_guess_have_failed(tmp_path):
    statuses = {("max", 0): Status.DIVERGED}
    results = make_results(tmp_path, correct=CORRECT, statuses=statuses, stuck=[("max", 2), ("average", 2)])
    assert results.failures("max").tolist() == [True, False, True, False, False]
    assert [run.seed for run in results.learnt("average")] == [0, 1, 3, 4]
    assert results.counting("average") == results.learnt("average")
    values = results.counted("max", lambda run: run.test_accuracy)
    assert np.isnan(values).tolist() == [True, False, True, False, False]
    pair = results.compare("max", "average")
    assert (pair.comparison.n, pair.left_out) == (3, 2)
    assert (pair.failures.a.failed, pair.failures.b.failed, pair.failures.only_a) == (2, 1, 1)
    assert (pair.outperforms.ties, pair.outperforms.n) == (1, 5)  # both guess on seed 2


def test_of_an_arm_that_never_learnt_its_guesses_are_compared(tmp_path):
    stuck = [("average", seed) for seed in range(5)]
    results = make_results(tmp_path, correct=CORRECT, stuck=stuck)
    assert results.counting("average") == results.finished("average")
    pair = results.compare("max", "average")
    assert pair.judgement.verdict is Verdict.BETTER
    assert pair.comparison.mean == pytest.approx(shares(CORRECT["max"]).mean() - 0.1)
    both = make_results(tmp_path / "both", stuck=[*stuck, *(("max", seed) for seed in range(5))])
    assert both.compare("max", "average").judgement.verdict is Verdict.INCONCLUSIVE
    assert not resolved(both)


def test_a_run_that_learnt_and_diverged_afterwards_left_chance_level(tmp_path):
    statuses = {("max", 0): Status.DIVERGED}
    results = make_results(tmp_path, statuses=statuses, stuck=[("max", 1)])
    assert [results.left_chance(run) for run in results.of("max")] == [True, False, True, True, True]


def test_a_look_compares_its_seeds_at_its_level(tmp_path):
    study = make_study(seeds=8, looks=[4, 8])
    statuses = {("max", seed): Status.RUNNING for seed in (5, 6, 7)}
    results = make_results(tmp_path, study, statuses=statuses)
    pair = results.compare("max", "average")
    assert pair.comparison.n == 4
    reference = ttest_rel(results.accuracies("max")[:4], results.accuracies("average")[:4])
    assert pair.interval == pytest.approx(tuple(reference.confidence_interval(0.975)))
