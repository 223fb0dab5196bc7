"""``--format``: the same findings as a table for people, or as JSON or CSV for programs."""

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
    """Print ``rows`` in the requested format, and nothing else on stdout.

    ``table`` prints the version for people. CSV has a line per row, under the names of ``columns``. JSON is
    the ``document``, by default the list of rows, which may hold more than the columns. Numbers have full
    precision, and are empty or null where unknown; accuracies and their differences are shares.
    """
    from assay.report import export

    match form:
        case "table":
            table()
        case "json":
            write(export.json_text(list(rows) if document is None else document))
        case "csv":
            write(export.csv_text(columns, ([row[column] for column in columns] for row in rows)))
