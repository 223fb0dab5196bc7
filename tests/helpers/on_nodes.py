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


def occupied(ended, awaited, charge, data, task, every):
    """Instead of training, say what Ray has given to the task; one for a GPU waits for those on processors.

    Each of those leaves a file in the folder ``ended``; a task for a GPU ends once there are ``awaited``,
    and fails after a minute, as it would if they were trained after it.
    """
    del charge, data, every
    given = ray().get_runtime_context().get_assigned_resources()
    row = RunRecord(task.arm, task.seeds[0], Status.RUNNING, task.engine, 1, 1, 0, "computed")
    row = replace(row, host=" ".join(sorted(name for name in given if name in ("CPU", "GPU"))))
    yield Begun((row,))
    if task.engine == "torch:cuda":
        last = time.monotonic() + 60
        while len([*ended.iterdir()]) < awaited:
            if time.monotonic() > last:
                raise TimeoutError("runs on processors do not end while a GPU is busy")
            time.sleep(0.02)
    else:
        Path(ended, f"{task.arm} {task.seeds}").touch()
    for seed in task.seeds:
        yield Finished(replace(row, seed=seed, status=Status.DONE))
