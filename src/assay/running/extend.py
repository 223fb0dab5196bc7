"""More seeds for a finished study: a new study that names its parent and reuses its parent's runs."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from assay.errors import StoreError, UsageError
from assay.findings.comparisons import resolved
from assay.results import Results
from assay.running.events import OnEvent, ignore
from assay.running.executor import Executor
from assay.running.run import run
from assay.study import own_code, tables
from assay.study.study import Study


def extend(
    parent: Path | str,
    seeds: int,
    out: Path | str | None = None,
    *,
    workers: int | None = None,
    progress: bool = True,
    retry_failed: bool = False,
    executor: Executor | None = None,
    trust: Iterable[Path | str] = (),
    unchecked: bool = False,
    on_event: OnEvent = ignore,
) -> Results:
    """Extend the finished study in the folder ``parent`` to ``seeds`` seeds, in a new folder.

    ``out`` defaults to ``extended_folder``. The parent's runs are reused if they would come out the same,
    with this version of assay and the same engine, and the others are trained. The same call continues a
    study that was stopped, and with ``retry_failed`` retrains runs that failed before. The report says that
    the study was extended after seeing results. Raises `StoreError` if the parent is not finished,
    `UsageError` unless it has fewer seeds, and what `run` raises; ``executor``, ``progress`` and ``on_event``
    are as for `run`. ``trust`` names the study's own Python files, which the parent's folder has kept;
    ``unchecked`` is as for `load_study`.
    """
    with Results.open(parent, trust=(files := list(trust))) as results:
        own_code.trust(results.study.code, files, str(parent), unchecked=unchecked)
        study = extended(results, seeds)
    folder = out if out is not None else extended_folder(parent, seeds)
    return run(
        study,
        folder,
        workers=workers,
        reuse=parent,
        retry_failed=retry_failed,
        progress=progress,
        executor=executor,
        on_event=on_event,
    )


def extended(parent: Results, seeds: int) -> Study:
    """Return the study that extends a finished one to ``seeds`` seeds, with one look at all of them."""
    if not (parent.complete or resolved(parent)):
        raise StoreError(
            f"{parent.folder}: {parent.done} of {parent.total} runs have come to their end, expected all "
            "(`assay run` continues it)"
        )
    if seeds <= parent.seeds_ended:
        raise UsageError(
            f"--seeds must be above {parent.seeds_ended}, the seeds of {parent.folder}; got {seeds}"
        )
    study = replace(parent.study.with_seeds(seeds), looks=(), parent=parent.header.digest)
    if parent.data.source == study.data.source:
        return study
    return replace(study, base=tables.merge(study.base, {"data": {"source": parent.data.source}}))


def extended_folder(parent: Path | str, seeds: int) -> Path:
    """Return where an extended study's results go: beside its parent's, with the number of seeds."""
    folder = Path(parent)
    return folder.with_name(f"{re.sub('-[0-9]+-seeds$', '', folder.resolve().name)}-{seeds}-seeds")
