"""The sentences that a report leads with: one of five verdicts, and failures before anything else."""

import re
from pathlib import Path

import numpy as np
import pytest
from factories import TEST_IMAGES, make_results, make_study
from later import statsmodels
from scipy import stats

from assay.findings.findings import Findings, build
from assay.findings.wording.facts import facts
from assay.records.runs import Status
from assay.stats import Verdict

BASE = [1760, 1771, 1765, 1770, 1759]
TEN = [1760, 1771, 1765, 1770, 1759, 1768, 1762, 1766, 1769, 1757]
LOST, STUCK = "diverged", "stuck"
Runs = dict[str, dict[int, str]]


def report_of(folder: Path, shifts: dict[str, list[int]], **study: object) -> Findings:
    correct = {arm: [n + d for n, d in zip(BASE, by, strict=True)] for arm, by in shifts.items()}
    return build(make_results(folder, make_study(tuple(shifts), **study), correct=correct))


def failing(folder: Path, correct: dict[str, list[int]], failed: Runs, **study: object) -> Findings:
    """Return the report of arms some runs of which diverged or are stuck, by arm and seed."""
    runs = {(arm, seed): how for arm, seeds in failed.items() for seed, how in seeds.items()}
    stuck = [run for run, how in runs.items() if how == STUCK]
    statuses = {run: Status.DIVERGED for run, how in runs.items() if how == LOST}
    made = make_study(tuple(correct), len(next(iter(correct.values()))), **study)
    return build(make_results(folder, made, correct=correct, statuses=statuses, stuck=stuck))


SAME, UP, DOWN = [0, 0, 0, 0, 0], [40, 41, 39, 42, 40], [-40, -41, -39, -42, -40]
CLOSE, NOISY = [1, 0, -1, 0, 1], [20, -18, 30, -2, 4]


def test_each_verdict_against_a_control_has_its_place(tmp_path: Path) -> None:
    shifts = {"base": SAME, "up": UP, "down": DOWN, "close": CLOSE, "noisy": NOISY}
    answer = report_of(tmp_path, shifts, control="base").answer
    assert answer.startswith(
        "Compared with base, up (+2.02 points) is better; down (-2.02 points) is worse; "
    )
    assert "close is equivalent within 0.3 points (5 seeds)." in answer
    more = r"perhaps [\d,]+ to (over )?[\d,]+ more seeds may settle it"
    assert re.search(rf"The data do not decide about noisy \({more}\)\.$", answer)


def test_a_negligible_difference_is_called_so(tmp_path: Path) -> None:
    answer = report_of(tmp_path, {"base": SAME, "a": [2, 2, 2, 3, 2], "b": UP}, control="base").answer
    assert "a (+0.11 points) is different, but negligibly" in answer


def test_all_pairs_name_the_best_and_those_like_it(tmp_path: Path) -> None:
    answer = report_of(tmp_path / "apart", {"a": SAME, "b": UP, "c": DOWN}).answer
    assert answer == "B has the highest mean test accuracy, 90.27%, and stands apart from all other arms."
    answer = report_of(tmp_path / "like", {"a": SAME, "b": NOISY, "c": DOWN}).answer
    assert "but the data do not tell it from a." in answer
    assert "do not decide 1 of the 3 pairs" in answer


def test_who_stands_apart_by_next_to_nothing_is_said_to(tmp_path: Path) -> None:
    """Told from b and from c, but from b by a tenth of a point, within the margin."""
    answer = report_of(tmp_path, {"a": [2, 2, 2, 3, 2], "b": SAME, "c": DOWN}).answer
    assert answer.endswith("and stands apart from all other arms, though from b only negligibly.")


def test_guesses_have_neither_interval_nor_p(tmp_path: Path) -> None:
    every = {arm: dict.fromkeys(range(5), STUCK) for arm in ("ours", "theirs")}
    report = failing(tmp_path, {"ours": BASE, "theirs": BASE}, every)
    (effect,) = report.effects
    assert (effect.interval, effect.deciding_p, effect.pair.tost_p, effect.crossed) == (None,) * 4
    names = [fact.name for fact in facts(effect)]
    assert "Mean difference" in names
    assert not re.search(r"test|interval|Hedges|images", " ".join(names))
    assert not any("Interval and p" in limit for limit in report.limits)


def test_two_arms_are_answered_with_interval_and_seeds(tmp_path: Path) -> None:
    """The interval has the direction of the words: worse by 2.02 points, 1.95 to 2.09, against SciPy."""
    low, high = stats.t.interval(0.95, 4, -np.mean(DOWN), stats.sem(DOWN)) / np.array(TEST_IMAGES) * 100
    assert report_of(tmp_path, {"ours": DOWN, "theirs": SAME}).answer == (
        f"Ours is worse than theirs by 2.02 points (95% interval {low:.2f} to {high:.2f}; 5 seeds)."
    )


@pytest.mark.parametrize(
    ("seeds", "expected"), [(1, r"88\.\d\d% .* \(1 seed\)"), (3, r"95% interval .* 3 seeds")]
)
def test_one_arm_is_described(tmp_path: Path, seeds: int, expected: str) -> None:
    assert re.search(expected, build(make_results(tmp_path, make_study(("a",), seeds))).answer)


def test_an_arm_without_a_finished_run_says_so(tmp_path: Path) -> None:
    answer = failing(tmp_path, {"a": BASE[:2]}, {"a": {0: LOST, 1: LOST}}).answer
    assert answer == "A gave no test result: none of 2 runs finished."


def test_a_single_arm_counts_its_failures_first(tmp_path: Path) -> None:
    answer = failing(tmp_path, {"a": TEN[:5]}, {"a": {1: STUCK, 3: LOST}}).answer
    mean = np.mean([TEN[seed] for seed in (0, 2, 4)]) / TEST_IMAGES
    assert answer.startswith(
        "Runs failed: 2 of 5 of a (1 diverged and 1 stuck); what follows is of the runs that learnt. "
        f"A reads {100 * mean:.2f}% of the test characters (95% interval "
    )
    assert answer.endswith("; 3 seeds).")


def test_a_single_arm_that_learnt_nothing_says_so(tmp_path: Path) -> None:
    answer = failing(tmp_path, {"a": BASE[:3]}, {"a": dict.fromkeys(range(3), STUCK)}).answer
    assert answer == "No run of a learnt anything: its 10.00% are guesses."


def test_failures_come_first_and_the_difference_says_on_how_many_seeds_it_rests(tmp_path: Path) -> None:
    """6 of 10 runs diverge and the others are better: nobody may read that the arm is better, full stop.

    Exact shares and intervals by SciPy, the exact paired test by statsmodels.
    """
    above = [n + 40 + n % 3 for n in TEN]
    report = failing(tmp_path, {"ours": above, "theirs": TEN}, {"ours": dict.fromkeys(range(6), LOST)})
    p = statsmodels.mcnemar([[4, 0], [6, 0]], exact=True).pvalue

    def exact(count: int) -> str:
        low, high = stats.binomtest(count, 10).proportion_ci(0.95, method="exact")
        return f"95% interval {100 * low:.0f}% to {100 * high:.0f}%"

    difference = stats.ttest_rel(np.array(above[6:]) / TEST_IMAGES, np.array(TEN[6:]) / TEST_IMAGES)
    low, high = (100 * end for end in difference.confidence_interval(0.95))
    mean = 100 * np.mean(np.subtract(above, TEN)[6:]) / TEST_IMAGES
    assert report.answer == (
        f"Ours failed on 6 of 10 seeds ({exact(6)}), theirs on 0 of 10 seeds ({exact(0)}): "
        f"ours fails more often (p = {p:.2g}). "
        f"With a failed run ranked last, ours comes out ahead of theirs on 40% of the seeds ({exact(4)}). "
        f"On the 4 seeds on which both learnt, ours is better than theirs by {mean:.2f} points "
        f"(95% interval {low:.2f} to {high:.2f}; 4 seeds)."
    )


def test_failures_that_may_be_chance_are_called_so(tmp_path: Path) -> None:
    report = failing(tmp_path, {"ours": TEN, "theirs": TEN}, {"theirs": {2: LOST, 5: STUCK}})
    p = statsmodels.mcnemar([[8, 2], [0, 0]], exact=True).pvalue
    assert f"that one of them fails more often is not shown (p = {p:.2f})" in report.answer
    assert "On the 8 seeds on which both learnt, " in report.answer
    assert "ours comes out ahead of theirs on 60% of the seeds" in report.answer  # 2 wins, 8 ties


def test_seeds_are_those_of_the_pair_and_not_of_the_study(tmp_path: Path) -> None:
    """Another arm that failed everywhere takes no seed from a comparison that has six."""
    arms = {"base": TEN[:6], "up": [n + 40 + n % 3 for n in TEN[:6]], "lost": TEN[:6]}
    lost = {"lost": dict.fromkeys(range(6), LOST)}
    report = failing(tmp_path, arms, lost, control="base")
    assert report.answer == (
        "Runs failed: 6 of 6 of lost (6 diverged); what follows is of the seeds on which both arms learnt. "
        "Compared with base, up (+2.05 points) is better (6 seeds). The data do not decide about lost."
    )
    assert "no seed on which" not in report.answer


def test_pairs_on_different_seeds_say_from_how_many_to_how_many(tmp_path: Path) -> None:
    arms = {"base": TEN, "up": [n + 40 + n % 3 for n in TEN], "more": [n + 80 + n % 3 for n in TEN]}
    answer = failing(tmp_path, arms, {"more": {0: LOST, 1: LOST}}, control="base").answer
    assert "(8 to 10 seeds)." in answer


def test_of_many_arms_that_fail_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    arms = {arm: BASE for arm in ("base", "b", "c", "d", "e", "f")}
    lost = {arm: {0: LOST} for arm in ("b", "c", "d", "e")} | {"f": {0: STUCK, 1: STUCK}}
    assert failing(tmp_path, arms, lost, control="base").answer.startswith(
        "Runs failed: 1 of 5 of b (1 diverged), 1 of 5 of c (1 diverged), 1 of 5 of d (1 diverged) and "
        "3 of 10 of 2 other arms; what follows is of the seeds on which both arms learnt."
    )


def test_a_control_that_never_learnt_is_beaten_by_nobody(tmp_path: Path) -> None:
    arms = {"base": BASE, "up": BASE, "down": BASE}
    for folder, how in (("lost", LOST), ("stuck", STUCK)):
        lost = {"base": dict.fromkeys(range(5), how)}
        answer = failing(tmp_path / folder, arms, lost, control="base").answer
        beat = "there is nothing to beat" if how is LOST else "what it guesses is all that there is to beat"
        assert answer.endswith(f"No run of the control base learnt anything: {beat}.")
        assert "better" not in answer


def test_guesses_are_called_guesses(tmp_path: Path) -> None:
    """An arm that never learnt keeps its finished runs; they are no seeds on which both learnt."""
    mixed = {"ours": {0: LOST, **dict.fromkeys(range(1, 5), STUCK)}}
    answer = failing(tmp_path / "mixed", {"ours": BASE, "theirs": BASE}, mixed).answer
    assert answer.startswith("Ours failed on 5 of 5 seeds (95% interval 48% to 100%)")
    assert "No run of ours learnt anything: by what it guesses, ours is worse than theirs by 78." in answer
    assert answer.endswith("; 4 seeds).")
    assert "both learnt" not in answer
    few = {"ours": {**dict.fromkeys(range(3), LOST), 3: STUCK, 4: STUCK}}
    answer = failing(tmp_path / "few", {"ours": BASE, "theirs": BASE}, few).answer
    assert "by what it guesses, ours less theirs is -78.50 and -77.95 points on 2 seeds: too few" in answer


def test_without_a_common_seed_nothing_is_compared(tmp_path: Path) -> None:
    lost = {"ours": {0: LOST, 1: LOST, 2: LOST}, "theirs": {3: LOST, 4: STUCK}}
    answer = failing(tmp_path, {"ours": BASE, "theirs": BASE}, lost).answer
    assert answer.endswith("There is no seed on which both ours and theirs learnt: nothing can be compared.")


@pytest.mark.parametrize("arms", [2, 3])
@pytest.mark.parametrize("how", [LOST, STUCK])
def test_a_verdict_over_nothing_but_failures_says_so(tmp_path: Path, arms: int, how: str) -> None:
    names = ("a", "b", "c")[:arms]
    every = {arm: dict.fromkeys(range(5), how) for arm in names}
    report = failing(tmp_path, dict.fromkeys(names, BASE), every)
    assert report.answer == "No run learnt anything: all that there is to compare is guesses."
    for effect in report.effects:
        assert effect.pair.judgement.verdict is Verdict.INCONCLUSIVE
        assert effect.pair.judgement.more_seeds is None


def test_the_highest_mean_is_the_highest_that_is_printed(tmp_path: Path) -> None:
    """Also where seeds are missing: on the common seeds the other arm is ahead."""
    arms = {
        "a": [1700, 1702, 1790, 1792, 1791],
        "b": [1710, 1713, 1600, 1600, 1600],
        "c": [1650, 1652, 1655, 1651, 1654],
    }
    report = failing(tmp_path, arms, {"b": dict.fromkeys((2, 3, 4), LOST)})
    printed = {arm.name: f"{100 * arm.test.mean:.2f}" for arm in report.arms}
    assert max(printed, key=printed.get) == "a"
    assert f"A has the highest mean test accuracy, {printed['a']}%" in report.answer
    swapped = failing(
        tmp_path / "swapped", arms, {"a": dict.fromkeys((2, 3, 4), LOST), "b": {2: LOST, 3: LOST, 4: LOST}}
    )
    assert "B has the highest mean test accuracy, 85.58%" in swapped.answer


def test_a_seed_that_learnt_and_came_out_far_lower_is_named(tmp_path: Path) -> None:
    low = [*TEN[:9], 1500]
    report = failing(tmp_path, {"ours": TEN, "theirs": low}, {})
    others = np.array(low[:9]) / TEST_IMAGES
    t = (0.75 - others.mean()) / (others.std(ddof=1) * np.sqrt(1 + 1 / 9))
    assert stats.t.cdf(t, 8) < 0.01 / 10
    assert report.arms[1].outlying == {9: 0.75}
    assert (
        "But theirs's seed 9 (75.00%) lies lower than the arm's other seeds explain: intervals do not cover "
        "such rare bad seeds."
    ) in report.answer
    assert "lower than" not in failing(tmp_path / "all", {"ours": TEN, "theirs": TEN}, {}).answer


def test_who_did_not_fail_is_not_said_to_have(tmp_path: Path) -> None:
    answer = build(make_results(tmp_path, make_study(("a", "b")))).answer
    assert not re.search("fail|learnt|guess", answer)


def test_what_is_undecided_is_never_called_equal(tmp_path: Path) -> None:
    report = report_of(tmp_path, {"a": SAME, "b": NOISY})
    assert report.effects[0].pair.judgement.verdict == "inconclusive"
    said = " ".join([report.answer, *report.limits]).replace("does not mean that there is no difference", "")
    assert not re.search(r"no difference|no effect|not significant|the same as|equal to", said)


@pytest.mark.parametrize(
    ("shift", "words"),
    [(UP, "better"), (DOWN, "worse"), ([-2, -2, -2, -3, -2], "below"), ([2, 2, 2, 3, 2], "above")],
)
def test_intervals_of_a_difference_have_the_direction_of_the_words(
    tmp_path: Path, shift: list[int], words: str
) -> None:
    """Who is worse by 0.4 points is so by 0.3 to 0.5 points, and not by -0.5 to -0.3."""
    answer = report_of(tmp_path, {"ours": shift, "theirs": SAME}).answer
    shown, low, high = map(
        float, re.search(r"by ([-\d.]+) points.*?95% interval ([-\d.]+) to ([-\d.]+)", answer).groups()
    )
    assert words in answer
    assert 0 < low <= shown <= high
