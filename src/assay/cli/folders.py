"""``assay status``, ``results`` and ``report``: what a results folder holds."""

from contextlib import closing
from typing import Annotated, Literal

import typer

from assay.cli.options import Folder
from assay.cli.text import REPORT, console, say, write

Format = Annotated[
    Literal["table", "csv", "json"], typer.Option("--format", help="table, csv or json: one row a run.")
]


def status(folder: Folder) -> None:
    """Say how far a study has come.

    Example: assay status assay-runs/pooling-quick
    """
    from assay.report import terminal
    from assay.results import Results

    with closing(Results.open(folder, watch=True)) as found:
        console().print(terminal.status_table(found))


def results(folder: Folder, format: Format = "table") -> None:
    """Print a study's results, one row a run.

    Example: assay results assay-runs/pooling-quick --format csv
    """
    from assay.report import export, terminal
    from assay.results import Results

    with closing(Results.open(folder, watch=True)) as found:
        match format:
            case "table":
                console().print(terminal.results_table(found))
            case "csv":
                write(export.to_csv(found))
            case "json":
                write(export.to_json(found))


def report(folder: Folder) -> None:
    """Write a study's report.html into its folder and print its path.

    Example: assay report assay-runs/pooling-quick
    """
    from assay.report import html
    from assay.results import Results

    with closing(Results.open(folder, watch=True)) as found:
        say(html.write_html(found, found.folder / REPORT))
