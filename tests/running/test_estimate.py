"""The estimate of a plan: sizes, and the arithmetic from a measured step to the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TEST, TRAIN, VALID, tiny_study

from assay.data import DataSpec, load
from assay.data.outline import Outline, outline
from assay.engines import speed
from assay.engines.reference import ReferenceSession
from assay.engines.speed import STEPS, Trial
from assay.errors import DataError
from assay.running.estimate import CohortEstimate, Estimate, estimate
from assay.running.plan import make_plan
from assay.running.run import run


@pytest.mark.parametrize(
    "spec", [DataSpec("glyphs", 94, 47, 47), DataSpec("glyphs", 100), DataSpec("glyphs", 94, test=50)]
)
def test_the_outline_of_glyphs_is_what_is_drawn(spec: DataSpec):
    data = load(DataSpec(spec.source, spec.train, spec.valid, spec.test or 4000))
    found = outline(spec)
    assert (found.train, found.valid, found.test) == (len(data.train), len(data.valid), len(data.test))
    assert found.input_shape == (1, *data.train.images.shape[1:])
    assert found.classes == len(data.classes)
    assert not found.assumed


def test_the_outline_of_a_folder_is_what_is_read(characters: str):
    assert outline(DataSpec(characters, TRAIN, VALID, TEST)) == Outline(
        TRAIN, VALID, TEST, (1, 14, 14), 6, notes=("transposed: no (by its name)",)
    )


def test_a_set_that_is_not_fetched_is_assumed_and_an_unknown_one_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path))
    assert outline(DataSpec("emnist/balanced")) == Outline(97_000, 15_800, 18_800, assumed=True)
    assert outline(DataSpec("emnist/balanced", 1000)).valid == 150
    assert outline(DataSpec("emnist/balanced", 1)).valid == 1
    with pytest.raises(DataError, match="unknown"):
        outline(DataSpec("emnist/balnced"))


def test_an_estimate_scales_with_the_work(characters: str):
    """A run takes at least its steps, and a hundred epochs far longer than one."""
    times = {}
    for epochs in (1, 100):
        plan = make_plan(tiny_study(characters, training={"epochs": epochs}), SIZES)
        found = estimate(plan, Outline(3200, 100, 10, (1, 14, 14), 6), workers=2)
        assert [cohort.arm for cohort in found.cohorts] == ["max", "average"]
        assert all(cohort.memory > 0 and cohort.steps_per_second > 0 for cohort in found.cohorts)
        assert all(cohort.seconds > epochs * 99 / cohort.steps_per_second for cohort in found.cohorts)
        times[epochs] = found.seconds
    assert times[100] > 10 * times[1]


def test_a_batch_is_no_larger_than_the_training_set(characters: str, monkeypatch):
    """Asked for batches of thousands, a study of fifty examples is measured, and paid for, with fifty."""
    taken = []

    def train_epoch(self, images, labels, epoch, on_steps):
        taken.append((len(images), self.recipe.batch_size))

    monkeypatch.setattr(ReferenceSession, "train_epoch", train_epoch)
    monkeypatch.setattr("assay.running.estimate.BUDGET", 0.0)
    study = tiny_study(characters, training={"batch_size": 4096, "epochs": 1})
    found = estimate(make_plan(study, SIZES), Outline(50, 20, 10, (1, 14, 14), 6), workers=1)
    assert set(taken) == {(50, 50), (50 * STEPS, 50)}
    same = tiny_study(characters, training={"batch_size": 50, "epochs": 1})
    expected = estimate(make_plan(same, SIZES), Outline(50, 20, 10, (1, 14, 14), 6), workers=1)
    assert found.memory == expected.memory


SIZES = Outline(100, 50, 10, (1, 14, 14), 6)


@pytest.fixture
def timed(monkeypatch, tmp_path):
    """Rounds that are told instead of measured: each arm's first is disturbed tenfold; nothing recorded."""
    monkeypatch.setattr(speed, "folder", lambda: tmp_path / "kept")
    steps, answers = iter([10.0, 10.0, *[1.0] * 6]), iter([0.5, 0.5, *[0.25] * 6])
    monkeypatch.setattr(Trial, "step", lambda *_: next(steps))
    monkeypatch.setattr(Trial, "answer", lambda *_: next(answers))


EVALUATED = 3 * (50 + 50) + 2 * 100 + 10
"""Images: a sample and the validation set three times, all training images twice at the end, the test set."""


def test_a_disturbed_round_widens_the_range_and_leaves_the_estimate(characters: str, timed):
    study = tiny_study(characters, training={"batch_size": 30, "epochs": 3})
    found = estimate(make_plan(study, SIZES), SIZES, workers=1)
    for cohort in found.cohorts:
        assert cohort.steps_per_second == 1
        assert cohort.seconds == 3 * 4 * 1 + EVALUATED * 0.25
        assert cohort.slowest == 3 * 4 * 10 + EVALUATED * 0.5


def test_finished_runs_stand_for_what_is_measured(characters: str, timed):
    study = tiny_study(characters, training={"batch_size": 4096, "epochs": 1})
    plan = make_plan(study, SIZES)
    first = plan.cohorts[0]
    for rate in (2.0, 4.0, 5.0):
        speed.record_run(first.engine, first.network, first.recipe.fitted(100), rate)
    found = estimate(plan, SIZES, workers=1)
    assert [cohort.steps_per_second for cohort in found.cohorts] == [4, 1]
    assert found.cohorts[0].seconds == 0.25 + (2 * 50 + 2 * 100 + 10) * 0.25
    assert found.cohorts[0].slowest == 0.5 + (2 * 50 + 2 * 100 + 10) * 0.5


def test_a_run_that_ends_is_recorded(characters: str, monkeypatch, tmp_path):
    monkeypatch.setattr(speed, "folder", lambda: tmp_path / "kept")
    study = tiny_study(characters)
    results = run(study, tmp_path / "out", workers=1)
    for cohort in make_plan(study, SIZES).cohorts:
        rates = speed.recorded(cohort.engine, cohort.network, cohort.recipe.fitted(TRAIN))
        own = [r.steps_per_second for r in results.runs if r.arm == cohort.arm.name]
        assert sorted(rates) == sorted(own)
    results.close()


@given(
    st.lists(st.tuples(st.integers(1, 9), st.floats(0.1, 1e4), st.integers(1, 10**6)), min_size=1),
    st.integers(1, 9),
)
def test_the_whole_is_the_sum_of_its_runs(rows: list[tuple[int, float, int]], workers: int):
    cohorts = tuple(
        CohortEstimate("arm", runs, 1.0, seconds, memory, 2 * seconds) for runs, seconds, memory in rows
    )
    found = Estimate(cohorts, workers, data=7)
    assert found.seconds * workers == pytest.approx(sum(runs * seconds for runs, seconds, _ in rows))
    assert found.slowest == pytest.approx(2 * found.seconds)
    assert found.memory == workers * max(memory for *_, memory in rows) + 7
