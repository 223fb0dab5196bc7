"""What a study has found so far, read from its folder."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import groupby, takewhile
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from assay.data import AtHand, DataSpec
from assay.records.metrics import Value
from assay.records.runs import THEN, EpochRecord, LayerRecord, RunId, RunRecord, Status, above_chance
from assay.shapes import Array
from assay.stats import Look, latest_look
from assay.store import PARTS, Header, SQLiteStore, Store
from assay.store.columns import epoch_row, run_row
from assay.store.lock import is_held
from assay.store.lookup import DATABASE
from assay.store.machines import WorkingMachine, kept_machines
from assay.store.moved import found_at
from assay.store.unchecked import Unchecked, unchecked_in
from assay.store.weights import identity_of, load_weights, path_of
from assay.study import kept_code
from assay.study.study import Study

ALPHA = 0.05
CODE = "code"
"""The folder below a results folder that keeps the Python files which the study names."""


def _test_accuracy(run: RunRecord) -> float | None:
    return run.test_accuracy


@dataclass(frozen=True)
class Readout:
    """A study's results folder, opened for reading; a context manager that closes it.

    Accuracies and their differences are shares, from 0 to 1. A run that is not ``done`` has no test
    accuracy; nothing is dropped silently. ``at_work`` False means that no
    process is training any run: those recorded as running have stopped. With a
    ``look``, everything refers to the seeds of this declared look alone.
    """

    folder: Path
    store: Store
    at_work: bool = True
    look: Look | None = None
    declared: Study | None = field(default=None, repr=False, compare=False)
    """The study as it was read when the store was checked, which building it again would repeat."""
    at_hand: AtHand | None = field(default=None, repr=False, compare=False)
    """The test images, where the data set has just been trained on; otherwise they are loaded when needed."""

    @classmethod
    def open(cls, folder: Path | str, *, watch: bool = False, trust: Iterable[str | Path] = ()) -> Self:
        """Open the results in ``folder``; `StoreError` if there are none, or they cannot be trusted.

        With ``watch``, runs whose process has died are ``stopped`` rather than
        ``running``, as the process left them. Opening a folder runs no code; ``trust`` names the
        study's own Python files that may be run later, for example to rebuild its networks.
        """
        folder = Path(folder)
        at_work = not watch or is_held(folder)  # before reading: runs that end meanwhile are read as ended
        store = SQLiteStore.open(folder / DATABASE)
        with ExitStack() as on_error:
            on_error.callback(store.close)
            declared: Study | None = store.check()
            if files := list(trust):
                kept_code.restore(folder / CODE, store.header.study.get("code", {}), files, str(folder))
                declared = None  # it was built without them
            on_error.pop_all()
        return cls(folder, store, at_work, declared=declared)

    @cached_property
    def study(self) -> Study:
        """The study that was run; at a look, with the look's seeds only."""
        name = str(self.header.study.get("name", "study"))
        study = self.declared or Study.from_tables(self.header.study, name)
        return study.with_seeds(self.look.seeds) if self.look else study

    @property
    def data(self) -> DataSpec:
        """The data that the study was run on, with the address at which it was last found."""
        return replace(self.study.data, source=found_at(self.folder) or self.study.data.source)

    @cached_property
    def unchecked(self) -> tuple[Unchecked, ...]:
        """What the study was trained with although it was found wrong (``--unchecked``)."""
        return unchecked_in(self.folder)

    @property
    def header(self) -> Header:
        """Data, versions and machine."""
        return self.store.header

    @cached_property
    def runs(self) -> list[RunRecord]:
        """Every run, arm by arm in the study's order, then by seed."""
        order = {arm.name: index for index, arm in enumerate(self.study.arms)}
        found = (run for run in self.store.runs() if run.seed in self.study.seeds)
        runs = sorted(found, key=lambda run: (order[run.arm], run.seed))
        return runs if self.at_work else [_stopped(run) for run in runs]

    def planned(self, first: int | None = None) -> list[RunId]:
        """Return every run that the study plans, begun or not; with ``first``, those of so many seeds."""
        return [RunId(arm.name, seed) for arm in self.study.arms for seed in self.study.seeds[:first]]

    @property
    def machines(self) -> list[WorkingMachine]:
        """The machines of a cluster that train the study now, and what runs on each; read anew each time."""
        return kept_machines(self.folder) if self.at_work else []

    def of(self, arm: str) -> list[RunRecord]:
        """Return the runs of one arm, by seed; `StudyError` if the study has no such arm."""
        _ = self.study.arm(arm)
        return list(self._by_arm.get(arm, ()))

    @cached_property
    def _by_arm(self) -> dict[str, list[RunRecord]]:
        return {arm: list(runs) for arm, runs in groupby(self.runs, key=lambda run: run.arm)}

    def epochs(self, run: RunId) -> list[EpochRecord]:
        """Return a run's epochs in order."""
        return self.store.epochs(run)

    def layers(self, run: RunId) -> list[LayerRecord]:
        """Return a run's layer records, epoch by epoch, in the network's order."""
        return self.store.layers(run)

    def correct(self, run: RunId) -> NDArray[np.bool_]:
        """Return which test examples a finished run got right."""
        return self.store.correct(run)

    def weights(self, run: RunId) -> dict[str, Array]:
        """Return a finished run's weights; `StoreError` where they are missing, damaged or another run's."""
        return load_weights(path_of(self.folder, run), identity_of(run, self.header))

    @property
    def test_images(self) -> int | None:
        """The number of test images; None if the runs were imported without single answers."""
        size = self.header.sizes["test"]
        return None if size == PARTS else size

    def finished(self, arm: str) -> list[RunRecord]:
        """Return the runs of one arm that have a test result, by seed."""
        return [run for run in self.of(arm) if run.status is Status.DONE]

    def learnt(self, arm: str) -> list[RunRecord]:
        """Return the finished runs of one arm that left chance level, by seed."""
        return [run for run in self.finished(arm) if not run.stuck]

    def counting(self, arm: str) -> list[RunRecord]:
        """Return the runs that represent an arm: those that learnt, or all finished runs if none did."""
        return self.learnt(arm) or self.finished(arm)

    def left_chance(self, run: RunRecord) -> bool:
        """Whether a run was ever better than guessing, even if it diverged afterwards."""
        if run.status is Status.DONE:
            return not run.stuck
        guessing = self.header.guessing
        guessing = 1 / len(self.header.classes) if guessing is None else guessing
        return any(above_chance(epoch.train_accuracy, guessing) for epoch in self.epochs(run.id))

    def counted(self, arm: str, value: Value = _test_accuracy) -> NDArray[np.float64]:
        """Return ``value``, by default the test accuracy, for each seed, over the runs that represent an arm.

        These are the runs that learnt; the value is nan for a run that diverged or was stuck at chance level.
        A mean over runs at 88% and one that guesses describes none of them, and no Student's interval covers
        it, so failures are counted separately. An arm that never learnt is represented by its finished runs.
        """
        return self._by_seed(self.counting(arm), value)

    def failures(self, arm: str) -> NDArray[np.bool_]:
        """Return for each of the study's seeds whether the arm's run diverged or never left chance level."""
        learnt = {run.seed for run in self.learnt(arm)}
        return np.array([seed not in learnt for seed in self.study.seeds])

    def accuracies(self, arm: str) -> NDArray[np.float64]:
        """Return an arm's test accuracy for each of the study's seeds; nan where there is none."""
        return self.by_seed(arm, _test_accuracy)

    def by_seed(self, arm: str, value: Value) -> NDArray[np.float64]:
        """Return ``value`` of an arm's finished run for each of the study's seeds; nan if there is none."""
        return self._by_seed(self.finished(arm), value)

    def _by_seed(self, runs: list[RunRecord], value: Value) -> NDArray[np.float64]:
        found = {run.seed: value(run) for run in runs}
        values = [found.get(seed) for seed in self.study.seeds]
        return np.array([nan if one is None else one for one in values])

    @cached_property
    def done(self) -> int:
        """How many runs have ended, including those that diverged."""
        return sum(run.status.ended for run in self.runs)

    @property
    def total(self) -> int:
        """How many runs the study has."""
        return len(self.study.arms) * len(self.study.seeds)

    @property
    def complete(self) -> bool:
        """Whether every run has ended."""
        return self.done == self.total

    @property
    def alpha(self) -> float:
        """The significance level of every test: 0.05, or the look's part of it."""
        return self.look.alpha if self.look else ALPHA

    @property
    def confidence(self) -> float:
        """The confidence level of every interval, 1 - alpha."""
        return 1 - self.alpha

    def at_look(self) -> Self:
        """Return the results at the latest declared look, or these if none is declared or reached.

        A look is reached when every run of its seeds has ended; only then, and
        only for these seeds, may there be a verdict.
        """
        if self.look or not self.study.looks:
            return self
        look = latest_look(self.seeds_ended, self.study.looks)
        return replace(self, look=look) if look else self

    @property
    def seeds_ended(self) -> int:
        """How many seeds, counted from the first, have no unfinished runs."""
        ended = {run.id for run in self.runs if run.status.ended}
        arms = [arm.name for arm in self.study.arms]
        return len([*takewhile(lambda seed: ended >= {RunId(arm, seed) for arm in arms}, self.study.seeds)])

    @property
    def digest(self) -> str:
        """SHA-256 of what a report is made from: the study, the data, and the current row of every run.

        A report carries it, so that one can tell whether the report is older than its results.
        """
        parts = (self.header.digest, self.header.data_digest, self.store.test_openings(), *self.runs)
        return sha256("\n".join(map(repr, parts)).encode()).hexdigest()

    @cached_property
    def hosts(self) -> list[str]:
        """The machines that trained runs, as far as rows name them, sorted."""
        return names_of_hosts(self.runs)

    @property
    def stopped(self) -> bool:
        """Whether a run was begun that no process is training any more."""
        return any(run.status is Status.STOPPED for run in self.runs)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per run, with the columns of `assay.store.columns.COLUMNS`."""
        return [run_row(run) for run in self.runs]

    def epoch_rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per run and epoch, with the columns of `assay.store.columns.EPOCH_COLUMNS`."""
        for run in self.runs:
            key = run.id
            for epoch in self.epochs(key):
                yield epoch_row(key, epoch)

    def close(self) -> None:
        """Close the folder; reading afterwards raises `StoreError`."""
        self.store.close()

    def __enter__(self) -> Self:
        """Return the results, which are closed when the block exits."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the results."""
        self.close()


def names_of_hosts(runs: Iterable[RunRecord]) -> list[str]:
    """Return the machines that trained some runs, sorted."""
    return sorted({name for run in runs if run.host for name in run.host.split(THEN)})


def _stopped(run: RunRecord) -> RunRecord:
    return replace(run, status=Status.STOPPED) if run.status is Status.RUNNING else run
