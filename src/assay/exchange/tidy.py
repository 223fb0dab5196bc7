"""Results as tidy tables: one row per run, per epoch and per test example, in CSV, JSON or Parquet."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from assay.errors import UsageError
from assay.records.runs import RunRecord, Status
from assay.report.export import json_text
from assay.results import Results
from assay.store.columns import COLUMNS, EPOCH_COLUMNS

EXAMPLE_COLUMNS = ("arm", "seed", "example", "answer", "correct")
"""The columns of the table of test examples; ``example`` counts from 0, ``answer`` is a class's name."""

Rows = list[dict[str, Any]]
Write = Callable[[Path, Sequence[str], Iterable[Rows]], None]
"""Writes a table, part by part: millions of examples need not be in memory at once."""


def write_tidy(results: Results, folder: Path, ending: str) -> list[Path]:
    """Write ``runs``, ``epochs`` and ``examples`` into ``folder`` with this ending; return their paths.

    Columns are those of ``assay results`` in full precision: accuracies are shares, times seconds, memory
    bytes. A table without rows, such as the epochs of imported results, is left out. Raises `UsageError`
    where they cannot be written.
    """
    tables: dict[str, tuple[Sequence[str], Iterable[Rows]]] = {
        "runs": (COLUMNS, [results.rows()]),
        "epochs": (EPOCH_COLUMNS, [list(results.epoch_rows())]),
        "examples": (EXAMPLE_COLUMNS, example_rows(results)),
    }
    written = []
    for name, (columns, found) in tables.items():
        parts = (rows for rows in found if rows)
        first = next(parts, None)
        if first is not None:
            written.append(folder / f"{name}.{ending}")
            _write(ending, written[-1], columns, chain([first], parts))
    return written


def example_rows(results: Results) -> Iterator[Rows]:
    """Yield for each finished run its rows: the answer, None if imported, and whether it is right.

    There are none where only accuracies were imported.
    """
    known = results.test_images is not None
    for run in results.runs if known else ():
        if run.status is Status.DONE:
            yield _answers(results, run)


def _answers(results: Results, run: RunRecord) -> Rows:
    names = [None] if run.imported else results.header.classes
    answers = results.store.predicted(run.id).tolist()
    found = zip(answers, results.correct(run.id).tolist(), strict=True)
    return [
        dict(zip(EXAMPLE_COLUMNS, (run.arm, run.seed, index, names[answer], correct), strict=True))
        for index, (answer, correct) in enumerate(found)
    ]


def _write(ending: str, path: Path, columns: Sequence[str], parts: Iterable[Rows]) -> None:
    """Write a table beside its place and move it there, so that it is whole or absent."""
    beside = path.with_name(f".{path.name}.new")
    try:
        WRITERS[ending](beside, columns, parts)
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}; choose another --out)") from None
    finally:
        beside.unlink(missing_ok=True)


def _csv(path: Path, columns: Sequence[str], parts: Iterable[Rows]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for rows in parts:
            writer.writerows(rows)


def _json(path: Path, columns: Sequence[str], parts: Iterable[Rows]) -> None:
    del columns  # rows have them
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for index, rows in enumerate(parts):
            file.write("," if index else "[")
            file.write(json_text(rows).strip()[1:-2])  # without its brackets
        file.write("\n]\n")


def _parquet(path: Path, columns: Sequence[str], parts: Iterable[Rows]) -> None:
    from pyarrow import Table, parquet

    writer = None
    for rows in parts:
        table = Table.from_pydict({column: [row[column] for row in rows] for column in columns})
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


WRITERS: Mapping[str, Write] = {"csv": _csv, "json": _json, "parquet": _parquet}
"""How a table is written, by the ending of its file."""
