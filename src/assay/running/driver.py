"""The driver of a study: it owns the store, and saves there what an executor's workers deliver.

A run's checkpoint is written before the row of its epoch, so it is never
behind the store. A study that was killed continues every run from its last
epoch, bit for bit. Where a checkpoint was removed, or is an older one, the rows
beyond it go before the run does: another machine may come to other numbers.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from assay.data.outline import Outline
from assay.engines import speed
from assay.errors import StoreError, one_line
from assay.records.runs import THEN, EpochRecord, RunId, RunRecord, Status
from assay.running import rows
from assay.running.evaluations import evaluated_in_an_epoch
from assay.running.events import Compiling, EpochEnded, OnEvent, RunEnded, StepsTaken
from assay.running.executor import Executor
from assay.running.messages import Begun, Context, EpochTrained, Failed, Finished, Message, Task
from assay.running.tracebacks import forget_traceback, keep_traceback
from assay.store import Store
from assay.store.machines import WorkingMachine, keep_machines
from assay.store.weights import identity_of, path_of, save_weights
from assay.training import agreement
from assay.training.checkpoints import AGAIN, Encoded, load_progress, save_progress
from assay.training.train import Progress


class Driver:
    """Hands tasks to an executor, and stores their results."""

    def __init__(self, context: Context, store: Store, folder: Path, on_event: OnEvent) -> None:
        self.plan = context.plan
        self.context = context
        self.store = store
        self.header = store.header  # read once: an epoch then costs the same, however much is stored
        self.folder = folder
        self.on_event = on_event
        self.before = {run.id: run for run in store.runs()}
        self.latest: dict[RunId, RunRecord] = {}
        self.encoded: dict[RunId, Encoded] = {}
        self.machines: Sequence[WorkingMachine] = ()

    def drive(self, runs: Sequence[RunId], executor: Executor) -> None:
        """Train ``runs`` to their ends, the costliest first.

        That is within each seed, so that pairs are complete early, or among all runs where there are more
        workers than arms: with the longest begun last, most workers would wait for it.
        """
        many = executor.at_once > len(self.plan.cohorts)
        seeds = self.plan.cohorts[0].seeds
        runs = sorted(
            runs, key=lambda run: (0 if many else seeds.index(run.seed), -self.plan.cohort(run.arm).cost)
        )
        pending = [rows.row(self.plan.cohort(run.arm), run.seed, Status.PENDING) for run in runs]
        self.latest |= {row.id: row for row in pending}
        self.store.add_runs(map(self._trained_on, pending))
        with closing(executor.run(self.context, self._tasks(runs))) as messages:
            try:
                for message in messages:
                    self._take(message)
                    if isinstance(message, Begun | Finished | Failed):
                        self._keep_machines(executor.machines())
            finally:
                self._keep_machines(())

    def _tasks(self, runs: Sequence[RunId]) -> Iterator[Task]:
        """Yield each arm's runs in groups, ordered by their first runs, each with its progress so far."""
        for group in self._groups(runs):
            arm, engine = group[0].arm, self.plan.cohort(group[0].arm).engine
            progress = tuple(map(self._progress, group))
            yield Task(arm, tuple(run.seed for run in group), engine.name, self.context.data.digest, progress)

    def _groups(self, runs: Sequence[RunId]) -> list[list[RunId]]:
        groups: list[list[RunId]] = []
        latest: dict[str, list[RunId]] = {}
        for run in runs:
            alone = self.context.data.division is not None  # each seed has images of its own
            size = 1 if alone else self.plan.cohort(run.arm).engine.runs_per_session
            if run.arm not in latest or len(latest[run.arm]) == size:
                latest[run.arm] = []
                groups.append(latest[run.arm])
            latest[run.arm].append(run)
        return groups

    def _progress(self, run: RunId) -> Progress | None:
        """Return a run's progress from its checkpoint, and store the epochs that the store lacks.

        Epochs that the store has beyond it are removed from there.
        """
        path = path_of(self.folder, run, unfinished=True)
        stored = self.store.epochs(run) if run in self.before else []
        if not path.exists():
            if stored:
                self.store.drop_epochs(run, 0)
            return None
        progress = load_progress(path, self._identity(run))
        examples = self.context.data.training_images(run.seed)
        self._expect_agreement(path, run, progress, stored, examples)
        if len(stored) > len(progress.history):
            self.store.drop_epochs(run, len(progress.history))
        steps = self.plan.cohort(run.arm).recipe.steps(examples)
        progress.history = [record.told_apart(steps) for record in progress.history]
        progress.history[: len(stored)] = stored[: len(progress.history)]
        for record in progress.history[len(stored) :]:
            layers = progress.examined(record.epoch)
            self.store.add_epoch(run, record, layers)
            self.on_event(EpochEnded(run, record, layers))
        return progress

    def _expect_agreement(
        self, path: Path, run: RunId, progress: Progress, stored: Sequence[EpochRecord], examples: int
    ) -> None:
        """Raise `StoreError` for a checkpoint that is whole, and not that of the run as its rows have it.

        An epoch of it takes in ``examples``.
        """
        network, recipe = self.plan.cohort(run.arm).network, self.plan.cohort(run.arm).recipe
        faults = chain(
            agreement.against_network(progress.state, network, recipe),
            agreement.against_itself(progress, recipe, examples),
            agreement.against_rows(progress, stored, self.store.layers(run)),
        )
        for fault in faults:
            raise StoreError(f"{path}: {fault} ({AGAIN})")

    def _take(self, message: Message) -> None:
        match message:
            case Begun():
                for row in message.rows:
                    self._put(row)
            case Compiling() | StepsTaken():
                self.on_event(message)
            case EpochTrained():
                self._keep_epoch(message)
            case Finished():
                self._keep_end(message)
            case Failed():
                self._keep_failure(message)

    def _keep_machines(self, machines: Sequence[WorkingMachine]) -> None:
        if machines != self.machines:
            self.machines = machines
            keep_machines(self.folder, machines)

    def _keep_epoch(self, message: EpochTrained) -> None:
        """Save an epoch of runs side by side, checkpoints first, so that they stay at the same epoch."""
        for row, progress in zip(message.rows, message.progress, strict=True):
            path = path_of(self.folder, row.id, unfinished=True)
            encoded = self.encoded.setdefault(row.id, Encoded())
            save_progress(path, progress, self._identity(row.id), encoded)
        ended = []
        with self.store.together():
            for row, progress in zip(message.rows, message.progress, strict=True):
                record = progress.history[-1]
                ended.append(EpochEnded(row.id, record, progress.examined(record.epoch)))
                self.store.add_epoch(row.id, record, ended[-1].layers)
                self._put(row)
        for event in ended:
            self.on_event(event)

    def _keep_end(self, message: Finished) -> None:
        row = self._trained_on(message.row)
        if message.weights is not None:
            save_weights(path_of(self.folder, row.id), message.weights, self._identity(row.id))
        if message.predicted is not None and message.correct is not None:
            self.store.finish(row, message.predicted, message.correct)
        else:
            self.store.add_run(row)
        self._keep_speed(row)
        path_of(self.folder, row.id, unfinished=True).unlink(missing_ok=True)
        self.encoded.pop(row.id, None)
        forget_traceback(self.folder, row.id)
        self.on_event(RunEnded(row))

    def _keep_speed(self, run: RunRecord) -> None:
        """Record how fast a finished run was, for later estimates, unless it was trained alongside others."""
        cohort = self.plan.cohort(run.arm)
        if run.status is Status.DONE and run.steps_per_second and cohort.engine.runs_per_session == 1:
            sizes = Outline.of(self.context.data)
            recipe = cohort.recipe.fitted(sizes.train)
            keep = partial(speed.record_run, cohort.engine, cohort.network, recipe, zeros=sizes.zeros)
            keep(run.steps_per_second)
            if run.evaluation_seconds_per_epoch:
                rate = evaluated_in_an_epoch(sizes, recipe) / run.evaluation_seconds_per_epoch
                keep(rate, speed.EVALUATED)

    def _keep_failure(self, message: Failed) -> None:
        """Record why a run failed; its checkpoint is kept for another attempt."""
        keep_traceback(self.folder, message.run, message.traceback)
        self.encoded.pop(message.run, None)
        why = one_line(message.message)  # it may quote anything, and reaches terminals
        failed = replace(self.latest[message.run], status=Status.FAILED, message=why)
        self.on_event(RunEnded(self._put(failed)))

    def _put(self, row: RunRecord) -> RunRecord:
        """Store a run's row, and return what was stored."""
        self.latest[row.id] = row
        stored = self._trained_on(row)
        self.store.add_run(stored)
        return stored

    def _trained_on(self, row: RunRecord) -> RunRecord:
        """Return a row with the machines that trained its run, in the order they were used."""
        if (before := self.before.get(row.id)) is None:
            return row
        return replace(
            row, processor=_then(before.processor, row.processor), host=_then(before.host, row.host)
        )

    def _identity(self, run: RunId) -> dict[str, Any]:
        return identity_of(run, self.header)


def _then(before: str | None, here: str | None) -> str | None:
    """Return a list of names with one more, unless it is there already."""
    names = [name for name in (before, here) if name]
    known = bool(before and here and here in before.split(THEN))
    return before if known else THEN.join(names) or None


def last_epochs(store: Store) -> dict[RunId, EpochRecord]:
    """Return the last epoch of each run that a store holds one of."""
    return {run.id: epochs[-1] for run in store.runs() if (epochs := store.epochs(run.id))}
