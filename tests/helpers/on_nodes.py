"""What nodes of a Ray cluster do in tests that pretend to have a GPU; it is sent to them as it is."""

import time
from dataclasses import replace

from assay.records.runs import RunRecord, Status
from assay.running.cluster.connect import ray
from assay.running.cluster.software import facts
from assay.running.messages import Begun, Finished


def claimed(engines):
    """Return a node's facts, with every engine of the study."""
    return replace(facts(["reference"]), engines=frozenset(engines))


def occupied(charge, data, task, every):
    """Instead of training, say what Ray has given to the task; one for a GPU takes a while."""
    del charge, data, every
    given = ray().get_runtime_context().get_assigned_resources()
    row = RunRecord(task.arm, task.seeds[0], Status.RUNNING, task.engine, 1, 1, 0, "computed")
    row = replace(row, host=" ".join(sorted(name for name in given if name in ("CPU", "GPU"))))
    yield Begun((row,))
    time.sleep(1.0 if task.engine == "torch:cuda" else 0.1)
    for seed in task.seeds:
        yield Finished(replace(row, seed=seed, status=Status.DONE))
