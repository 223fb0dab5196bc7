"""Results of runs that were trained elsewhere, as a results folder: verdicts, claims and reports for all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import StoreError, UsageError, suggestion
from assay.exchange.others import (
    Column,
    Line,
    by_run,
    called,
    how_read,
    lines_of,
    measured_column,
    paired,
    runs_of,
)
from assay.records.metrics import MARGINS
from assay.records.runs import ELSEWHERE, RunId, RunRecord, Status, TestResult
from assay.report.files import made
from assay.results import Results
from assay.store import PARTS, Header, Store
from assay.store.creating import new_store
from assay.store.lookup import DATABASE, RUNS
from assay.study.study import Study

NAME = "imported"
READING = "the column {column} of {table}, of which less is better (accuracies here are 1 - {column})"
AGREES = 5e-4
"""How far an accuracy may be from that of its examples: people round to three digits."""

Accuracies = Mapping[RunId, float | None]
Answers = Mapping[RunId, NDArray[np.bool_]]


@dataclass(frozen=True)
class Imported:
    """The numbers of a table: accuracies (None of runs that diverged), and single answers if known."""

    accuracies: Accuracies
    answers: Answers
    reading: str = ""
    """Where the numbers were errors: which column was read, and how."""

    @property
    def images(self) -> int | None:
        """The number of test images; None if single answers are not known."""
        return next((len(found) for found in self.answers.values()), None)

    @property
    def digest(self) -> str:
        """SHA-256 of all numbers, whatever their order."""
        rows = sorted((run.arm, run.seed, value) for run, value in self.accuracies.items())
        digest = sha256(json.dumps(rows).encode())
        for run, found in sorted(self.answers.items(), key=lambda item: (item[0].arm, item[0].seed)):
            digest.update(f"{run}".encode() + np.packbits(found).tobytes())
        return digest.hexdigest()


def import_results(
    table: Any,
    out: Path | str | None = None,
    *,
    control: str | None = None,
    metric: str | None = None,
    percent: bool = False,
    lower_is_better: bool | None = None,
    examples: Any = None,
    study: Study | None = None,
) -> Results:
    """Make a results folder of runs that were trained elsewhere, and return its results.

    ``table`` is the path of a CSV file, a DataFrame or a list of mappings, with the columns ``arm`` and
    ``seed`` and one more, or the one called ``metric``, which holds each run's accuracy on the test set (or
    any other share of which more is better): from 0 to 1, or from 0 to 100 with ``percent``; "diverged" or
    "nan" for a run that failed. Of an error rate less is better: it is read as the accuracy that 1 less it
    is, and results say so; by default a column's name tells (``error``, ``test_error_rate``, ``wer``),
    or ``lower_is_better``. Other numbers, such as losses, are refused: all that reports say is of shares of
    right answers. ``examples``, a table too, has a row for each run and test example, with the columns
    ``arm``, ``seed``, ``example`` and ``correct`` (0 or 1). ``control`` is the arm that others are compared
    with. ``study`` declares more: a question, margins, claims, looks, factors; without it, every arm
    needs the same seeds. ``out`` is the folder, by default ``assay-runs/`` and the study's name.

    Runs are paired by their seeds. Raises `UsageError`, naming the row, for what cannot be read, and
    `StoreError` if the folder holds results already.
    """
    found = read_imported(table, metric, percent, lower_is_better, examples)
    asked = study_of(found, control) if study is None else fitting(study, found, control)
    folder = Path(out) if out is not None else Path(RUNS) / asked.name
    return write_imported(found, asked, folder)


def read_imported(
    table: Any,
    metric: str | None = None,
    percent: bool = False,
    lower_is_better: bool | None = None,
    examples: Any = None,
) -> Imported:
    """Read the accuracies of runs, and their answers to each test example if given.

    Raises `UsageError` for a column of losses.
    """
    lines = runs_of(table, "table")
    where = called(table, "table")
    column = how_read(measured_column(lines, metric, where), lower_is_better, None)
    expect_share(column)
    return imported(lines, column, percent, examples, where)


def expect_share(column: Column) -> None:
    """Raise `UsageError` for a column of other numbers than shares, such as losses."""
    if not column.share:
        raise UsageError(
            f"column {column.name!r}: seems to be a loss, expected a share from 0 to 1 such as an accuracy "
            "or an error rate, which all reports are of (`assay judge` gives the verdict on a loss; "
            "--metric chooses another column)"
        )


def imported(lines: Sequence[Line], column: Column, percent: bool, examples: Any, where: str) -> Imported:
    """Return the accuracies in a column of ``lines``, and the answers in the table ``examples``."""
    accuracies = by_run(lines, lambda line: line.accuracy(column, percent))
    answers = {} if examples is None else _answers(examples, accuracies)
    reading = READING.format(column=column.name, table=Path(where).name) if column.less_is_better else ""
    known = accuracies | {run: float(correct.mean()) for run, correct in answers.items()}
    return Imported(known, answers, reading)


def study_of(found: Imported, control: str | None = None, name: str = NAME, **more: Any) -> Study:
    """Return the study that the runs make: one factor, whose levels are the arms, all with the same seeds.

    ``more`` is what else a study file may say, such as its question and its margin.
    """
    arms, seeds = paired(found.accuracies, control)
    tables = {
        "name": name,
        "question": f"How do {len(arms)} arms compare?",
        "seeds": seeds,
        "margin": MARGINS["accuracy"].default,
        "engine": ELSEWHERE,
        "data": {"source": ELSEWHERE},
        "source": found.reading,
        "factors": {"arm": {arm: {} for arm in arms}},
    }
    return Study.from_tables(tables | ({"control": control} if control is not None else {}) | more, name)


def fitting(study: Study, found: Imported, control: str | None) -> Study:
    """Return ``study``, compared with ``control``, if it has all runs; `UsageError` if not."""
    if not study.imported:
        raise UsageError(f"{study.name}: engine must be {ELSEWHERE!r} for runs that were trained elsewhere")
    known = [arm.name for arm in study.arms]
    for run in found.accuracies:
        if run.arm not in known:
            raise UsageError(f"{run}: {study.name} has no such arm ({suggestion(run.arm, known)})")
        if run.seed not in study.seeds:
            raise UsageError(f"{run}: {study.name} declares no such seed (add it to seeds)")
    if found.reading:
        study = replace(study, source="; ".join(filter(None, (study.source, found.reading))))
    return study if control is None else study.override({"control": control})


def write_imported(found: Imported, study: Study, folder: Path) -> Results:
    """Write imported numbers as the results of ``study`` and open them; runs without a number are pending."""
    path = made(folder) / DATABASE
    if path.exists():
        raise StoreError(f"{folder}: holds results already (choose another --out)")
    size = found.images or PARTS
    header = Header(
        study=study.to_tables(),
        digest=study.digest,
        data_digest=found.digest,
        classes=("unknown",),
        synthetic=False,
        sizes={"train": PARTS, "valid": PARTS, "test": size},
        versions={"assay": version("assay")},
    )
    with new_store(path, header) as store:
        for arm in study.arms:
            for seed in study.seeds:
                _put(store, RunId(arm.name, seed), found, size)
    return Results.open(folder)


def _put(store: Store, run: RunId, found: Imported, size: int) -> None:
    """Store a run as far as it is known."""
    share = found.accuracies.get(run)
    status, test = (Status.DIVERGED if run in found.accuracies else Status.PENDING), None
    if share is not None:
        status, test = Status.DONE, TestResult(0.0, round(share * size), size)
    row = RunRecord(run.arm, run.seed, status, ELSEWHERE, 0, 0, 0, "computed", test=test)
    if run in found.answers:
        correct = found.answers[run]
        store.finish(row, np.zeros(len(correct), np.int64), correct)
    else:
        store.add_run(row)


def _answers(table: Any, accuracies: Accuracies) -> Answers:
    """Read which examples each run got right; all runs have the same examples, except those that diverged."""
    where = called(table, "examples")
    found: dict[RunId, dict[int, bool]] = {run: {} for run, value in accuracies.items() if value is not None}
    places: dict[str, int] = {}
    for line in lines_of(table, "examples"):
        run, example = line.run(), line.text("example")
        if run not in found:
            raise UsageError(f"{line.where}: {run} has no accuracy in the other table")
        place = places.setdefault(example, len(places))
        if place in found[run]:
            raise UsageError(f"{line.where}: example {example} of {run} stands here a second time")
        found[run][place] = line.truth("correct")
    for run, answers in found.items():
        if len(answers) != len(places):
            raise UsageError(
                f"{where}: {run} has {len(answers):,} examples of {len(places):,} (every run needs all)"
            )
    every = range(len(places))
    answered = {run: np.array([values[place] for place in every]) for run, values in found.items()}
    _expect_agreement(answered, accuracies, where)
    return answered


def _expect_agreement(answers: Answers, accuracies: Accuracies, where: str) -> None:
    """Refuse an accuracy that its own examples contradict."""
    for run, correct in answers.items():
        given = accuracies[run]
        if given is not None and abs(given - correct.mean()) > AGREES:
            raise UsageError(
                f"{where}: {run} got {correct.mean():.4f} of its examples right, but the other table says "
                f"{given:.4f} (one of the two is not of this run)"
            )
