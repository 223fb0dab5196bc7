"""Results as tidy tables: one row per run, per epoch and per test example, in CSV, JSON or Parquet."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.records.runs import Status
from assay.report.export import csv_text, json_text
from assay.report.files import write_whole
from assay.results import Results
from assay.store.readout import COLUMNS, EPOCH_COLUMNS

EXAMPLE_COLUMNS = ("arm", "seed", "example", "answer", "correct")
"""The columns of the table of test examples; ``example`` counts from 0, ``answer`` is a class's name."""

Row = Mapping[str, Any]
Write = Callable[[Path, Sequence[str], list[Row]], None]


def write_tidy(results: Results, folder: Path, ending: str) -> list[Path]:
    """Write ``runs``, ``epochs`` and ``examples`` into ``folder`` with this ending; return their paths.

    Columns are those of ``assay results`` in full precision: accuracies are shares, times seconds, memory
    bytes.
    A table without rows, such as the epochs of imported results, is left out.
    """
    tables: dict[str, tuple[Sequence[str], Iterable[Row]]] = {
        "runs": (COLUMNS, results.rows()),
        "epochs": (EPOCH_COLUMNS, results.epoch_rows()),
        "examples": (EXAMPLE_COLUMNS, example_rows(results)),
    }
    written = []
    for name, (columns, found) in tables.items():
        rows = list(found)
        if rows:
            written.append(folder / f"{name}.{ending}")
            WRITERS[ending](written[-1], columns, rows)
    return written


def example_rows(results: Results) -> Iterator[Row]:
    """Yield a row per finished run and test example: the answer, None if imported, and whether it is right.

    There are none where only accuracies were imported.
    """
    known = results.test_images is not None
    for run in results.runs if known else ():
        if run.status is not Status.DONE:
            continue
        answers = zip(results.store.predicted(run.id), results.correct(run.id), strict=True)
        for index, (answer, correct) in enumerate(answers):
            name = None if run.imported else results.header.classes[answer]
            values = (run.arm, run.seed, index, name, bool(correct))
            yield dict(zip(EXAMPLE_COLUMNS, values, strict=True))


def _csv(path: Path, columns: Sequence[str], rows: list[Row]) -> None:
    write_whole(path, csv_text(columns, ([row[column] for column in columns] for row in rows)))


def _json(path: Path, columns: Sequence[str], rows: list[Row]) -> None:
    write_whole(path, json_text([{column: row[column] for column in columns} for row in rows]))


def _parquet(path: Path, columns: Sequence[str], rows: list[Row]) -> None:
    import pyarrow
    from pyarrow import parquet

    found = {column: [row[column] for row in rows] for column in columns}
    parquet.write_table(pyarrow.table(found), path)


WRITERS: Mapping[str, Write] = {"csv": _csv, "json": _json, "parquet": _parquet}
"""How a table is written, by the ending of its file."""
