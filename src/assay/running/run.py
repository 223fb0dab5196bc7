"""Running a study: plan, data set and store are combined for the driver; finished runs are kept."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from assay.data import Dataset, load
from assay.data.outline import outline
from assay.errors import StoreError, StudyError, UsageError
from assay.findings.comparisons import over
from assay.records.machine import processors, versions
from assay.records.runs import RunId, RunRecord, Status
from assay.results import Results
from assay.running.driver import Driver, stored_epochs
from assay.running.estimate import seconds_without_engine
from assay.running.events import Loading, OnEvent, Started, ignore
from assay.running.executor import Executor
from assay.running.messages import Context
from assay.running.plan import Plan, check, make_plan
from assay.running.progress.show import shown
from assay.running.reuse import take_over
from assay.running.threads import Threads
from assay.store import Header, SQLiteStore, Store
from assay.store.lock import folder_lock
from assay.store.readout import CODE, DATABASE
from assay.study import kept_code, own_code, tables
from assay.study.study import Study
from assay.training.causes import chance


def run(
    study: Study,
    out: Path | str | None = None,
    *,
    workers: int | None = None,
    first: int | None = None,
    reuse: Path | str | Iterable[Path | str] = (),
    retry_failed: bool = False,
    executor: Executor | None = None,
    progress: bool = True,
    on_event: OnEvent = ignore,
) -> Results:
    """Run ``study`` in the folder ``out``, or continue it there, and return its results.

    ``out`` defaults to ``assay-runs/`` and the study's name; ``workers`` to the
    number of processors; ``first`` is how many of the study's seeds to train,
    by default all. Runs with the same settings, data, engine and seed that the
    results folder or folders ``reuse`` already hold are copied from there. A study
    that is complete, or that stopped at a declared look that resolved it, is not run
    again. ``progress`` shows the progress: a bar per arm in a notebook; otherwise,
    on stderr, a live table in a terminal and a line per epoch elsewhere.
    ``on_event`` is called with every event (``assay.running.events``).

    A run that raises an exception has failed, and the others go on. It is left
    alone when the study is continued, unless ``retry_failed`` retrains failed runs
    from their last checkpoints. ``executor`` trains the runs, by default ``Threads``
    with ``workers`` workers; give at most one of the two. Raises `StoreError` if the
    folder holds another study or cannot be written, and what planning and loading
    the data can raise.
    """
    folder = Path(out) if out is not None else default_folder(study)
    count = worker_count(workers)
    if study.imported:
        raise StudyError(f"{study.name}: its runs were trained elsewhere, so there is nothing to train here")
    if workers is not None and executor is not None:
        raise UsageError(
            "workers and executor: found both, expected one (the executor has workers of its own)"
        )
    if not os.path.exists(folder / DATABASE):
        own_code.expect_trusted(study.code, study.name)
        _check_unread(study)
    _make_folder(folder)
    with folder_lock(folder):
        begun: dict[str, str] = {}
        if (folder / DATABASE).exists():
            _check_same_study(folder, study)
            results = Results.open(folder)
            if _nothing_left(results, first, retry_failed):
                return results
            begun = {run.arm: run.engine for run in results.runs}
            study = results.study  # which says how it was measured, as the file of an older one does not
            results.close()
            own_code.expect_trusted(study.code, study.name)
        with shown(progress, on_event) as watch:
            trainer = executor or Threads(count)
            _train(study, folder, trainer, watch, begun, first, _folders(reuse), retry_failed)
    return Results.open(folder, watch=True)


def default_folder(study: Study) -> Path:
    """Return the folder in which a study's results go by default."""
    return Path("assay-runs") / study.name


def _folders(reuse: Path | str | Iterable[Path | str]) -> list[Path]:
    return [Path(reuse)] if isinstance(reuse, Path | str) else [Path(folder) for folder in reuse]


def worker_count(workers: int | None) -> int:
    """Return how many runs are trained at once: ``workers``, by default one per processor.

    Raises `UsageError` for an invalid number.
    """
    available = processors()
    if workers is None:
        return available
    if not 1 <= workers <= 1024:
        raise UsageError(f"workers must be 1..1024; got {workers} (this machine has {available} processors)")
    return workers


def _nothing_left(results: Results, first: int | None, retry_failed: bool) -> bool:
    """Whether every run has ended, or failed and is not retried, or a look has resolved the study."""
    if over(results) if first is None else results.seeds_ended >= first:
        return True
    closed = {run.id for run in results.runs if _is_closed(run, retry_failed)}
    study = results.study
    return closed >= {RunId(arm.name, seed) for arm in study.arms for seed in study.seeds[:first]}


def _is_closed(run: RunRecord, retry_failed: bool) -> bool:
    return run.status.ended or (run.status is Status.FAILED and not retry_failed)


def _check_unread(study: Study) -> None:
    """If the sizes are known, refuse what cannot be trained before creating a folder or drawing images."""
    if study.data.source == "glyphs":
        check(study, outline(study.data))


def _train(
    study: Study,
    folder: Path,
    executor: Executor,
    on_event: OnEvent,
    begun: Mapping[str, str],
    first: int | None,
    reuse: Sequence[Path],
    retry_failed: bool,
) -> None:
    on_event(Loading(study.data.source))
    data = load(study.data)
    plan = make_plan(study, data, begun).first(first)
    store = _open(folder, study, data)
    try:
        take_over(plan, store, folder, reuse)
        driver = Driver(Context(plan, data), store, folder, on_event)
        started = _started(plan, store, len(data.train), executor.at_once, retry_failed)
        on_event(started)
        driver.drive(started.pending, executor)
    finally:
        store.close()


def _started(plan: Plan, store: Store, examples: int, workers: int, retry_failed: bool) -> Started:
    before = {run.id: run for run in store.runs()}
    closed = {run.id for run in before.values() if _is_closed(run, retry_failed)}
    pending = tuple(run for run in plan.runs if run not in closed)
    failed = tuple(row for row in before.values() if row.status is Status.FAILED and row.id in plan.runs)
    slow = seconds_without_engine(plan, {run.arm for run in pending}, examples)
    return Started(plan, pending, stored_epochs(store), examples, workers, failed, slow)


def _open(folder: Path, study: Study, data: Dataset) -> Store:
    path = folder / DATABASE
    if not path.exists():
        return _create(path, study, data)
    store = SQLiteStore.open(path, write=True)
    if store.header.data_digest != data.digest:
        store.close()
        raise StoreError(
            f"{folder}: the data of {data.name!r} changed since the first run (use another --out)"
        )
    return store


def _create(path: Path, study: Study, data: Dataset) -> Store:
    """Create the store beside its destination and move it there, so that it is whole or absent."""
    sizes = {"train": len(data.train), "valid": len(data.valid), "test": len(data.test)}
    header = Header(
        study.to_tables(), study.digest, data.digest, data.classes, data.synthetic, sizes, versions(),
        chance(data.train.labels)[1],
    )  # fmt: skip
    kept_code.write(study.code, path.parent / CODE)
    beside = path.with_suffix(".new")
    for leftover in path.parent.glob(f"{beside.name}*"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    SQLiteStore.create(beside, header).close()
    beside.replace(path)
    return SQLiteStore.open(path, write=True)


def _check_same_study(folder: Path, study: Study) -> None:
    results = Results.open(folder)
    header, stored = results.header, results.study
    results.close()
    if study.digest in (header.digest, stored.digest):
        return
    old, new = tables.flat(header.study), tables.flat(study.to_tables())
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    own = [key.removeprefix("code.") for key in changed if key.startswith("code.")]
    if changed and len(own) == len(changed):
        file = own[0]
        what = kept_code.changed(folder / CODE, file, study.code.get(file, ""))
        raise StoreError(
            f"{folder}: was begun with other code in {file}: {what} (undo the change, or use another --out)"
        )
    key = changed[0] if changed else "its format"
    more = f", or add seeds with `assay extend {folder}`" if changed == ["seeds"] else ""
    raise StoreError(
        f"{folder}: holds this study with other settings, {key}: {old.get(key)!r} there, "
        f"{new.get(key)!r} now (use another --out{more})"
    )


def _make_folder(folder: Path) -> None:
    if os.path.isfile(folder):
        raise StoreError(f"{folder}: is a file, expected a folder (choose another --out)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{str(folder)!r}: cannot be made ({reason}; choose another --out)") from None
