"""A worker: owns one session at a time, trains a task's runs in it, and reports their messages."""

import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from math import isfinite

from assay.data import Dataset
from assay.engines.base import Evaluation
from assay.records.runs import RunId, RunRecord, Status
from assay.running import rows
from assay.running.events import Compiling, StepsTaken
from assay.running.messages import Begun, Context, EpochTrained, Failed, Finished, Message, Task
from assay.training.causes import stuck, why_diverged, why_stuck
from assay.training.train import Job, Progress, at_best, at_end, calibrated, measured, test, train

LONGEST_MESSAGE = 2000
"""Characters of the message of a run that failed; the whole is in its traceback."""

Tell = Callable[[Message], None]
Standing = dict[int, Progress | None]
"""The progress of one arm's runs, by seed; None before the first epoch."""


class Stopped(BaseException):
    """Raised by a worker's ``tell`` to stop the worker; no layer's ``except Exception`` catches it."""


def work(context: Context, task: Task, tell: Tell) -> None:
    """Train the runs of ``task`` from their current progress to their ends, and report every message.

    An exception raised meanwhile, for example by a user's layer, ends the run it concerns, which is reported
    as `Failed`. Only `Stopped` and `KeyboardInterrupt` are let through.
    """
    worker = _Worker(context, task.arm, tell)
    runs = dict(zip(task.seeds, task.progress, strict=True))
    try:
        worker.begin(task)
    except (Stopped, KeyboardInterrupt):
        raise
    except BaseException as error:
        worker.give_up(runs, error)
    else:
        worker.train(runs)


class _Worker:
    """Trains runs of one arm."""

    def __init__(self, context: Context, arm: str, tell: Tell) -> None:
        self.context = context
        self.data = context.data
        self.arm = arm
        self.tell = tell

    def begin(self, task: Task) -> None:
        """Report which runs are begun; refuse a task that this worker's context would train differently."""
        self.cohort = self.context.plan.cohort(self.arm)
        expected = (self.cohort.engine.name, self.data.digest)
        if (task.engine, task.data) != expected:
            raise ValueError(f"a task for engine and data {(task.engine, task.data)}, here are {expected}")
        self.tell(Begun(tuple(map(self._row, task.seeds, task.progress))))

    def train(self, runs: Standing) -> None:
        """Train runs to their ends, together with those at the same epoch."""
        by_epochs = sorted(runs.items(), key=lambda item: _epochs(item[1]))
        for _, group in groupby(by_epochs, key=lambda item: _epochs(item[1])):
            self._attempt(dict(group))

    def _attempt(self, runs: Standing) -> None:
        """Train runs side by side; if that fails, half as many, so that an error costs only its own run.

        This also helps if memory does not suffice for that many.
        """
        try:
            self._side_by_side(runs)
        except (Stopped, KeyboardInterrupt):
            raise
        except BaseException as error:
            if len(runs) <= 1:
                self.give_up(runs, error)
                return
        for half in _halves(runs):  # after the except clause, which releases the session
            self.train(half)

    def give_up(self, runs: Standing, error: BaseException) -> None:
        """Report for every run that ``error`` ended it."""
        text = "".join(traceback.format_exception(error))
        message = f"{type(error).__name__}: {_text(error)}".splitlines()[0]
        for seed in runs:
            self.tell(Failed(RunId(self.arm, seed), message[:LONGEST_MESSAGE], text))

    def _side_by_side(self, runs: Standing) -> None:
        """Train runs in one session; runs that have ended are removed from ``runs``."""
        job = self.cohort.job(tuple(runs))
        started = [self._start(seed, progress) for seed, progress in runs.items()]
        job.engine.prepare(job.network, job.recipe, lambda *done: self.tell(Compiling(self.arm, *done)))
        session = job.session([progress.state for progress in started])
        under_way = dict(zip(runs, started, strict=True))
        data = self._data(runs)
        for _ in train(session, data, started, lambda step: self._step(under_way, step)):
            latest = max(len(progress.history) for progress in started)
            # A run that has diverged or stopped early stays behind.
            trained = {seed: _copy(run) for seed, run in under_way.items() if len(run.history) == latest}
            self.tell(EpochTrained(tuple(map(self._row, trained, trained.values())), (*trained.values(),)))
            runs.update(trained)
        memory = session.memory()
        for seed, progress in under_way.items():
            self.tell(self._end(seed, progress, memory))
            del runs[seed]

    def _data(self, seeds: Iterable[int]) -> Dataset:
        """Return what runs side by side are trained on: the same for all, or that of the only one's seed."""
        return self.data.for_seed(next(iter(seeds)))

    def _start(self, seed: int, progress: Progress | None) -> Progress:
        return _copy(progress) if progress else self.cohort.job((seed,)).start()[0]

    def _row(self, seed: int, progress: Progress | None) -> RunRecord:
        return rows.under_way(self.cohort, seed, progress)

    def _step(self, runs: dict[int, Progress], step: int) -> None:
        for seed, progress in runs.items():
            if not progress.ended(self.cohort.recipe):
                self.tell(StepsTaken(RunId(self.arm, seed), len(progress.history) + 1, step))

    def _end(self, seed: int, progress: Progress, memory: int) -> Finished:
        """End a run; open the test set unless it has diverged."""
        job, data = self.cohort.job((seed,)), self._data([seed])
        ended = at_end(job, data, progress)

        def row(status: Status, message: str | None, evaluation: Evaluation | None) -> RunRecord:
            return rows.at_the_end(
                self._row(seed, progress),
                status,
                ended,
                memory=memory,
                message=message,
                evaluation=evaluation,
            )

        if progress.diverged:
            return Finished(
                row(Status.DIVERGED, why_diverged(progress.history, progress.layers, progress.fault), None)
            )
        best = at_best(job, [progress])
        [evaluation] = test(best, data)
        answers = evaluation.predicted, evaluation.correct
        if not isfinite(evaluation.loss):
            return Finished(row(Status.DIVERGED, "the loss on the test set is not finite", None), *answers)
        temperature, error = calibrated(best, data, evaluation)
        done = row(Status.DONE, self._why_stuck(progress, job, data), evaluation)
        done = replace(done, temperature=temperature, calibration_error=error)
        return Finished(done, *answers, progress.best)

    def _why_stuck(self, progress: Progress, job: Job, data: Dataset) -> str | None:
        if not stuck(progress.history, measured(job.recipe, data).labels):
            return None
        return why_stuck(progress.layers, job.recipe, len(data.train))


def _halves(runs: Standing) -> tuple[Standing, Standing]:
    """Return the first and the second half of the remaining ``runs``."""
    items, middle = [*runs.items()], len(runs) // 2
    return dict(items[:middle]), dict(items[middle:])


def _text(error: BaseException) -> str:
    """Return an error's text, which a user's own exception may fail to provide."""
    try:
        return str(error)
    except Exception:
        return "its message cannot be written"


def _epochs(progress: Progress | None) -> int:
    return len(progress.history) if progress else 0


def _copy(progress: Progress) -> Progress:
    """Return a copy of the progress that later epochs do not change; its arrays are never written to."""
    return replace(progress, history=[*progress.history], layers=[*progress.layers])
