"""What nodes of a Ray cluster do in tests that pretend to have a GPU; it is sent to them as it is."""

import time
from dataclasses import replace
from pathlib import Path

from assay.records.runs import RunRecord, Status
from assay.running.cluster.connect import ray
from assay.running.cluster.software import facts
from assay.running.messages import Begun, Finished


def claimed(engines):
    """Return a node's facts, with every engine of the study."""
    return replace(facts(["reference"]), engines=frozenset(engines))


def occupying(ended, awaited):
    """Return what nodes do instead of training: say what Ray has given to the task.

    A task on a processor leaves a file in the folder ``ended``; one for a GPU ends once ``awaited`` are there
    and fails after a minute, as it would if those were trained after it.
    """

    def occupied(charge, data, task, every):
        del charge, data, every
        given = ray().get_runtime_context().get_assigned_resources()
        row = RunRecord(task.arm, task.seeds[0], Status.RUNNING, task.engine, 1, 1, 0, "computed")
        row = replace(row, host=" ".join(sorted(name for name in given if name in ("CPU", "GPU"))))
        yield Begun((row,))
        if task.engine != "torch:cuda":
            Path(ended, f"{task.arm} {task.seeds}").touch()
        elif not within(60, lambda: len([*ended.iterdir()]) >= awaited):
            raise TimeoutError("runs on processors do not end while a GPU is busy")
        for seed in task.seeds:
            yield Finished(replace(row, seed=seed, status=Status.DONE))

    return occupied


def within(seconds, holds):
    """Wait until something holds; return whether it does."""
    last = time.monotonic() + seconds
    while not holds() and time.monotonic() < last:
        time.sleep(0.02)
    return holds()
