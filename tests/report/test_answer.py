import re
from pathlib import Path

import pytest
from factories import make_results, make_study

from assay.records import Status
from assay.report.model import Report, build
from assay.stats import Verdict

BASE = [1760, 1771, 1765, 1770, 1759]


def report_of(folder: Path, shifts: dict[str, list[int]], **study: object) -> Report:
    correct = {arm: [n + d for n, d in zip(BASE, by, strict=True)] for arm, by in shifts.items()}
    return build(make_results(folder, make_study(tuple(shifts), **study), correct=correct))


SAME, UP, DOWN = [0, 0, 0, 0, 0], [40, 41, 39, 42, 40], [-40, -41, -39, -42, -40]
CLOSE, NOISY = [1, 0, -1, 0, 1], [20, -18, 30, -2, 4]


def test_each_verdict_against_a_control_has_its_place(tmp_path: Path) -> None:
    shifts = {"base": SAME, "up": UP, "down": DOWN, "close": CLOSE, "noisy": NOISY}
    answer = report_of(tmp_path, shifts, control="base").answer
    assert answer.startswith(
        "Compared with base, up (+2.02 points) is better; down (-2.02 points) is worse; "
    )
    assert "close is equivalent within 0.3 points (5 seeds)." in answer
    assert re.search(r"The data do not decide about noisy \(about \d+ more seeds may settle it\)\.$", answer)


def test_a_negligible_difference_is_called_so(tmp_path: Path) -> None:
    answer = report_of(tmp_path, {"base": SAME, "a": [2, 2, 2, 3, 2], "b": UP}, control="base").answer
    assert "a (+0.11 points) is different, but negligibly" in answer


def test_all_pairs_name_the_best_and_those_like_it(tmp_path: Path) -> None:
    answer = report_of(tmp_path / "apart", {"a": SAME, "b": UP, "c": DOWN}).answer
    assert answer == "B has the highest mean test accuracy, 90.27%, and stands apart from all other arms."
    answer = report_of(tmp_path / "like", {"a": SAME, "b": NOISY, "c": DOWN}).answer
    assert "but the data do not tell it from a." in answer
    assert "do not decide 1 of the 3 pairs" in answer


def test_two_arms_are_answered_with_interval_and_seeds(tmp_path: Path) -> None:
    assert re.fullmatch(
        r"B is worse than a by 2\.02 points \(95% interval \S+ to \S+; 5 seeds\)\.",
        report_of(tmp_path, {"b": DOWN, "a": SAME}).answer,
    )


@pytest.mark.parametrize(
    ("seeds", "expected"), [(1, r"88\.\d\d% .* \(1 seed\)"), (3, r"95% interval .* 3 seeds")]
)
def test_one_arm_is_described(tmp_path: Path, seeds: int, expected: str) -> None:
    assert re.search(expected, build(make_results(tmp_path, make_study(("a",), seeds))).answer)


def test_an_arm_without_a_finished_run_says_so(tmp_path: Path) -> None:
    study = make_study(("a",), 2)
    statuses = {("a", 0): Status.DIVERGED, ("a", 1): Status.DIVERGED}
    answer = build(make_results(tmp_path, study, statuses=statuses)).answer
    assert answer == "A gave no test result: none of 2 runs finished."


LUCKY = [("a", seed) for seed in range(5)]


def test_a_verdict_over_runs_at_chance_says_so(tmp_path: Path) -> None:
    study = make_study(("a", "b"))
    answer = build(make_results(tmp_path, study, stuck=LUCKY)).answer
    assert answer.startswith("A is worse than b by")
    assert answer.endswith("5 seeds). But 5 of 5 runs of a never left chance level.")


def test_a_verdict_over_nothing_but_guesses_says_so(tmp_path: Path) -> None:
    stuck = [*LUCKY, *(("b", seed) for _, seed in LUCKY)]
    report = build(make_results(tmp_path, make_study(("a", "b")), stuck=stuck))
    assert report.answer == (
        "A and b cannot be compared: neither learnt anything."
        " No run left chance level: all that there is to compare is guesses."
    )
    (effect,) = report.effects
    assert effect.pair.judgement.verdict is Verdict.INCONCLUSIVE
    assert effect.pair.judgement.more_seeds is None


def test_a_single_arm_at_chance_says_so(tmp_path: Path) -> None:
    answer = build(make_results(tmp_path, make_study(("a",), 3), stuck=[("a", 1)])).answer
    assert answer.endswith(" But 1 of 3 runs of a never left chance level.")


def test_who_is_not_at_chance_is_not_said_to_be(tmp_path: Path) -> None:
    assert "chance" not in build(make_results(tmp_path, make_study(("a", "b")))).answer


def test_what_is_undecided_is_never_called_equal(tmp_path: Path) -> None:
    report = report_of(tmp_path, {"a": SAME, "b": NOISY})
    assert report.effects[0].pair.judgement.verdict == "inconclusive"
    said = " ".join([report.answer, *report.limits]).replace("does not mean that there is no difference", "")
    assert not re.search(r"no difference|no effect|not significant|the same as|equal to", said)
