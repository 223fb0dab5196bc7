"""``assay status``, ``results`` and ``report``: what a results folder holds."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.options import Folder, number
from assay.cli.text import REPORT, console, say, write

if TYPE_CHECKING:
    from assay.findings.findings import Report
    from assay.results import Results

Format = Annotated[
    Literal["table", "csv", "json"], typer.Option("--format", help="table, csv or json: one row a run.")
]
Document = Annotated[
    Literal["html", "latex", "json"], typer.Option("--format", help="html, latex with its figures, or json.")
]
Arm = Annotated[
    str | None, typer.Option("--arm", metavar="ARM", help="The arm to look into, by default the best.")
]
Image = Annotated[int, number("--image", "The test image whose feature maps are shown, from 0.")]
Figures = Annotated[
    str | None, typer.Option("--figures", metavar="DIR", help="Also write each figure as SVG and PDF.")
]


Failed = Annotated[bool, typer.Option("--failed", help="Print why runs failed, with their tracebacks.")]


def status(folder: Folder, failed: Failed = False) -> None:
    """Say how far a study has come.

    Example: assay status assay-runs/pooling-quick
    """
    from assay.report import terminal
    from assay.results import Results

    with closing(Results.open(folder, watch=True)) as found:
        if failed:
            say(*_failures(found), sep="\n\n")
        else:
            console().print(terminal.status_table(found))


def _failures(found: "Results") -> list[str]:
    """Return of each failed run which it is, why it failed, and the traceback."""
    from assay.records.runs import Status
    from assay.running.failures import traceback_of

    lost = [run for run in found.runs if run.status is Status.FAILED]
    return [
        f"{run.id}: {run.message}\n{traceback_of(found.folder, run.id) or 'No traceback was kept.'}".rstrip()
        for run in lost
    ] or ["no run has failed"]


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


def report(
    folder: Folder, format: Document = "html", arm: Arm = None, image: Image = 0, figures: Figures = None
) -> None:
    """Write a study's report into its folder and print its path.

    Example: assay report assay-runs/pooling-quick
    """
    from assay.findings import findings as model
    from assay.findings.inside import look_inside
    from assay.report import drawings
    from assay.results import Results

    with closing(Results.open(folder, watch=True)) as found:
        written = model.build(found, look_inside(found, arm, image))
        say(_write(written, found.folder, format))
    if figures is not None:
        drawings.write_figures(drawings.draw(written), figures)
        say(figures)


def _write(report: "Report", folder: Path, format: str) -> Path:
    from assay.report import export, files, html, latex

    match format:
        case "latex":
            return latex.write_latex(report, folder / "report.tex")
        case "json":
            return files.write_whole(folder / "report.json", export.report_json(report))
    return html.write_html(report, folder / REPORT)
