from pathlib import Path

import numpy as np
import pytest
from factories import EPOCHS, make_results, make_study

from assay.findings.curves import METRICS, curves
from assay.records.runs import RunId, Status
from assay.results import Results


@pytest.mark.parametrize("metric", METRICS)
def test_bands_are_mean_lowest_and_highest_of_finished_runs(results: Results, metric: str) -> None:
    band = curves(results, "average").bands[metric]
    histories = [results.epochs(RunId("average", seed)) for seed in range(5)]
    values = np.array([[getattr(epoch, metric) for epoch in history] for history in histories])
    assert band.seeds == 5
    assert band.epochs == tuple(range(1, EPOCHS + 1))
    assert band.mean == pytest.approx(values.mean(axis=0))
    assert band.low == pytest.approx(values.min(axis=0))
    assert band.high == pytest.approx(values.max(axis=0))


def test_bands_leave_out_runs_that_learnt_nothing(tmp_path: Path) -> None:
    some = make_results(tmp_path / "some", stuck=[("max", 0), ("max", 3)])
    band = curves(some, "max").bands["valid_accuracy"]
    assert band.seeds == 3
    assert min(band.low) > 0.3
    every = make_results(tmp_path / "all", stuck=[("max", seed) for seed in range(5)])
    assert curves(every, "max").bands["valid_accuracy"].seeds == 5


def test_diverged_runs_are_kept_one_by_one(results: Results) -> None:
    (trace,) = curves(results, "average").diverged["valid_loss"]
    assert (trace.seed, len(trace.epochs)) == (5, EPOCHS // 2)
    assert np.isnan(trace.values[-1])
    assert curves(results, "max").diverged["valid_loss"] == ()


def test_runs_under_way_stand_in_until_one_is_done(tmp_path: Path) -> None:
    statuses = {("max", 0): Status.RUNNING, ("max", 1): Status.RUNNING, ("average", 0): Status.RUNNING}
    found = make_results(tmp_path, make_study(seeds=2), statuses=statuses)
    assert curves(found, "max").bands["train_loss"].seeds == 2
    assert len(curves(found, "max").bands["train_loss"].epochs) == EPOCHS // 2
    assert curves(found, "average").bands["train_loss"].seeds == 1
    assert len(curves(found, "average").bands["train_loss"].epochs) == EPOCHS
