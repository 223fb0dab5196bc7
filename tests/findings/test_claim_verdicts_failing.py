"""Claims where runs fail: who learnt nothing supports nothing, and a failure is never left out in silence."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pytest
from factories import TEST_IMAGES, make_results, make_study
from later import statsmodels
from scipy import stats

from assay.findings.claim_verdicts import ClaimRow, claims
from assay.findings.published import published
from assay.findings.wording import claim_words
from assay.records.runs import Status
from assay.stats import ClaimVerdict

S, C, U = ClaimVerdict.SUPPORTED, ClaimVerdict.CONTRADICTED, ClaimVerdict.UNDECIDED
T = ClaimVerdict.TOO_SMALL
ALL = range(10)
HIGH = [1780, 1790, 1785, 1795, 1788, 1781, 1786, 1791, 1784, 1789]
LOW = [n - 80 - n % 3 for n in HIGH]
NEAR = [n - n % 3 + 1 for n in HIGH]
DIRECTIONS = ("<", "<=", ">=", ">")
RELATIONS = (*DIRECTIONS, "=")
Seeds = dict[str, Collection[int]]
Judge = Callable[..., ClaimRow]
JudgeEach = Callable[..., list[ClaimRow]]


@pytest.fixture
def judge_each(tmp_path_factory: pytest.TempPathFactory) -> JudgeEach:
    """Judge claims about max and average over so many seeds, some of which diverged or are stuck."""

    def call(
        *expected: Sequence[str], seeds: int = 10, lost: Seeds | None = None, stuck: Seeds | None = None,
        average: list[int] = LOW, **claim: object,
    ) -> list[ClaimRow]:  # fmt: skip
        claimed = [{"sentence": "So.", "expect": [*relations], **claim} for relations in expected]
        study = make_study(seeds=seeds, claims=claimed)
        results = make_results(
            tmp_path_factory.mktemp("claims"),
            study,
            correct={"max": HIGH[:seeds], "average": average[:seeds]},
            statuses={(arm, s): Status.DIVERGED for arm, some in (lost or {}).items() for s in some},
            stuck=[(arm, s) for arm, some in (stuck or {}).items() for s in some],
        )
        return [*claims(results)]

    return call


@pytest.fixture
def judge(judge_each: JudgeEach) -> Judge:
    """Judge one claim, of some relations, in the same way."""
    return lambda *relations, **more: judge_each(relations, **more)[0]


def every(relations: Sequence[str], a: str = "max", b: str = "average") -> list[list[str]]:
    """Return a claim of each relation between two arms."""
    return [[f"{a} {relation} {b}"] for relation in relations]


@pytest.mark.parametrize("metric", ["test_accuracy", "valid_best", "test_loss", "overfit"])
@pytest.mark.parametrize("how", ["lost", "stuck"])
def test_two_arms_that_learnt_nothing_support_nothing(judge_each: JudgeEach, how: str, metric: str) -> None:
    """Their guesses are alike, one may even be above the other: that says nothing of what was claimed."""
    failed = {how: {"max": range(6), "average": range(6)}}
    for row in judge_each(*every(RELATIONS), seeds=6, metric=metric, **failed):
        (part,) = row.parts
        assert (row.verdict, row.p, part.more_seeds) == (U, 1.0, None)
        assert "no run of max and average learnt anything" in claim_words.found(part)


def test_an_arm_that_diverged_and_one_that_is_stuck_support_nothing(judge_each: JudgeEach) -> None:
    rows = judge_each(*every(RELATIONS), lost={"max": ALL}, stuck={"average": ALL})
    assert [row.verdict for row in rows] == [U] * 5


def test_a_run_that_learnt_and_diverged_did_learn(judge: Judge) -> None:
    """It read 82% before its loss was no number: "never learns" is not so."""
    guessing = [200] * 4
    row = judge(
        "average never learns", seeds=5, average=[*guessing, 1780], stuck={"average": range(4)},
        lost={"average": [4]},
    )  # fmt: skip
    assert (row.verdict, claim_words.found(row.parts[0])) == (C, "1 of 5 runs learnt")
    row = judge(
        "average never learns", seeds=5, average=[*guessing, 200], stuck={"average": range(4)},
        lost={"average": [4]},
    )  # fmt: skip
    assert row.verdict is S


@pytest.mark.parametrize(
    ("seeds", "share", "verdict"),
    [(1, 0.5, U), (3, 0.5, U), (4, 0.5, U), (5, 0.5, S), (4, 0.55, S), (8, 0.3, U), (9, 0.3, S)],
)
def test_never_is_that_less_than_the_share_would_learn(
    judge: Judge, seeds: int, share: float, verdict: ClaimVerdict
) -> None:
    """Against SciPy's exact one-sided bound of none of so many."""
    row = judge("max never learns", seeds=seeds, share=share, stuck={"max": range(seeds)})
    (part,) = row.parts
    bound = stats.binomtest(0, seeds, alternative="less").proportion_ci(0.95, method="exact").high
    assert row.verdict is verdict
    assert (bound < share) == (verdict is S)
    assert claim_words.found(part) == (
        f"0 of {seeds} run{'s' * (seeds > 1)} learnt; with 95% confidence at most {100 * bound:.0f}% do"
    )
    assert part.p == pytest.approx(stats.binomtest(0, seeds, share, alternative="less").pvalue)


def test_never_says_how_many_more_runs_would_do(judge: Judge) -> None:
    row = judge("max never learns", seeds=3, stuck={"max": range(3)})
    assert claim_words.summary(row) == "Undecided; 2 more seeds may decide."


@pytest.mark.parametrize(("metric", "better"), [("test_accuracy", (">", ">=")), ("test_loss", ("<", "<="))])
def test_an_arm_that_never_finishes_is_judged_by_the_exact_test_of_failures(
    judge_each: JudgeEach, metric: str, better: tuple[str, str]
) -> None:
    """Worse, whichever way better is: six seeds show it, five do not."""
    for seeds in (5, 6):
        p = statsmodels.mcnemar([[0, 0], [seeds, 0]], exact=True).pvalue
        claimed = [*every(DIRECTIONS), *every(DIRECTIONS, "average", "max"), *every("=")]
        rows = judge_each(*claimed, seeds=seeds, metric=metric, lost={"average": range(seeds)})
        for relation, row, turned in zip(DIRECTIONS, rows[:4], rows[4:8], strict=True):
            expected = (S, C) if relation in better else (C, S)
            assert (row.verdict, turned.verdict) == (expected if p < 0.05 else (U, U))
            assert row.p == (pytest.approx(p) if row.verdict is S else 1.0)
            assert (
                claim_words.found(row.parts[0]) == f"failed on 0 of {seeds} seeds (max) and {seeds} (average)"
            )
        assert rows[-1].verdict is U


def test_several_relations_by_failures_support_at_the_level_and_contradict_at_their_share(
    judge: Judge,
) -> None:
    """0.031 supports both, as an intersection-union test may; above 0.05 / 2 it contradicts neither."""
    lost = {"average": range(6)}
    assert judge("max > average", "average < max", seeds=6, lost=lost).verdict is S
    assert judge("max < average", "average > max", seeds=6, lost=lost).verdict is U
    assert judge("max < average", "average > max", seeds=7, lost={"average": range(7)}).verdict is C


def test_who_never_learnt_overfits_nothing(judge_each: JudgeEach) -> None:
    for failed in ({"lost": {"average": ALL}}, {"stuck": {"average": ALL}}):
        for row in judge_each(*every(RELATIONS), metric="overfit", **failed):
            assert row.verdict is U
            assert "no run of average learnt anything" in claim_words.found(row.parts[0])


@pytest.mark.parametrize("metric", ["seconds_per_epoch", "steps_per_second", "peak_memory"])
def test_costs_count_as_measured(judge_each: JudgeEach, metric: str) -> None:
    """Who diverged has none; who learnt nothing took its time all the same."""
    claimed = every(RELATIONS)
    for row in judge_each(*claimed, metric=metric, lost={"average": ALL}):
        assert (row.verdict, row.parts[0].n) == (U, 0)
        assert claim_words.found(row.parts[0]) == "no seed that both finished"
    stuck, whole = (judge_each(*claimed, metric=metric, stuck=arms) for arms in ({"average": ALL}, {}))
    assert [row.parts for row in stuck] == [row.parts for row in whole]


def test_an_arm_that_only_guesses_is_worse_than_one_that_reads(judge: Judge) -> None:
    row = judge("max > average", seeds=5, stuck={"average": range(5)})
    assert row.verdict is S
    assert "failed on 0 of 5 seeds (max) and 5 (average)" in claim_words.found(row.parts[0])


@pytest.mark.parametrize(
    ("expect", "alone"),
    [("max > average", S), ("max >= average", S), ("max < average", C), ("max <= average", C)],
)
def test_failures_that_point_the_other_way_leave_it_undecided(
    judge: Judge, expect: str, alone: ClaimVerdict
) -> None:
    """Better by four points on the seeds on which it learnt, and it failed on three."""
    assert judge(expect).verdict is alone
    row = judge(expect, lost={"max": [1, 2]}, stuck={"max": [5]})
    (part,) = row.parts
    assert (row.verdict, part.verdict, part.p, part.n) == (U, U, 1.0, 7)
    assert claim_words.found(part).endswith(
        "; failed on 3 of 10 seeds (max) and 0 (average), which points the other way"
    )
    same = judge(expect, lost={"average": [1, 2]}, stuck={"average": [5]})
    assert same.verdict is alone
    assert claim_words.found(same.parts[0]).endswith("; failed on 0 of 10 seeds (max) and 3 (average)")
    both = judge(expect, lost={"max": [1], "average": [2]})
    assert both.verdict is alone


def test_lower_losses_do_not_hide_failures(judge: Judge) -> None:
    assert judge("max < average", metric="test_loss").verdict is S
    assert judge("max < average", metric="test_loss", lost={"max": [3]}).verdict is U
    assert judge("max < average", metric="test_loss", lost={"average": [3]}).verdict is S


def test_arms_that_fail_unlike_are_not_equal(judge: Judge) -> None:
    assert judge("max = average", average=NEAR).verdict is S
    assert judge("max = average", average=NEAR, lost={"max": [0]}).verdict is U
    assert judge("max = average", average=NEAR, lost={"max": [0], "average": [1]}).verdict is S


def test_a_gain_is_not_too_small_for_who_fails_less(judge: Judge) -> None:
    equal = [n - (1 if i % 2 else -1) for i, n in enumerate(HIGH)]
    assert judge("max > average", average=equal).verdict is T
    assert judge("max > average", average=equal, lost={"average": [0]}).verdict is U
    assert judge("max > average", average=equal, lost={"max": [0]}).verdict is T


def test_a_stuck_run_has_no_place_in_our_mean_beside_a_published_number(tmp_path) -> None:
    study = make_study(published={"max": {"test_accuracy": 0.9}})
    correct = {"max": HIGH[:5], "average": LOW[:5]}
    results = make_results(tmp_path, study, correct=correct, synthetic=False, stuck=[("max", 2)])
    (row,) = published(results)
    learnt = np.array([HIGH[seed] for seed in (0, 1, 3, 4)]) / TEST_IMAGES
    assert (row.ours.n, row.ours.mean) == (4, pytest.approx(learnt.mean()))
