"""Where a command trains: in threads of this process, in processes, or in a cluster."""

from typing import TYPE_CHECKING, TypedDict

from assay.errors import UsageError, shown

if TYPE_CHECKING:
    from assay.cli.options import Training
    from assay.running.executor import Executor

HERE = "ray"


class Where(TypedDict):
    """The arguments of `assay.running.run.run` that say how and where a study is trained."""

    workers: int | None
    executor: "Executor | None"
    retry_failed: bool


def trainer(asked: "Training") -> Where:
    """Return what ``--on``, ``--workers``, ``--isolate``, ``--timeout`` and ``--retry-failed`` ask for.

    With a cluster, ``--workers`` says how many of its processors to use.
    """
    executor = _executor(asked)
    return {
        "workers": asked.workers if executor is None else None,
        "executor": executor,
        "retry_failed": asked.retry_failed,
    }


def _executor(asked: "Training") -> "Executor | None":
    """Return an executor where more than threads of this process were asked for."""
    isolated = asked.isolate or asked.timeout is not None
    if asked.on is None and not isolated:
        return None
    if asked.on is None:
        from assay.running.processes import Processes

        return Processes(asked.workers, asked.timeout)
    from assay.running.capacity import worker_count
    from assay.running.cluster import Ray

    if isolated:
        raise UsageError("--isolate, --timeout: go without --on (a cluster's workers are processes already)")
    if not asked.on:
        raise UsageError(f"--on {shown(asked.on)}: expected ray, HOST:PORT, ray://HOST:PORT or auto")
    slots = None if asked.workers is None else worker_count(asked.workers)
    return Ray(None if asked.on == HERE else asked.on, slots)
