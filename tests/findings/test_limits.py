from pathlib import Path

import pytest
from factories import WHY, make_results, make_study

from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.results import Results


def said(report: Findings, words: str) -> bool:
    return any(words in limit for limit in report.limits)


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_data_is_said(tmp_path: Path, synthetic: bool) -> None:
    assert said(build(make_results(tmp_path, synthetic=synthetic)), "synthetic") == synthetic


def test_published_numbers_are_of_other_images(tmp_path: Path) -> None:
    plain, printed = make_study(), make_study(published={"max": {"test_accuracy": 0.9}})
    for name, study, expected in (("plain", plain, False), ("printed", printed, True)):
        report = build(make_results(tmp_path / name, study, synthetic=False))
        assert said(report, "of their authors' images") == expected


def test_interim_is_said_first(interim: Results) -> None:
    assert build(interim).limits[0].startswith("Interim: 6 of 8 runs")


@pytest.mark.parametrize(("seeds", "words"), [(1, "One seed"), (2, "Two seeds"), (5, "5 seeds are few")])
def test_few_seeds_are_said(tmp_path: Path, seeds: int, words: str) -> None:
    assert said(build(make_results(tmp_path, make_study(seeds=seeds))), words)


def test_many_seeds_are_not_called_few(tmp_path: Path) -> None:
    assert not said(build(make_results(tmp_path, make_study(seeds=12))), "are few")


def test_failed_runs_are_said(tmp_path: Path) -> None:
    report = build(make_results(tmp_path, statuses={("max", 0): Status.FAILED}))
    assert not report.complete
    assert said(report, "1 of 5 runs of max failed")


def test_stuck_runs_are_said_with_the_first_ones_cause(tmp_path: Path) -> None:
    report = build(make_results(tmp_path, stuck=[("max", 1), ("max", 3)]))
    assert report.complete
    assert said(report, "2 of 5 finished runs of max learnt nothing (stuck at chance level)")
    assert said(report, f"Seed 1: {WHY}.")
    assert not said(report, "of average learnt nothing")


def test_a_note_of_several_comparisons_stands_once(family: Findings) -> None:
    floor = [limit for limit in family.limits if "sign-flip p cannot fall below" in limit]
    assert len(floor) == 1


def test_a_note_of_some_comparisons_names_them(tmp_path: Path) -> None:
    """From ten seeds on, where a correlation is worth a word."""
    base = [1700, 1708, 1716, 1704, 1720, 1711, 1699, 1714, 1706, 1718]
    like, unlike = [n + 20 + i % 2 for i, n in enumerate(base)], [3400 - n for n in base]
    for seeds, expected in ((10, True), (9, False)):
        arms = {"base": base[:seeds], "like": like[:seeds], "unlike": unlike[:seeds]}
        study = make_study(tuple(arms), seeds, control="base")
        report = build(make_results(tmp_path / str(seeds), study, correct=arms))
        assert said(report, "Pairing bought nothing (unlike less base)") == expected


def test_how_rare_failures_may_go_unseen_is_said_at_the_level_of_the_report(tmp_path: Path) -> None:
    """1 - 0.05 ** (1 / 5), and at the first of two looks 1 - 0.025 ** (1 / 3)."""
    words = "up to {} of its seeds may fail (with {} confidence)"
    assert said(
        build(make_results(tmp_path / "whole")), "5 runs of an arm all learnt, " + words.format("45%", "95%")
    )
    late = {(arm, seed): Status.PENDING for arm in ("max", "average") for seed in (3, 4, 5)}
    looked = make_results(tmp_path / "look", make_study(seeds=6, looks=[3, 6]), statuses=late)
    assert said(build(looked), "3 runs of an arm all learnt, " + words.format("71%", "97.5%"))
    lost = {(arm, 0): Status.DIVERGED for arm in ("max", "average")}
    assert not said(build(make_results(tmp_path / "lost", statuses=lost)), "A rare failure")


def test_what_a_mean_leaves_out_is_said_of_arms_that_have_one(tmp_path: Path) -> None:
    learnt = "speak of the seeds on which it learnt"
    one = make_results(tmp_path / "one", statuses={("max", 0): Status.DIVERGED})
    assert said(build(one), learnt)
    every = {("max", seed): Status.DIVERGED for seed in range(5)}
    report = build(make_results(tmp_path / "all", statuses=every))
    assert said(report, "5 of 5 runs of max diverged: an outcome in itself, which no mean contains.")
    assert not said(report, learnt)


def test_a_verdict_that_new_images_could_undo_is_said(tmp_path: Path) -> None:
    close = {"a": [1760] * 5, "b": [1750, 1751, 1750, 1749, 1750]}
    report = build(make_results(tmp_path, make_study(("a", "b")), correct=close))
    low, high = report.effects[0].crossed.interval
    assert low < 0 < high
    assert report.effects[0].pair.judgement.verdict == "better"
    assert said(report, "On other images of the same kind the difference could be nil")


def test_the_interval_on_new_images_is_spoken_of_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = make_results(tmp_path)
    assert said(build(results), "The interval on new images")
    monkeypatch.setattr("assay.findings.effects._crossed", lambda *_: None)  # as of answers that are lost
    assert said(build(results), "on these 2,000 test images.")
    assert not said(build(results), "The interval on new images")


def test_the_optimistic_column_is_always_explained(report: Findings) -> None:
    assert said(report, "optimistic")
    assert said(report, "computed from the shapes")


def test_of_several_comparisons_each_says_how_often_its_arms_fail(tmp_path):
    study = make_study(("max", "average", "strided"), seeds=6, control="average")
    statuses = {("strided", seed): Status.DIVERGED for seed in (1, 2)}
    with make_results(tmp_path, study, statuses=statuses) as results:
        said = [limit for limit in build(results).limits if "failed on" in limit]
    assert len(said) == 1
    assert said[0].startswith(
        "Strided failed on 2 of 6 seeds (95% interval 4% to 78%), average on 0 of 6 seeds"
    )


def test_of_a_single_run_it_is_not_said_that_all_learnt(tmp_path: Path) -> None:
    report = build(make_results(tmp_path, make_study(seeds=1)))
    assert said(report, "where 1 run of an arm learnt, up to 95% of its seeds may fail")
