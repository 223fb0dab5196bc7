"""Running the studies of a published report in sibling folders, with shared runs trained once."""

from pathlib import Path

from assay.results import Results
from assay.running.events import OnEvent, ignore
from assay.running.executor import Executor
from assay.running.run import run
from assay.store.lookup import DATABASE
from assay.study.study import Study


def repeat(
    study: Study,
    folder: Path,
    *,
    workers: int | None = None,
    progress: bool = True,
    retry_failed: bool = False,
    executor: Executor | None = None,
    on_event: OnEvent = ignore,
) -> Results:
    """Run a study in its own folder below ``folder``, or continue it, and return its results.

    A run that another study below ``folder`` shares is trained once: the later
    study reuses it. ``retry_failed`` retrains runs that failed before; ``executor``
    is as for `run`.
    """
    own = folder / study.name
    others = [path.parent for path in sorted(folder.glob(f"*/{DATABASE}")) if path.parent != own]
    return run(
        study,
        own,
        workers=workers,
        reuse=others,
        retry_failed=retry_failed,
        progress=progress,
        executor=executor,
        on_event=on_event,
    )
