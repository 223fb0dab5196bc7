"""The driver of a study and its workers."""

import queue
import threading
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data import Dataset
from assay.engines import speed
from assay.engines.base import Evaluation
from assay.errors import AssayError
from assay.records.runs import EpochRecord, RunId, RunRecord, Status, TestResult
from assay.running.events import Compiling, EpochEnded, OnEvent, RunEnded, StepsTaken
from assay.running.plan import Plan
from assay.store import Store
from assay.store.weights import path_of, save_weights
from assay.training.causes import stuck, why_diverged, why_stuck
from assay.training.checkpoints import load_progress, save_progress
from assay.training.train import Ended, Job, Progress, at_end, measured, test, train


@dataclass(frozen=True)
class Begun:
    """A worker's first word on runs."""

    runs: tuple[RunId, ...]


@dataclass(frozen=True)
class Finished:
    """A worker's last word on a run."""

    record: RunRecord
    predicted: NDArray[np.int64] | None = None
    correct: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Broken:
    """A worker met an error in a run."""

    run: RunId
    error: BaseException


Message = Begun | Compiling | StepsTaken | EpochEnded | Finished | Broken
"""What workers tell the driver."""

Task = tuple[RunId, ...]
"""Runs of one arm that a worker trains side by side: as many as the engine's sessions take."""


class _Stopped(Exception):
    """The driver wants the worker to end."""


class Driver:
    """Hands runs to workers and stores what they bring."""

    def __init__(self, plan: Plan, data: Dataset, store: Store, folder: Path, on_event: OnEvent) -> None:
        self.plan = plan
        self.data = data
        self.store = store
        self.folder = folder
        self.on_event = on_event
        self.inbox: queue.Queue[Message] = queue.Queue()
        self.stop = threading.Event()
        self.digest = store.header.digest
        self.trained_on = {run.id: run.processor for run in store.runs()}

    def drive(self, runs: list[RunId], workers: int) -> None:
        """Train ``runs`` with as many threads as ``workers`` and there are tasks."""
        tasks: queue.Queue[Task] = queue.Queue()
        for run in runs:
            self.store.add_run(self._record(run, Status.PENDING))
        for task in self._tasks(runs):
            tasks.put(task)
        threads = [
            threading.Thread(target=self._work, args=(tasks,), daemon=True)
            for _ in range(min(workers, tasks.qsize()))
        ]
        for thread in threads:
            thread.start()
        try:
            self._collect(len(runs))
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def _tasks(self, runs: list[RunId]) -> list[Task]:
        """Group the runs of each arm; tasks come in the order of their first run."""
        tasks: list[list[RunId]] = []
        latest: dict[str, list[RunId]] = {}
        for run in runs:
            size = self.plan.cohort(run.arm).engine.runs_per_session
            if run.arm not in latest or len(latest[run.arm]) == size:
                latest[run.arm] = []
                tasks.append(latest[run.arm])
            latest[run.arm].append(run)
        return [tuple(task) for task in tasks]

    def _collect(self, left: int) -> None:
        while left:
            message = self.inbox.get()
            match message:
                case Begun():
                    for run in message.runs:
                        self.store.add_run(self._under_way(run))
                case Compiling() | StepsTaken():
                    self.on_event(message)
                case EpochEnded():
                    self._store_epoch(message)
                case Finished():
                    self._store_end(message)
                    left -= 1
                case Broken():
                    self._store_failure(message)
                    left -= 1

    def _store_epoch(self, message: EpochEnded) -> None:
        self.store.add_epoch(message.run, message.record, message.layers)
        self.store.add_run(self._under_way(message.run))
        self.on_event(message)

    def _under_way(self, run: RunId) -> RunRecord:
        """Return where a run stands, for whoever looks in while it is trained."""
        history = self.store.epochs(run)
        best = max(history, key=lambda record: record.valid_accuracy, default=None)
        summary = _summary(history, best.epoch) if best else {}
        return replace(self._record(run, Status.RUNNING), processor=self._processor(run), **summary)

    def _processor(self, run: RunId) -> str:
        """Return the type of processor that trains a run; what began it elsewhere comes first."""
        here, before = self.plan.cohort(run.arm).engine.processor, self.trained_on.get(run)
        return here if before is None or here in before else f"{before}, then {here}"

    def _store_end(self, message: Finished) -> None:
        run = message.record
        if message.predicted is not None and message.correct is not None:
            self.store.finish(run, message.predicted, message.correct)
        else:
            self.store.add_run(run)
        self._keep_speed(run)
        path_of(self.folder, run.id, unfinished=True).unlink(missing_ok=True)
        self.on_event(RunEnded(run))

    def _keep_speed(self, run: RunRecord) -> None:
        """Keep a finished run's speed for later estimates; of runs trained side by side none has its own."""
        cohort = self.plan.cohort(run.arm)
        if run.status is Status.DONE and run.steps_per_second and cohort.engine.runs_per_session == 1:
            recipe = cohort.recipe.fitted(len(self.data.train))
            speed.record_run(cohort.engine, cohort.network, recipe, run.steps_per_second)

    def _store_failure(self, message: Broken) -> None:
        if isinstance(message.error, AssayError):
            raise message.error
        text = f"{type(message.error).__name__}: {message.error}".splitlines()[0]
        record = self._record(message.run, Status.FAILED, message=text)
        self.store.add_run(record)
        self.on_event(RunEnded(record))

    def _work(self, tasks: "queue.Queue[Task]") -> None:
        while not self.stop.is_set():
            try:
                task = tasks.get_nowait()
            except queue.Empty:
                return
            try:
                for end in self._train(task):
                    self.inbox.put(end)
            except _Stopped:
                return
            except BaseException as error:
                self._fail(task, error, tasks)

    def _fail(self, task: Task, error: BaseException, tasks: "queue.Queue[Task]") -> None:
        """Give the runs up; or, where memory did not suffice for several at once, try half as many."""
        if isinstance(error, MemoryError) and len(task) > 1:
            middle = len(task) // 2
            tasks.put(task[:middle])
            tasks.put(task[middle:])
        else:
            for run in task:
                self.inbox.put(Broken(run, error))

    def _train(self, task: Task) -> list[Finished]:
        """Train runs from where they stand: those that have come equally far at once."""
        groups: dict[int, dict[RunId, Progress]] = {}
        for run in task:
            progress = self._progress(run)
            groups.setdefault(len(progress.history), {})[run] = progress
        return [end for runs in groups.values() for end in self._side_by_side(runs)]

    def _side_by_side(self, runs: dict[RunId, Progress]) -> list[Finished]:
        self.inbox.put(Begun(tuple(runs)))
        job = self._job(tuple(runs))
        job.engine.prepare(job.network, job.recipe, partial(self._compiled, next(iter(runs)).arm))
        session = job.session([progress.state for progress in runs.values()])
        for run, progress in runs.items():
            for record in progress.history:
                self._tell(run, progress, record)
        for _ in train(session, self.data, [*runs.values()], lambda step: self._step(runs, step)):
            latest = max(len(progress.history) for progress in runs.values())
            for run, progress in runs.items():
                if len(progress.history) == latest:  # a run that has diverged stays behind
                    save_progress(path_of(self.folder, run, unfinished=True), progress, self._identity(run))
                    self._tell(run, progress, progress.history[-1])
        memory = session.memory()
        return [self._end(run, progress, memory) for run, progress in runs.items()]

    def _compiled(self, arm: str, done: int, total: int) -> None:
        if self.stop.is_set():
            raise _Stopped
        self.inbox.put(Compiling(arm, done, total))

    def _tell(self, run: RunId, progress: Progress, record: EpochRecord) -> None:
        self.inbox.put(EpochEnded(run, record, progress.examined(record.epoch)))

    def _job(self, task: Task) -> Job:
        return self.plan.cohort(task[0].arm).job(tuple(run.seed for run in task))

    def _end(self, run: RunId, progress: Progress, memory: int) -> Finished:
        """Open the test set for a run that has not diverged."""
        job = self._job((run,))
        ended = at_end(job, self.data, progress)
        if progress.diverged:
            message = why_diverged(progress.history, progress.layers)
            return Finished(self._end_record(run, Status.DIVERGED, progress, memory, ended, message=message))
        evaluation = test(job, self.data, [progress])[0]
        if isfinite(evaluation.loss):
            save_weights(path_of(self.folder, run), progress.best, self._identity(run))
            why = self._why_stuck(progress, job)
            end = self._end_record(run, Status.DONE, progress, memory, ended, evaluation, why)
        else:
            message = "the loss on the test set is not finite"
            end = self._end_record(run, Status.DIVERGED, progress, memory, ended, message=message)
        return Finished(end, evaluation.predicted, evaluation.correct)

    def _why_stuck(self, progress: Progress, job: Job) -> str | None:
        if not stuck(progress.history, measured(job.recipe, self.data).labels):
            return None
        return why_stuck(progress.layers, job.recipe, len(self.data.train))

    def _step(self, runs: dict[RunId, Progress], step: int) -> None:
        if self.stop.is_set():
            raise _Stopped
        for run, progress in runs.items():
            if not progress.diverged:
                self.inbox.put(StepsTaken(run, len(progress.history) + 1, step))

    def _progress(self, run: RunId) -> Progress:
        path = path_of(self.folder, run, unfinished=True)
        if path.exists():
            progress = load_progress(path, self._identity(run))
            steps = self.plan.cohort(run.arm).recipe.steps(len(self.data.train))
            progress.history = [record.told_apart(steps) for record in progress.history]
            return progress
        return self._job((run,)).start()[0]

    def _identity(self, run: RunId) -> dict[str, Any]:
        return {"arm": run.arm, "seed": run.seed, "study": self.digest, "data": self.data.digest}

    def _record(
        self,
        run: RunId,
        status: Status,
        memory: int = 0,
        message: str | None = None,
    ) -> RunRecord:
        """Return a run's row with what its arm's network and engine say."""
        cohort = self.plan.cohort(run.arm)
        return RunRecord(
            arm=run.arm,
            seed=run.seed,
            status=status,
            engine=cohort.engine.name,
            parameters=cohort.network.parameter_count,
            flops=cohort.network.flops,
            peak_memory=memory,
            memory_source="computed",
            message=message,
            stuck=status is Status.DONE and message is not None,
        )

    def _end_record(
        self,
        run: RunId,
        status: Status,
        progress: Progress,
        memory: int,
        ended: Ended,
        evaluation: Evaluation | None = None,
        message: str | None = None,
    ) -> RunRecord:
        """Return the row of a run that has come to its end."""
        summary = _summary(progress.history, progress.best_epoch)
        spent = summary["evaluation_seconds_per_epoch"]
        if spent is not None:
            spent += ended.seconds / len(progress.history)
        return replace(
            self._record(run, status, memory, message),
            **summary | {"evaluation_seconds_per_epoch": spent},
            test=_test_result(evaluation) if evaluation else None,
            train_best=ended.best,
            train_final=ended.final,
            processor=self._processor(run),
        )


def stored_epochs(store: Store) -> dict[RunId, int]:
    """Return how many epochs of each run a store holds."""
    return {run.id: len(store.epochs(run.id)) for run in store.runs()}


def _test_result(evaluation: Evaluation) -> TestResult:
    return TestResult(evaluation.loss, int(np.count_nonzero(evaluation.correct)), len(evaluation.correct))


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _summary(history: list[EpochRecord], best_epoch: int) -> dict[str, Any]:
    """Return the columns of a run that follow from its epochs; ``best_epoch`` 0 stands for none."""
    return {
        "epochs": len(history),
        "best_epoch": best_epoch or None,
        "valid_best": history[best_epoch - 1].valid_accuracy if best_epoch else None,
        "valid_final": history[-1].valid_accuracy,
        "steps_per_second": median(record.steps_per_second for record in history),
        "seconds_per_epoch": fmean(record.seconds for record in history),
        "evaluation_seconds_per_epoch": _mean([record.evaluation_seconds for record in history]),
    }
