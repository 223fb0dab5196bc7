"""Claims tested on results: each kind of expectation, with what it says and with what was printed."""

from dataclasses import replace

import numpy as np
import pytest
from factories import TEST_IMAGES, make_results, make_study
from scipy.stats import ttest_rel

from assay.findings.claim_verdicts import ClaimRow, claims
from assay.findings.claimed_relations import metric_values
from assay.findings.published import published
from assay.findings.wording import claim_words
from assay.findings.wording.published_words import agrees, falls, value
from assay.records.metrics import METRICS
from assay.records.runs import RunId, Status
from assay.stats import ClaimVerdict, against_published

S, C, U = ClaimVerdict.SUPPORTED, ClaimVerdict.CONTRADICTED, ClaimVerdict.UNDECIDED
HIGH, LOW = [1780, 1790, 1785, 1795, 1788], [1700, 1709, 1707, 1713, 1709]
CORRECT = {"max": HIGH, "average": LOW}
PRINTED = {"max": {"test_accuracy": 0.891}, "average": {"test_accuracy": 0.8, "doubt": "a round number"}}


@pytest.fixture
def tested(tmp_path):
    def test(*expect, metric="test_accuracy", statuses=None, stuck=(), **more) -> ClaimRow:
        study = make_study(
            claims=[{"sentence": "So it is.", "expect": list(expect), "metric": metric, **more}],
            published=PRINTED,
        )
        results = make_results(tmp_path, study, correct=CORRECT, statuses=statuses, stuck=stuck)
        return claims(results)[0]

    return test


def test_a_direction_shows_the_paired_difference(tested):
    row = tested("max > average")
    part = row.parts[0]
    oracle = ttest_rel(np.array(HIGH) / TEST_IMAGES, np.array(LOW) / TEST_IMAGES)
    assert row.verdict is S
    assert claim_words.summary(row) == "Supported."
    assert part.interval == pytest.approx(tuple(oracle.confidence_interval(0.95)), abs=1e-11)
    assert part.confidence == pytest.approx(0.95)
    assert part.p == pytest.approx(oracle.pvalue)
    assert (
        claim_words.found(part)
        == f"+4.00 (95% interval {100 * part.interval[0]:+.2f} to {100 * part.interval[1]:+.2f})"
    )
    assert (part.printed, claim_words.published(part)) == (pytest.approx(0.091), "+9.10 (doubtful)")
    assert part.n == 5


@pytest.mark.parametrize(
    ("expect", "verdict"),
    [("max < average", C), ("max <= average", C), ("average <= max", S), ("max = average", C)],
)
def test_the_other_relations(tested, expect, verdict):
    assert tested(expect).verdict is verdict


def test_a_claim_falls_with_its_weakest_part(tested):
    row = tested("max > average", "average > max")
    assert row.verdict is C
    assert claim_words.summary(row) == "Contradicted by average > max."


@pytest.mark.parametrize(
    ("expect", "summary"),
    [
        (("max > average", "average < max"), "Supported in both comparisons."),
        (("max > average", "average < max", "average <= max"), "Supported in all 3 comparisons."),
        (("max < average", "average > max"), "Contradicted in both comparisons."),
        (("max < average", "average > max", "max > average"), "Contradicted in 2 of 3 comparisons."),
    ],
)
def test_says_in_how_many_comparisons(tested, expect, summary):
    assert claim_words.summary(tested(*expect)) == summary


@pytest.mark.parametrize(("factor", "verdict"), [(0.8, S), (3.0, C)])
def test_costs_are_compared_by_their_ratio(tested, factor, verdict):
    row = tested(f"max = {factor:g} x average", metric="peak_memory")
    assert row.verdict is verdict
    assert row.parts[0].estimate == pytest.approx(38 / 41, abs=1e-3)  # the factory's 38 and 41 MiB
    assert claim_words.found(row.parts[0]) == "0.93x; computed, so exact"
    assert (row.parts[0].interval, row.parts[0].margin) == (None, pytest.approx(1.25))


@pytest.mark.parametrize(("expect", "verdict"), [("max < average", S), ("max > average", C)])
@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_memory_that_was_computed_needs_no_seeds(tmp_path, expect, verdict, seeds):
    """There is no chance in it: 38 MiB are less than 41, and no interval says how surely."""
    claim = {"sentence": "So.", "expect": [expect], "metric": "peak_memory"}
    results = make_results(tmp_path, make_study(seeds=seeds, claims=[claim]))
    (row,) = claims(results)
    assert (row.verdict, row.parts[0].interval, row.parts[0].more_seeds) == (verdict, None, None)
    assert row.parts[0].n == seeds


def test_memory_that_was_measured_is_judged_by_its_interval(tmp_path):
    claim = {"sentence": "So.", "expect": ["max < average"], "metric": "peak_memory"}
    results = make_results(tmp_path, make_study(claims=[claim]))
    results.__dict__["runs"] = [replace(run, memory_source="measured") for run in results.runs]
    assert claims(results)[0].parts[0].interval is not None


def test_a_wider_tolerance_lets_a_rough_ratio_pass(tested):
    assert tested("max = 2 x average", metric="peak_memory", tolerance=3.0).verdict is S


def test_one_run_that_learnt_contradicts_never(tested):
    stuck = [("average", seed) for seed in range(4)]
    row = tested("average never learns", stuck=stuck)
    assert row.verdict is C
    assert claim_words.found(row.parts[0]) == "1 of 5 runs learnt"


def test_never_is_supported_by_runs_that_all_failed_and_says_how_surely(tested):
    row = tested("average never learns", stuck=[("average", seed) for seed in range(5)])
    assert row.verdict is S
    assert (
        claim_words.found(row.parts[0]) == "0 of 5 runs learnt; with 95% confidence at most 45% do"
    )  # 1 - 0.05 ** (1/5)


def test_nothing_is_said_before_the_last_run(tested):
    row = tested("max > average", statuses={("max", 4): Status.RUNNING})
    assert row.verdict is None
    assert row.parts == ()
    assert claim_words.summary(row) == "Not tested before every run has ended."


def test_with_looks_the_first_one_is_waited_for(tmp_path):
    study = make_study(seeds=6, looks=[3, 6], claims=[{"sentence": "So.", "expect": ["max > average"]}])
    late = {("max", seed): Status.RUNNING for seed in range(2, 6)}
    row = claims(make_results(tmp_path, study, statuses=late))[0]
    assert claim_words.summary(row) == "Not tested before the first declared look, at 3 seeds."


def test_never_is_as_sure_as_the_look(tmp_path):
    study = make_study(seeds=6, looks=[3, 6], claims=[{"sentence": "So.", "expect": ["max never learns"]}])
    late = {(arm, seed): Status.RUNNING for arm in ("max", "average") for seed in range(3, 6)}
    results = make_results(tmp_path, study, statuses=late, stuck=[("max", seed) for seed in range(3)])
    found = claim_words.found(claims(results)[0].parts[0])
    assert found == "0 of 3 runs learnt; with 97.5% confidence at most 71% do"  # 1 - 0.025 ** (1/3)


def test_the_gap_between_training_and_validation_is_of_the_last_epoch(tmp_path):
    results = make_results(tmp_path, make_study())
    last = results.epochs(RunId("max", 0))[-1]
    gap = metric_values(results, "max", METRICS["overfit"])[0]
    assert gap == pytest.approx(last.train_accuracy - last.valid_accuracy)


def test_published_numbers_stand_beside_ours(tmp_path):
    results = make_results(tmp_path, make_study(published=PRINTED), correct=CORRECT, synthetic=False)
    ours, doubtful = published(results)
    placed = against_published(np.array(HIGH) / TEST_IMAGES, 0.891, images=(TEST_IMAGES, TEST_IMAGES))
    assert ours.prediction == placed.prediction
    assert ours.consistent is placed.consistent is True
    assert doubtful.consistent is False
    assert doubtful.doubt == "a round number"


def test_costs_of_another_machine_are_shown_and_not_judged(tmp_path):
    study = make_study(published={"max": {"steps_per_second": 212.16, "peak_memory": 845}})
    speed, memory = published(make_results(tmp_path, study))
    assert (speed.consistent, memory.consistent) == (None, None)
    assert memory.ours.mean == pytest.approx(38 * 2**20, rel=0.01)
    assert (speed.printed, memory.printed) == (212.16, 845 * 2**20)
    assert (value(speed, speed.printed), value(memory, memory.printed)) == ("212", "845")
    assert (value(memory, memory.ours.mean), falls(memory), agrees(memory)) == ("38.0", "–", "–")
    assert (speed.ours.interval is None, memory.ours.interval) == (False, None)  # memory was computed


def test_where_a_run_falls_is_cut_to_what_is_possible_and_said_to_be(tmp_path):
    """Beyond 100% there is nothing, of training accuracies neither; a difference may be below 0."""
    correct = {"max": [1999, 1990, 1980], "average": [1000, 1900, 1500]}
    printed = {"test_accuracy": 0.99, "train_final": 0.99, "overfit": 0.01, "test_loss": 0.4}
    study = make_study(seeds=3, published={"max": printed, "average": printed})
    rows = published(make_results(tmp_path, study, correct=correct, synthetic=False))
    found = {(row.arm, row.metric): row for row in rows}
    high = found["max", "test_accuracy"]
    assert (high.prediction[1], high.cut, agrees(high)) == (1.0, True, "yes")
    assert falls(high) == f"{100 * high.prediction[0]:.2f} to 100.00 (cut)"
    for metric in ("test_accuracy", "train_final"):
        wide = found["average", metric]
        assert (wide.prediction, falls(wide)) == ((0.0, 1.0), "0.00 to 100.00 (cut)")
    for arm, metric in (("max", "overfit"), ("max", "test_loss")):
        row = found[arm, metric]
        assert (row.cut, "cut" in falls(row)) == (False, False)
        low, high = (row.metric == "test_loss" or 100) * np.array(row.prediction)
        decimals = 3 if metric == "test_loss" else 2
        assert falls(row) == f"{low:.{decimals}f} to {high:.{decimals}f}"


def test_published_numbers_wait_for_the_end(tmp_path):
    study = make_study(published=PRINTED)
    late = {("max", 0): Status.RUNNING}
    row = published(make_results(tmp_path, study, statuses=late, synthetic=False))[0]
    assert row.prediction is None
    assert row.consistent is None


def test_drawn_characters_judge_no_published_number(tmp_path):
    row = published(make_results(tmp_path, make_study(published=PRINTED), synthetic=True))[0]
    assert (row.prediction, row.consistent) == (None, None)


def test_too_few_seeds_judge_nothing(tmp_path):
    study = make_study(seeds=2, claims=[{"sentence": "So.", "expect": ["max > average"]}], published=PRINTED)
    results = make_results(tmp_path, study, synthetic=False)
    assert claims(results)[0].verdict is U
    assert published(results)[0].prediction is None


def test_a_look_is_judged_at_its_level(tmp_path):
    study = make_study(seeds=6, looks=[3, 6], claims=[{"sentence": "So.", "expect": ["max > average"]}])
    late = {(arm, seed): Status.PENDING for arm in ("max", "average") for seed in (3, 4, 5)}
    results = make_results(tmp_path, study, statuses=late)
    part = claims(results)[0].parts[0]
    alone = make_results(tmp_path / "alone", replace(study, seeds=(0, 1, 2), looks=()))
    assert part.n == 3
    wide, narrow = part.interval, claims(alone)[0].parts[0].interval
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
