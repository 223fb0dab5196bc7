"""The studies of a published report are run in folders side by side, what they share once."""

from pathlib import Path

from assay.results import Results
from assay.running.events import OnEvent, ignore
from assay.running.run import run
from assay.store.readout import DATABASE
from assay.study.study import Study


def repeat(
    study: Study,
    folder: Path,
    *,
    workers: int | None = None,
    progress: bool = True,
    retry_failed: bool = False,
    on_event: OnEvent = ignore,
) -> Results:
    """Run a study in a folder of its own below ``folder``, or go on with it, and return its results.

    A run that another study below ``folder`` shares is trained once: the later
    one takes it over. ``retry_failed`` trains runs again that failed before.
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
        on_event=on_event,
    )
