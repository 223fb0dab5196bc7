"""``assay status``, ``results`` and ``report``: what a results folder holds."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.formats import Format, put
from assay.cli.options import Folder, Trust, number
from assay.cli.text import console, say
from assay.errors import one_line

if TYPE_CHECKING:
    from assay.results import Results

Epochs = Annotated[bool, typer.Option("--epochs", help="One row an epoch and run.")]
Document = Annotated[
    Literal["html", "latex", "json"],
    typer.Option("--format", metavar="FORMAT", help="html, latex with its figures, or json."),
]
ENDINGS = {"html": "html", "latex": "tex", "json": "json"}
Arm = Annotated[
    str | None, typer.Option("--arm", metavar="ARM", help="The arm to look into, by default the best.")
]
Image = Annotated[int, number("--image", "Show this test image's feature maps.")]
Figures = Annotated[
    str | None, typer.Option("--figures", metavar="DIR", help="Also write each figure as SVG and PDF.")
]

Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Write here, by default into the results folder.")
]

Failed = Annotated[bool, typer.Option("--failed", help="Print why runs failed, with their tracebacks.")]


def status(folder: Folder, failed: Failed = False, format: Format = "table") -> None:
    """Say how far a study has come.

    Example: assay status assay-runs/pooling-quick
    """
    from assay.findings.comparisons import resolved
    from assay.report import export, run_tables
    from assay.results import Results
    from assay.running.inventory import without_weights
    from assay.running.stalled import stalled

    with Results.open(folder, watch=True) as found:
        if failed:
            say(*_failures(found), sep="\n\n")
            return
        rows, silent = export.status_rows(found), stalled(found)
        document = {
            "study": found.study.name,
            "ended": found.done,
            "runs": found.total,
            "complete": found.complete,
            "resolved": resolved(found),
            "stalled": [{"arm": s.run.arm, "seed": s.run.seed, "since": s.since} for s in silent],
            "arms": rows,
            "machines": [asdict(machine) for machine in found.machines],
        }

        def draw() -> None:
            console().print(run_tables.status_table(found), *run_tables.machines_tables(found))
            for one in silent:
                say(str(one))
            if lost := without_weights(found):
                say(lost)

        put(format, draw, export.STATUS_COLUMNS, rows, document)


def _failures(found: "Results") -> list[str]:
    """Return for each failed run its name, why it failed, and the traceback."""
    from assay.records.runs import Status
    from assay.running.tracebacks import traceback_of

    lost = [run for run in found.runs if run.status is Status.FAILED]
    kept = {run.id: traceback_of(found.folder, run.id) or "No traceback was kept." for run in lost}
    return [
        "\n".join(
            [f"{run.id}: {run.message}", *(one_line(line.expandtabs()) for line in kept[run.id].splitlines())]
        )
        for run in lost
    ] or ["no run has failed"]


def results(folder: Folder, epochs: Epochs = False, format: Format = "table") -> None:
    """Print a study's results, one row a run, or an epoch and run.

    Example: assay results assay-runs/pooling-quick --format csv
    """
    from assay.report import run_tables
    from assay.results import Results
    from assay.store.columns import COLUMNS, EPOCH_COLUMNS

    with Results.open(folder, watch=True) as found:
        if epochs:
            table, columns, rows = run_tables.epochs_table, EPOCH_COLUMNS, list(found.epoch_rows())
        else:
            table, columns, rows = run_tables.results_table, COLUMNS, found.rows()
        put(format, lambda: console().print(table(found)), columns, rows)


def report(
    folder: Folder,
    format: Document = "html",
    arm: Arm = None,
    image: Image = 0,
    figures: Figures = None,
    out: Out = None,
    trust: Trust = None,
) -> None:
    """Write a study's report into its folder and print its path.

    Example: assay report assay-runs/pooling-quick
    """
    from assay.findings.findings import build
    from assay.findings.inside import look_inside
    from assay.report import drawings
    from assay.report.files import made
    from assay.report.writing import write_report
    from assay.results import Results

    with Results.open(folder, watch=True, trust=trust or ()) as found:
        written = build(found, look_inside(found, arm, image))
        place = found.folder if out is None else made(out)
        say(write_report(written, place / f"report.{ENDINGS[format]}"))
    if figures is not None:
        drawings.write_figures(drawings.draw(written), figures)
        say(figures)
