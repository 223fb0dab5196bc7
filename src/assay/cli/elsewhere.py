"""Where a command trains: in threads of this process, or in a cluster."""

from typing import TYPE_CHECKING, TypedDict

from assay.errors import UsageError, shown

if TYPE_CHECKING:
    from assay.running.executor import Executor

HERE = "ray"


class Where(TypedDict):
    """The arguments of `assay.running.run.run` that say where a study is trained."""

    workers: int | None
    executor: "Executor | None"


def trainer(on: str | None, workers: int | None) -> Where:
    """Return what ``--on`` and ``--workers`` ask for: with a cluster, how many of its processors to use."""
    if on is None:
        return {"workers": workers, "executor": None}
    from assay.running.cluster import Ray
    from assay.running.run import worker_count

    if not on:
        raise UsageError(f"--on {shown(on)}: expected ray, HOST:PORT, ray://HOST:PORT or auto")
    slots = None if workers is None else worker_count(workers)
    return {"workers": None, "executor": Ray(None if on == HERE else on, slots)}
