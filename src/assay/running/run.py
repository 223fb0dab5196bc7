"""Running a study: plan, data set and store are combined for the driver; finished runs are kept."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.data import Dataset, load
from assay.data.address import absolute
from assay.data.outline import Outline, outline
from assay.errors import StoreError, StudyError, UsageError
from assay.findings.comparisons import over
from assay.records.machine import versions
from assay.records.runs import RunId, RunRecord, Status
from assay.results import Results
from assay.running.capacity import that_fit, worker_count
from assay.running.deaths import deaths
from assay.running.driver import Driver, stored_epochs
from assay.running.estimate import ending, seconds_without_engine
from assay.running.events import Loading, OnEvent, Started, ignore
from assay.running.executor import Executor
from assay.running.messages import Context
from assay.running.plan import Plan, check, make_plan
from assay.running.processes import Processes
from assay.running.progress.show import shown
from assay.running.reuse import take_over
from assay.running.threads import Threads
from assay.store import Header, SQLiteStore, Store, durable
from assay.store.lock import folder_lock
from assay.store.moved import keep
from assay.store.readout import CODE, DATABASE
from assay.store.unchecked import Unchecked, keep_unchecked
from assay.study import kept_code, own_code, own_modules, tables
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
    data: Dataset | None = None,
) -> Results:
    """Run ``study`` in the folder ``out``, or continue it there, and return its results.

    ``out`` defaults to ``assay-runs/`` and the study's name; ``workers`` to the
    number of processors; ``first`` is how many of the study's seeds to train,
    by default all. Runs with the same settings, data, engine and seed that the
    results folder or folders ``reuse`` already hold are copied from there. A study
    that is complete, or that stopped at a declared look that resolved it, is not run
    again. ``progress`` shows the progress: a bar per arm in a notebook; otherwise,
    on stderr, a live table in a terminal and a line per epoch elsewhere.
    ``on_event`` is called with every event (``assay.running.events``). ``data`` is a data set in memory, such
    as `Dataset.from_arrays` returns, to train on instead of the one that the study names.

    A folder is continued wherever the same data now lies: data is known by its content, not by its path.

    A run that raises an exception has failed, and the others go on. It is left
    alone when the study is continued, unless ``retry_failed`` retrains failed runs
    from their last checkpoints. ``executor`` trains the runs, by default ``Threads``
    with ``workers`` workers, or ``Processes`` where a run may end its process or
    has done so twice; give at most one of the two. Raises `StoreError` if the
    folder holds another study or cannot be written, and what planning and loading
    the data can raise.
    """
    if file := own_modules.importing():
        raise UsageError(
            f"{study.name}: is run by {file} while another study imports it "
            '(put the call under `if __name__ == "__main__":`)'
        )
    folder = Path(out) if out is not None else default_folder(study)
    worker_count(workers)  # refused before anything is made
    study = study if data is None else study.override({"data": data.spec})
    if study.imported:
        raise StudyError(f"{study.name}: its runs were trained elsewhere, so there is nothing to train here")
    if workers is not None and executor is not None:
        raise UsageError(
            "workers and executor: found both, expected one (the executor has workers of its own)"
        )
    if not os.path.exists(folder / DATABASE):
        own_code.expect_trusted(study.code, study.name)
        _check_unread(study, executor is not None and executor.elsewhere)
    _make_folder(folder)
    folder = durable.anchored(folder)
    with folder_lock(folder) as died:
        begun: dict[str, str] = {}
        source = study.data.source
        if (folder / DATABASE).exists():
            results = Results.open(folder)
            data = _check_same_study(results, study, data)
            results = _remember(results, source)
            if _nothing_left(results, first, retry_failed):
                return results
            begun = {run.arm: run.engine for run in results.runs}
            study = results.study  # which says how it was measured, as the file of an older one does not
            results.close()
            own_code.expect_trusted(study.code, study.name)
        with shown(progress, on_event) as watch:
            ways = _Ways(executor, workers, died, retry_failed)
            if data is None:
                watch(Loading(source))
                data = load(replace(study.data, source=source))
            _train(study, folder, ways, watch, begun, first, _folders(reuse), data)
        return _remember(Results.open(folder, watch=True), source)


def default_folder(study: Study) -> Path:
    """Return the folder in which a study's results go by default."""
    return Path("assay-runs") / study.name


def _folders(reuse: Path | str | Iterable[Path | str]) -> list[Path]:
    return [Path(reuse)] if isinstance(reuse, Path | str) else [Path(folder) for folder in reuse]


def _nothing_left(results: Results, first: int | None, retry_failed: bool) -> bool:
    """Whether every run has ended, or failed and is not retried, or a look has resolved the study."""
    if over(results) if first is None else results.seeds_ended >= first:
        return True
    closed = {run.id for run in results.runs if _is_closed(run, retry_failed)}
    study = results.study
    return closed >= {RunId(arm.name, seed) for arm in study.arms for seed in study.seeds[:first]}


def _is_closed(run: RunRecord, retry_failed: bool) -> bool:
    return run.status.ended or (run.status is Status.FAILED and not retry_failed)


def _check_unread(study: Study, elsewhere: bool) -> None:
    """If the sizes are known, refuse what cannot be trained before creating a folder or drawing images."""
    if study.data.source == "glyphs":
        check(study, outline(study.data), elsewhere=elsewhere)


@dataclass(frozen=True)
class _Ways:
    """How runs are trained: by the caller's executor, or else by ``workers`` workers, or as many as fit."""

    executor: Executor | None
    workers: int | None
    died: bool
    """Whether the last process that trained here died."""
    retry_failed: bool

    def for_(self, plan: Plan, data: Dataset, suspects: bool) -> Executor:
        """Return threads, or processes where a run may end the process that trains it."""
        isolated = Processes(self.workers) if plan.isolated or suspects else None
        executor = self.executor or isolated or Threads(that_fit(plan, self.workers))
        return executor.fitted(plan, data) if isinstance(executor, Processes) else executor


def _train(
    study: Study,
    folder: Path,
    ways: _Ways,
    on_event: OnEvent,
    begun: Mapping[str, str],
    first: int | None,
    reuse: Sequence[Path],
    data: Dataset,
) -> None:
    elsewhere = ways.executor is not None and ways.executor.elsewhere
    plan = make_plan(study, data, begun, elsewhere=elsewhere).first(first)
    store = _open(folder, study, data)
    wrong = (Unchecked(found.cls, found.place, found.wrong) for found in plan.checks if found.wrong)
    try:
        keep_unchecked(folder, wrong)
        take_over(plan, store, folder, reuse)
        found = deaths(folder, store.runs(), ways.died)
        executor = ways.for_(plan, data, any(death.suspect for death in found))
        driver = Driver(Context(plan, data), store, folder, on_event)
        started = _started(plan, store, Outline.of(data), executor.at_once, ways.retry_failed)
        on_event(replace(started, deaths=tuple(found)))
        driver.drive(started.pending, executor)
    finally:
        store.close()


def _started(plan: Plan, store: Store, sizes: Outline, workers: int, retry_failed: bool) -> Started:
    before = {run.id: run for run in store.runs()}
    closed = {run.id for run in before.values() if _is_closed(run, retry_failed)}
    pending = tuple(run for run in plan.runs if run not in closed)
    failed = tuple(row for row in before.values() if row.status is Status.FAILED and row.id in plan.runs)
    slow = seconds_without_engine(plan, {run.arm for run in pending}, sizes.train)
    ends = {cohort.arm.name: ending(sizes, cohort.recipe.fitted(sizes.train)) for cohort in plan.cohorts}
    return Started(plan, pending, stored_epochs(store), sizes.train, workers, failed, slow, ending=ends)


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
    durable.move_flushed(beside, path)
    return SQLiteStore.open(path, write=True)


def _remember(results: Results, source: str) -> Results:
    """Record where the data lies now, if the study in the folder says otherwise; return the results anew."""
    place = absolute(source)
    if place == results.data.source:
        return results
    folder = results.folder
    results.close()
    keep(folder, place)
    return Results.open(folder, watch=True)


def _check_same_study(results: Results, study: Study, data: Dataset | None) -> Dataset | None:
    """Return the data, loaded where it lies elsewhere now.

    Raises `StoreError`, and closes the results, if they are of other settings.
    """
    folder, header, stored = results.folder, results.header, results.study
    if study.digest in (header.digest, stored.digest):
        return data
    results.close()
    old, new = tables.flat(header.study), tables.flat(study.to_tables())
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    if changed == ["data.source"]:
        data = data or load(study.data)
        if data.digest == header.data_digest:
            return data
    own = [key.removeprefix("code.") for key in changed if key.startswith("code.")]
    if changed and len(own) == len(changed):
        file = own[0]
        what = kept_code.changed(folder / CODE, file, study.code.get(file, ""))
        raise StoreError(
            f"{folder}: was begun with other code in {file}: {what} (undo the change, or use another --out)"
        )
    key = changed[0] if changed else "its format"
    other = f"add seeds with `assay extend {folder}`" if changed == ["seeds"] else f"`assay fork {folder}`"
    raise StoreError(
        f"{folder}: holds this study with other settings, {key}: {old.get(key)!r} there, "
        f"{new.get(key)!r} now (use another --out, or {other})"
    )


def _make_folder(folder: Path) -> None:
    if os.path.isfile(folder):
        raise StoreError(f"{folder}: is a file, expected a folder (choose another --out)")
    try:
        durable.make_folder(folder)
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{str(folder)!r}: cannot be made ({reason}; choose another --out)") from None
