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


def occupied(ended, awaited):
    """Return what says, instead of training, what Ray has given to a task.

    A task on a processor leaves a file in the folder ``ended``. One for a GPU ends once there are ``awaited``
    of them; it fails after two minutes, as it would if those on processors waited for it.
    """

    def train(sent, data, task, every):
        del sent, data, every
        given = ray().get_runtime_context().get_assigned_resources()
        row = RunRecord(task.arm, task.seeds[0], Status.RUNNING, task.engine, 1, 1, 0, "computed")
        row = replace(row, host=" ".join(sorted(name for name in given if name in ("CPU", "GPU"))))
        yield Begun((row,))
        if task.engine == "torch:cuda":
            last = time.monotonic() + 120
            while len([*ended.iterdir()]) < awaited:
                if time.monotonic() > last:
                    raise TimeoutError("runs on processors do not end while a GPU is busy")
                time.sleep(0.05)
        else:
            (ended / f"{task.arm}-{task.seeds[0]}").touch()
        for seed in task.seeds:
            yield Finished(replace(row, seed=seed, status=Status.DONE))

    return train
