"""Running a study: plan, data set and store are combined for the driver; finished runs are kept."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from assay.data import AtHand, Dataset, DataSpec, load
from assay.data.outline import Outline, outline
from assay.errors import StoreError, StudyError, UsageError
from assay.records.runs import Status
from assay.results import Results
from assay.running.capacity import that_fit, worker_count
from assay.running.continuing import check_same_study, is_closed, nothing_left, remember
from assay.running.deaths import deaths
from assay.running.driver import Driver, last_epochs
from assay.running.estimate import seconds_without_engine
from assay.running.evaluations import ending
from assay.running.events import Loading, OnEvent, Started, ignore
from assay.running.executor import Executor
from assay.running.inventory import remove_left_over
from assay.running.messages import Context
from assay.running.plan import Plan, check, make_plan
from assay.running.processes import Processes
from assay.running.progress.show import shown
from assay.running.results_folder import called, default_folder, make_results_folder, open_store
from assay.running.reuse import take_over
from assay.running.threads import Threads
from assay.store import Store
from assay.store.creating import expect_no_remains
from assay.store.durable import anchored, is_writable
from assay.store.lock import folder_lock
from assay.store.lookup import DATABASE, none_at
from assay.store.unchecked import Unchecked, keep_unchecked
from assay.study import own_code, own_modules
from assay.study.study import Study


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

    Results keep the test images, so that a report need not load the data set again.

    A folder is continued wherever the same data now lies: data is known by its content, not by its path.

    A run that raises an exception has failed, and the others go on. It is left
    alone when the study is continued, unless ``retry_failed`` retrains failed runs
    from their last checkpoints. ``executor`` trains the runs, by default ``Threads``
    with ``workers`` workers, or ``Processes`` where a run may end its process or
    has done so twice; give at most one of the two. Raises `StoreError` if the
    folder holds another study or cannot be written, or one of ``reuse`` holds no results,
    and what planning and loading the data can raise.
    """
    asked = Asked(executor, workers, first, _folders(reuse), retry_failed)
    if data is not None:
        study = study.override({"data": data.spec})
    return run_as_asked(study, out, asked, LoadedOnce(data), progress, on_event)


@dataclass
class LoadedOnce:
    """A study's data set: given, or loaded once, when runs are first to be trained."""

    data: Dataset | None = None

    def of(self, spec: DataSpec, on_event: OnEvent) -> Dataset:
        """Return the data set; the event `Loading` precedes its loading."""
        if self.data is None:
            on_event(Loading(spec.source))
            self.data = load(spec)
        return self.data


def run_as_asked(
    study: Study,
    out: Path | str | None,
    asked: "Asked",
    images: LoadedOnce,
    progress: bool,
    on_event: OnEvent,
) -> Results:
    """Do as `run` does; ``images`` can be those of an earlier call for the same study."""
    if file := own_modules.importing():
        raise UsageError(
            f"{study.name}: is run by {file} while another study imports it "
            '(put the call under `if __name__ == "__main__":`)'
        )
    folder = Path(out) if out is not None else default_folder(study)
    if study.imported:
        raise StudyError(f"{study.name}: its runs were trained elsewhere, so there is nothing to train here")
    if not os.path.exists(folder / DATABASE):
        own_code.expect_trusted(study.code, study.name)
        _check_unread(study, asked.elsewhere)
    make_results_folder(folder)
    place = anchored(folder)
    with called(folder, place):
        if not is_writable(place) and (finished := _finished(folder, study, asked, images)):
            return finished
    with called(folder, place), folder_lock(place) as died:
        begun: dict[str, str] = {}
        source = study.data.source
        if (folder / DATABASE).exists():
            results = Results.open(folder)
            images.data = check_same_study(results, study, images.data)
            results = remember(results, source)
            remove_left_over(results)
            if nothing_left(results, asked.first, asked.retry_failed):
                return results
            begun = {run.arm: run.engine for run in results.runs}
            study = results.study  # which says how it was measured, as the file of an older one does not
            results.close()
            own_code.expect_trusted(study.code, study.name)
        else:
            expect_no_remains(place / DATABASE)
        with shown(progress, on_event) as watch:
            data = images.of(replace(study.data, source=source), watch)
            _train(study, data, _Found(place, begun, died), asked, watch)
        results = remember(Results.open(place, watch=True), source)
        return replace(results, at_hand=AtHand.of(data))


def _finished(folder: Path, study: Study, asked: "Asked", images: LoadedOnce) -> Results | None:
    """Return the results in a folder, which is only read, if nothing is left to do there."""
    if not (folder / DATABASE).exists():
        return None
    results = Results.open(folder, watch=True)
    images.data = check_same_study(results, study, images.data)
    if nothing_left(results, asked.first, asked.retry_failed):
        return results
    results.close()
    return None


@dataclass(frozen=True)
class Asked:
    """What the caller asks for beside the study: who trains, which seeds, what is taken over or retrained.

    Raises `UsageError` unless ``workers`` are a possible number, and given without an ``executor``.
    """

    executor: Executor | None
    workers: int | None
    first: int | None
    reuse: tuple[Path, ...]
    retry_failed: bool

    def __post_init__(self) -> None:
        worker_count(self.workers)
        if self.workers is not None and self.executor is not None:
            raise UsageError(
                "workers and executor: found both, expected one (the executor has workers of its own)"
            )

    @property
    def elsewhere(self) -> bool:
        """Whether runs are trained on other machines."""
        return self.executor is not None and self.executor.elsewhere

    def executor_for(self, plan: Plan, data: Dataset, suspects: bool) -> Executor:
        """Return the caller's executor or threads, or processes where a run may end its own process."""
        isolated = Processes(self.workers) if plan.isolated or suspects else None
        executor = self.executor or isolated or Threads(that_fit(plan, self.workers))
        return executor.fitted(plan, data) if isinstance(executor, Processes) else executor


@dataclass(frozen=True)
class _Found:
    """The results folder, the engines with which its arms were begun, and whether its last process died."""

    folder: Path
    begun: Mapping[str, str]
    died: bool


def _folders(reuse: Path | str | Iterable[Path | str]) -> tuple[Path, ...]:
    """Return the folders whose runs may be copied; `StoreError` where one holds none."""
    folders = (Path(reuse),) if isinstance(reuse, Path | str) else tuple(map(Path, reuse))
    for folder in folders:
        if not os.path.isfile(folder / DATABASE):
            raise StoreError(none_at(folder))
    return folders


def _check_unread(study: Study, elsewhere: bool) -> None:
    """If the sizes are known, refuse what cannot be trained before creating a folder or drawing images."""
    if study.data.source == "glyphs":
        check(study, outline(study.data), elsewhere=elsewhere)


def _train(study: Study, data: Dataset, found: _Found, asked: Asked, on_event: OnEvent) -> None:
    plan = make_plan(study, data, found.begun, elsewhere=asked.elsewhere).first(asked.first)
    store = open_store(found.folder, study, data)
    wrong = (Unchecked(own.cls, own.place, own.wrong) for own in plan.checks if own.wrong)
    try:
        keep_unchecked(found.folder, wrong)
        take_over(plan, store, found.folder, asked.reuse)
        dead = deaths(found.folder, store.runs(), found.died)
        executor = asked.executor_for(plan, data, any(death.suspect for death in dead))
        driver = Driver(Context(plan, data), store, found.folder, on_event)
        started = _started(plan, store, Outline.of(data), executor.at_once, asked.retry_failed)
        on_event(replace(started, deaths=tuple(dead)))
        driver.drive(started.pending, executor)
    finally:
        store.close()


def _started(plan: Plan, store: Store, sizes: Outline, workers: int, retry_failed: bool) -> Started:
    before = {run.id: run for run in store.runs()}
    closed = {run.id for run in before.values() if is_closed(run, retry_failed)}
    pending = tuple(run for run in plan.runs if run not in closed)
    failed = tuple(row for row in before.values() if row.status is Status.FAILED and row.id in plan.runs)
    slow = seconds_without_engine(plan, {run.arm for run in pending}, sizes)
    last = last_epochs(store)
    done = {run: record.epoch for run, record in last.items()}
    ends = {cohort.arm.name: ending(sizes, cohort.recipe.fitted(sizes.train)) for cohort in plan.cohorts}
    return Started(plan, pending, done, sizes.train, workers, failed, slow, ending=ends, last=last)
