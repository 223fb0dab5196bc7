"""The estimate of a plan: sizes, and the arithmetic from a measured step to the whole."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TEST, TRAIN, VALID, tiny_study

from assay.data import DataSpec, load
from assay.data.outline import Outline, outline
from assay.engines import speed
from assay.engines.numba import NumbaEngine
from assay.engines.numba.examples import Examples
from assay.engines.reference import ReferenceEngine, ReferenceSession
from assay.engines.speed import STEPS, Trial
from assay.errors import DataError
from assay.findings.findings import build
from assay.findings.inside import look_inside
from assay.records import observations
from assay.report.canvas import Drawing
from assay.report.drawings import draw
from assay.running import overheads, pace
from assay.running.estimate import CohortEstimate, Estimate, Overheads, estimate
from assay.running.pace import ArmTrial, Basis
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


def test_an_arm_is_measured_on_images_with_as_many_zeros_as_the_data_has(characters: str):
    """An engine may train faster on many."""
    data = load(DataSpec(characters, TRAIN, VALID, TEST))
    found = Outline.of(data).zeros
    assert 0.3 < found < 1
    assert found == outline(DataSpec(characters, TRAIN, VALID, TEST)).zeros == (data.train.images == 0).mean()
    plan = make_plan(tiny_study(characters), Outline.of(data))
    cohort = plan.cohorts[0]
    arm = ArmTrial(replace(cohort, engine=ReferenceEngine()), Outline.of(data))
    assert arm.trial is not None
    assert (arm.trial._images == 0).mean() == pytest.approx(found, abs=0.02)


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
        times[epochs] = found.seconds - found.overheads.seconds
    assert times[100] > 10 * times[1]


def test_a_batch_is_no_larger_than_the_training_set(characters: str, monkeypatch):
    """Asked for batches of thousands, a study of fifty examples is measured, and paid for, with fifty."""
    taken = []

    def train_epoch(self, images, labels, epoch, on_steps):
        taken.append((len(images), self.recipe.batch_size))

    monkeypatch.setattr(ReferenceSession, "train_epoch", train_epoch)
    monkeypatch.setattr("assay.running.pace.BUDGET", 0.0)
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
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    steps, answers = iter([10.0, 10.0, *[1.0] * 6]), iter([0.5, 0.5, *[0.25] * 6])
    monkeypatch.setattr(Trial, "step", lambda *_: next(steps))
    monkeypatch.setattr(Trial, "answer", lambda *_: next(answers))


EVALUATED = 3 * (50 + 50) + 2 * 100 + 10 + 50
"""Images: a sample and the validation set three times; at the end all training images twice, and to
calibrate the run the validation set once. The test set is evaluated once for both."""


def test_a_disturbed_round_widens_the_range_and_leaves_the_estimate(characters: str, timed):
    study = tiny_study(characters, training={"batch_size": 30, "epochs": 3})
    found = estimate(make_plan(study, SIZES), SIZES, workers=1)
    for cohort in found.cohorts:
        assert cohort.steps_per_second == 1
        assert (cohort.training, cohort.evaluating) == (3 * 4 * 1, EVALUATED * 0.25)
        assert cohort.slowest == 3 * 4 * 10 + EVALUATED * 0.5 + cohort.keeping


def test_the_fastest_of_finished_runs_stands_for_what_is_measured(characters: str, timed):
    study = tiny_study(characters, training={"batch_size": 4096, "epochs": 1})
    plan = make_plan(study, SIZES)
    first = plan.cohorts[0]
    recipe = first.recipe.fitted(100)
    for rate in (2.0, 4.0, 5.0):
        speed.record_run(first.engine, first.network, recipe, rate, zeros=SIZES.zeros)
        speed.record_run(first.engine, first.network, recipe, 10 * rate, speed.EVALUATED, SIZES.zeros)
        speed.record_run(first.engine, first.network, recipe, 100 * rate)  # on images without background
    found = estimate(plan, SIZES, workers=1)
    images = 2 * 50 + 2 * 100 + 10 + 50
    assert [cohort.steps_per_second for cohort in found.cohorts] == [5, 1]
    assert found.cohorts[0].training == 0.2
    assert found.cohorts[0].evaluating == pytest.approx(images / 50)
    assert found.cohorts[0].slowest == pytest.approx(0.5 + images / 20 + found.cohorts[0].keeping)


def test_an_arm_that_is_known_is_not_measured(characters: str, monkeypatch, tmp_path):
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    plan = make_plan(tiny_study(characters), SIZES)
    for cohort in plan.cohorts:
        for what in ("", speed.EVALUATED):
            recipe = cohort.recipe.fitted(100)
            speed.record_run(cohort.engine, cohort.network, recipe, 8.0, what, SIZES.zeros)
    for part in ("step", "answer"):
        monkeypatch.setattr(Trial, part, lambda *_: pytest.fail("measured"))
    assert [cohort.steps_per_second for cohort in estimate(plan, SIZES, 1).cohorts] == [8, 8]


def test_what_is_not_compiled_is_guessed_and_neither_compiled_nor_tried(monkeypatch, tmp_path):
    """Kernels that arms share are compiled once."""
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(
        NumbaEngine,
        "uncompiled",
        lambda _, network, __: frozenset({"product", str(network.parameter_count)}),
    )
    monkeypatch.setattr(NumbaEngine, "session", lambda *_: pytest.fail("compiled"))
    monkeypatch.setattr(Examples, "making", lambda _: 0.0)  # which is timed, unlike what kernels multiply
    study = tiny_study("glyphs", engine="numba", control="few", factors=FILTERS)
    for known in (None, 2.0):
        if known:
            observations.observe(observations.KERNEL, known)
        plan = make_plan(study, SIZES)
        found = estimate(plan, SIZES, workers=1)
        assert all(found.parts.values())
        assert found.parts["compiling"] == pytest.approx(3 * (known or overheads.COMPILING))
        assert all(cohort.basis is Basis.GUESS for cohort in found.cohorts)
        for cohort in found.cohorts:
            assert cohort.slowest == pytest.approx(
                pace.SURE * (cohort.training + cohort.evaluating) + cohort.keeping
            )
        few, many = found.cohorts
        assert 0 < few.training < many.training
        for cohort, planned in zip(found.cohorts, plan.cohorts, strict=True):  # layers are examined, too
            assert cohort.keeping > planned.recipe.epochs * overheads.saving(planned)


def test_a_guess_is_asked_for_by_the_zeros_of_the_data_and_not_if_runs_are_known(monkeypatch, tmp_path):
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(NumbaEngine, "uncompiled", lambda *_: frozenset({"product"}))
    monkeypatch.setattr(NumbaEngine, "guess", lambda _, __, ___, zeros: (zeros, zeros / 2))
    plan = make_plan(tiny_study("glyphs", engine="numba", control="few", factors=FILTERS), SIZES)
    few, _ = plan.cohorts
    for what in ("", speed.EVALUATED):
        speed.record_run(few.engine, few.network, few.recipe.fitted(100), 8.0, what)
    found = estimate(plan, replace(SIZES, zeros=0.25), workers=1)
    assert [cohort.steps_per_second for cohort in found.cohorts] == [8, 4]
    assert [cohort.basis for cohort in found.cohorts] == [Basis.RUNS, Basis.GUESS]


FILTERS = {
    "filters": {"few": {"network": {"filters": 4}}, "many": {"network": {"filters": 8}}},
}


def test_a_kernel_that_numba_keeps_is_not_compiled_again(tmp_path):
    """In a cache that is empty all are, and afterwards none."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    for missing in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", COMPILED], capture_output=True, text=True, check=True, env=environment
        )
        before, after = done.stdout.split()
        assert (before, after) == (str(missing), "False")


COMPILED = """
from assay.engines.numba.kernels.codes import Kernel, code
from assay.engines.numba.kernels.runner import address, uncompiled
from assay.records.observations import KERNEL, observed

relu = code(Kernel.RELU)
print(bool(uncompiled([relu], "float32")))
address(relu, "float32")
print(bool(uncompiled([relu], "float32")))
assert len(observed(KERNEL)) == 1
"""


def test_a_run_that_ends_is_recorded(characters: str, monkeypatch, tmp_path):
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    study = tiny_study(characters)
    results = run(study, tmp_path / "out", workers=1)
    for cohort in make_plan(study, SIZES).cohorts:
        recipe, zeros = cohort.recipe.fitted(TRAIN), outline(study.data).zeros
        rates = speed.recorded(cohort.engine, cohort.network, recipe, zeros=zeros)
        own = [r.steps_per_second for r in results.runs if r.arm == cohort.arm.name]
        assert sorted(rates) == sorted(own)
        images = speed.recorded(cohort.engine, cohort.network, recipe, speed.EVALUATED, zeros)
        seconds = [r.evaluation_seconds_per_epoch for r in results.runs if r.arm == cohort.arm.name]
        assert sorted(images) == pytest.approx(sorted(2 * VALID / each for each in seconds))
    results.close()


def test_nothing_is_recorded_of_a_run_that_failed(characters: str, monkeypatch, tmp_path):
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(ReferenceSession, "evaluate", lambda *_: 1 / 0)
    run(tiny_study(characters), tmp_path / "out", workers=1).close()
    assert not (tmp_path / "kept").exists()


def test_where_nothing_can_be_kept_what_takes_time_is_measured_each_time(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    for module in (observations, overheads):
        monkeypatch.setattr(module, "folder", lambda: tmp_path / "file" / "kept")
    assert overheads.images(DataSpec("glyphs"), SIZES) > 0
    [cohort, *_] = make_plan(tiny_study("glyphs"), SIZES).cohorts
    assert overheads.saving(cohort) == overheads.ROW  # how long a checkpoint takes cannot be seen either


times = st.floats(0, 1e4)


@given(
    st.lists(st.tuples(st.integers(1, 9), times, times, times, st.integers(1, 10**6)), min_size=1),
    st.builds(Overheads, times, times, times, times),
    st.integers(1, 9),
)
def test_the_whole_is_the_sum_of_its_parts(rows, beside: Overheads, workers: int):
    """Workers share the runs alone, and the last ends between W/m and W/m + the longest (Graham 1969)."""
    cohorts = tuple(
        CohortEstimate("arm", runs, 1.0, *parts, memory, 2 * sum(parts)) for runs, *parts, memory in rows
    )
    found = Estimate(cohorts, workers, data=7, overheads=beside)
    assert min(found.parts.values()) >= 0
    assert found.seconds == pytest.approx(sum(found.parts.values()))
    assert found.parts["images"] == beside.images  # the report has those that were trained on
    work = sum(cohort.runs * cohort.seconds for cohort in cohorts)
    longest = max(cohort.seconds for cohort in cohorts)
    runs = found.seconds - beside.seconds
    assert work / workers <= runs * (1 + 1e-9) + 1e-6
    assert runs <= work / workers + longest + 1e-6
    assert found.slowest == pytest.approx(beside.seconds + 2 * runs, abs=1e-6)
    assert found.memory == workers * max(cohort.memory for cohort in cohorts) + 7


@pytest.mark.parametrize(("load", "times"), [(None, 1.0), (0.9, 1.0), (1.0, 1.5), (9.0, 5.5)])
def test_a_busy_machine_takes_longer(load: float | None, times: float):
    cohort = CohortEstimate("arm", 2, 1.0, 3.0, 0.0, 0.0, 1, 3.0)
    found = Estimate((cohort,), 2, 0, Overheads(1.0), load, processors=2)
    assert found.seconds == 4.0
    assert found.slowest == times * 4.0


def test_a_report_has_as_many_figures_as_is_thought(characters: str, tmp_path):
    """Of a network with activations: no other has dead units to draw."""
    with run(tiny_study(characters), tmp_path, workers=1) as results:
        drawings = draw(build(results, look_inside(results)))
    drawn = [each for each in drawings if isinstance(each, Drawing)]
    figures = overheads.report_size(2) - overheads.BEFORE_FIGURES
    assert figures == len(drawn)


def test_glyphs_are_timed_once_and_other_images_as_they_are_read(monkeypatch, tmp_path, characters: str):
    monkeypatch.setattr(observations, "folder", lambda: tmp_path / "kept")
    drawn = []
    monkeypatch.setattr(overheads.glyphs, "draw", lambda count, seed: drawn.append(count))
    first = overheads.images(DataSpec("glyphs"), SIZES)
    assert drawn
    drawn.clear()
    assert overheads.images(DataSpec("glyphs"), replace(SIZES, train=260)) == pytest.approx(2 * first)
    assert not drawn
    assert overheads.images(DataSpec(characters), outline(DataSpec(characters))) > 0
