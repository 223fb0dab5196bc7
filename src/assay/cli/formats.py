"""``--format``: the same findings as a table to read, or as JSON or CSV for a program."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from assay.cli.text import write

Form = Literal["table", "json", "csv"]
Format = Annotated[Form, typer.Option("--format", metavar="FORMAT", help="table, json or csv.")]

Row = Mapping[str, Any]


def put(
    form: Form,
    table: Callable[[], object],
    columns: Sequence[str],
    rows: Iterable[Row],
    document: Any = None,
) -> None:
    """Print ``rows`` in the form that was asked for, and nothing else on stdout.

    ``table`` prints what people read. CSV has a line for each row, under the names of ``columns``. JSON is
    the ``document``, by default the list of rows, which may hold more than the columns. Numbers are numbers
    in full precision, empty or null where unknown; accuracies and differences of them are shares.
    """
    from assay.report import export

    match form:
        case "table":
            table()
        case "json":
            write(export.json_text(list(rows) if document is None else document))
        case "csv":
            write(export.csv_text(columns, ([row[column] for column in columns] for row in rows)))
