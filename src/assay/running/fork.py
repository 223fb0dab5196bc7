"""A study with other settings, begun from one that has run: a new study, which names the first one."""

from dataclasses import replace
from pathlib import Path

from assay.errors import UsageError
from assay.results import Results
from assay.running.events import OnEvent, ignore
from assay.running.executor import Executor
from assay.running.run import run
from assay.study.study import Study


def fork(
    parent: Path | str,
    study: Study,
    out: Path | str | None = None,
    *,
    workers: int | None = None,
    progress: bool = True,
    retry_failed: bool = False,
    executor: Executor | None = None,
    on_event: OnEvent = ignore,
) -> Results:
    """Run ``study``, which is that in the folder ``parent`` with other settings, in a new folder.

    ``out`` defaults to ``forked_folder``. Of the parent's runs, those that the new settings leave the same
    are copied, and the others are trained. The new study names its parent, and its report says that it was
    made after seeing results. The same call continues it. Raises `UsageError` if the settings are the same,
    and what `run` raises; ``progress``, ``retry_failed``, ``executor`` and ``on_event`` are as for `run`.
    """
    with Results.open(parent) as results:
        forked = forked_study(results, study)
    folder = out if out is not None else forked_folder(parent)
    return run(
        forked,
        folder,
        workers=workers,
        reuse=parent,
        retry_failed=retry_failed,
        progress=progress,
        executor=executor,
        on_event=on_event,
    )


def forked_study(parent: Results, study: Study) -> Study:
    """Return ``study`` as one that follows from ``parent``; `UsageError` if it has the same settings."""
    if study.digest in (parent.header.digest, parent.study.digest):
        raise UsageError(
            f"{parent.folder}: holds this study with these settings, expected others "
            f"(`assay run --out {parent.folder}` continues it)"
        )
    return replace(study, parent=parent.header.digest)


def forked_folder(parent: Path | str) -> Path:
    """Return where a forked study's results go: beside its parent's."""
    folder = Path(parent)
    return folder.with_name(f"{folder.resolve().name}-fork")
