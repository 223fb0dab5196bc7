"""Where a command trains: in threads of this process, in processes, or in a cluster."""

from typing import TYPE_CHECKING, TypedDict

from assay.errors import UsageError, shown

if TYPE_CHECKING:
    from assay.running.executor import Executor

HERE = "ray"


class Where(TypedDict):
    """The arguments of `assay.running.run.run` that say where a study is trained."""

    workers: int | None
    executor: "Executor | None"


def trainer(
    on: str | None, workers: int | None, isolate: bool = False, timeout: float | None = None
) -> Where:
    """Return what ``--on``, ``--workers``, ``--isolate`` and ``--timeout`` ask for.

    With a cluster, ``workers`` says how many of its processors to use.
    """
    isolated = isolate or timeout is not None
    if on is None and not isolated:
        return {"workers": workers, "executor": None}
    if on is None:
        from assay.running.processes import Processes

        return {"workers": None, "executor": Processes(workers, timeout)}
    from assay.running.capacity import worker_count
    from assay.running.cluster import Ray

    if isolated:
        raise UsageError("--isolate, --timeout: go without --on (a cluster's workers are processes already)")
    if not on:
        raise UsageError(f"--on {shown(on)}: expected ray, HOST:PORT, ray://HOST:PORT or auto")
    slots = None if workers is None else worker_count(workers)
    return {"workers": None, "executor": Ray(None if on == HERE else on, slots)}
