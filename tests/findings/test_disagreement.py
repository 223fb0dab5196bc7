"""Which images are mistaken, and over which arms disagree, by hand on a few and by counting on many."""

from collections import Counter

import numpy as np
import pytest
from factories import make_results

from assay.findings.confusion import confusion
from assay.findings.disagreement import _answered, answered, confusions, most_disputed, most_mistaken
from assay.findings.trained import load_test
from assay.records.runs import Status
from assay.results import Results

LABELS = np.array([0, 1, 2, 0, 1])
ONE = np.array([[0, 1, 2, 0, 1], [0, 2, 2, 0, 2]])  # errs on 1 and 4, half of its networks
TWO = np.array([[1, 1, 0, 0, 2], [1, 1, 0, 0, 2]])  # errs on 0, 2 and 4, all of them


def arms():
    return {"one": _answered("one", ONE, LABELS, 3), "two": _answered("two", TWO, LABELS, 3)}


def test_shares_of_errors_and_usual_answers():
    one, two = arms().values()
    assert one.wrong.tolist() == [0, 0.5, 0, 0, 0.5]
    assert two.wrong.tolist() == [1, 0, 1, 0, 1]
    assert two.usual.tolist() == [1, 1, 0, 0, 2]
    assert one.usual.tolist() == [0, 1, 2, 0, 1]  # the first of two equally frequent ones


def test_the_most_disputed_come_first_and_the_undisputed_not_at_all():
    order, apart = most_disputed(arms())
    assert apart.tolist() == [1, 0.5, 1, 0, 0.5]
    assert order.tolist() == [0, 2, 1, 4]


def test_of_equal_differences_the_more_varied_comes_first():
    third = _answered("three", np.array([[1, 1, 2, 0, 1]]), LABELS, 3)  # with "two" it errs on 0
    order, _ = most_disputed({**arms(), "three": third})
    assert order[:2].tolist() == [0, 2]
    fourth = _answered("four", np.array([[1, 1, 0, 0, 2]]), LABELS, 3)  # now 2 is split evenly, 0 is not
    order, _ = most_disputed({**arms(), "three": third, "four": fourth})
    assert order[:2].tolist() == [2, 0]


def test_the_most_mistaken_of_an_arm_by_class_and_answer():
    one, two = arms().values()
    assert most_mistaken(two, LABELS).tolist() == [0, 2, 4]
    assert most_mistaken(two, LABELS, true=1).tolist() == [4]
    assert most_mistaken(two, LABELS, read=1).tolist() == [0]
    assert most_mistaken(one, LABELS, true=0).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_confusions_are_those_of_the_report(seed: int):
    """Counted one by one, and against the confusion matrix that the report draws."""
    rng = np.random.default_rng(seed)
    labels, predicted = rng.integers(0, 5, 300), rng.integers(0, 5, (4, 300))
    found = confusions(_answered("a", predicted, labels, 5), labels, 5, 50)
    images = np.zeros((300, 2, 2), np.uint8)
    shares = confusion("a", predicted, labels, images, tuple("abcde")).shares
    counted = Counter((t, p) for row in predicted for t, p in zip(labels.tolist(), row.tolist(), strict=True))
    wrong = {pair: count for pair, count in counted.items() if pair[0] != pair[1]}
    assert {(true, answer) for true, answer, _ in found} == wrong.keys()
    assert [wrong[a, b] for a, b, _ in found] == sorted(wrong.values(), reverse=True)
    assert all(share == pytest.approx(shares[true, answer]) for true, answer, share in found)


def test_only_runs_that_count_are_asked(tmp_path):
    statuses = {("average", seed): Status.PENDING for seed in range(5)}
    with make_results(tmp_path, statuses=statuses, stuck=[("max", 1)]) as results:
        found = answered(results, np.zeros(2000, np.int64))
    assert list(found) == ["max"]
    assert found["max"].seeds == 4


def test_a_trained_study_errs_as_its_store_says(trained: Results):
    labels = load_test(trained).labels
    for arm, found in answered(trained, labels).items():
        correct = np.array([trained.correct(run.id) for run in trained.counting(arm)])
        assert np.array_equal(found.wrong, 1 - correct.mean(axis=0))
