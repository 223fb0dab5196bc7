"""``assay export``, ``import`` and ``judge``: results for other tools, and of other people's programs."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.how_read import HowRead
from assay.cli.options import Folder, Trust, grouped, number, real
from assay.cli.text import REPORT, console, say, write

if TYPE_CHECKING:
    from assay.findings.measured import Measured
    from assay.results import Results

To = Annotated[
    str,
    typer.Option(
        "--to", metavar="FORMAT", help="onnx, torch, safetensors, tensorboard, mlflow, csv, json or parquet."
    ),
]
Arm = Annotated[str | None, typer.Option("--arm", metavar="ARM", help="Of this arm, by default the best.")]
Seed = Annotated[int | None, number("--seed", "Of this seed, by default the best.")]
Place = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Write here; by default into export in the results folder."),
]
Table = Annotated[
    str,
    typer.Argument(
        metavar="CSV", show_default=False, help="Columns arm, seed and an accuracy or error rate."
    ),
]
AnyTable = Annotated[
    str,
    typer.Argument(
        metavar="CSV", show_default=False, help="Columns arm, seed and an accuracy, a loss or any number."
    ),
]
Resolve = Annotated[
    float | None,
    typer.Option("--resolve", metavar="POINTS", parser=real, help="Also say how many seeds tell this much."),
]
Share = Annotated[
    bool | None,
    typer.Option(
        "--share/--no-share",
        show_default=False,
        help="Numbers are shares of right or wrong answers, or are not; by default the column's name tells.",
    ),
]
Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Results folder; by default assay-runs/NAME.")
]
Document = Annotated[
    Literal["table", "json"], typer.Option("--format", metavar="FORMAT", help="table or json.")
]


def export(
    folder: Folder, *, to: To, arm: Arm = None, seed: Seed = None, out: Place = None, trust: Trust = None
) -> None:
    """Write results or a trained network for another tool.

    Example: assay export assay-runs/pooling-quick --to onnx
    """
    from assay.exchange.exporting import export_results
    from assay.exchange.next_steps import next_step

    written = export_results(folder, to, arm=arm, seed=seed, out=out, trust=trust or ())
    say(*written, f"To open it: {next_step(to, written)}", sep="\n")


@grouped
def import_(table: Table, *, reading: HowRead, out: Out = None) -> None:
    """Make a results folder of runs that were trained elsewhere.

    Example: assay import results.csv --control baseline
    """
    from assay.exchange.importing import write_imported
    from assay.findings.findings import build
    from assay.report import html, terminal
    from assay.store.lookup import RUNS

    found, asked = reading.read(table)
    folder = Path(out) if out is not None else Path(RUNS) / asked.name
    with write_imported(found, asked, folder) as results:
        report = build(results)
        console().print(terminal.summary(report))
        say(html.write_html(report, folder / REPORT))


@grouped
def judge(
    table: AnyTable,
    *,
    reading: HowRead,
    share: Share = None,
    resolve: Resolve = None,
    format: Document = "table",
) -> None:
    """Give the verdict on runs that were trained elsewhere, by accuracies, a loss or any number.

    Example: assay judge results.csv --control baseline
    """
    from assay.exchange.importing import write_imported

    lines, column = reading.column(table, share)
    if not column.share:
        _print_measured(reading.measured(lines, column), Path(table).name, resolve, format)
        return
    found, asked = reading.accuracies(table, lines, column)
    with (
        TemporaryDirectory(prefix="assay-") as folder,
        write_imported(found, asked, Path(folder)) as results,
    ):
        _print(results, resolve, format)


def _print_measured(found: "Measured", table: str, resolve: float | None, format: str) -> None:
    from assay.findings.measured import seeds_to_tell
    from assay.report import export
    from assay.report.measured_tables import measured_plain, measured_summary

    if format == "json":
        write(export.json_text(measured_plain(found)))
        return
    console().print(measured_summary(found, table))
    if resolve is not None:
        _say_seeds(*seeds_to_tell(found, resolve), found.metric.margin(resolve), 0.8)


def _say_seeds(seeds: int, equivalent: int, difference: str, power: float) -> None:
    from assay.findings.numbers import plural

    say(
        f"{plural(seeds, 'seed')} tell a true difference of {difference} with {100 * power:g}% power; "
        f"{equivalent:,} show that equal arms are equivalent."
    )


def _print(results: "Results", resolve: float | None, format: str) -> None:
    from assay.findings.findings import build
    from assay.findings.numbers import margin
    from assay.findings.seeds_needed import plan_seeds
    from assay.findings.wording.captions import LEFT_TO_IMPORT
    from assay.report import export, terminal

    report = build(results)
    if format == "json":
        write(export.report_json(report))
        return
    console().print(terminal.summary(report, LEFT_TO_IMPORT))
    if resolve is not None:
        plan = plan_seeds(results.study, resolve / 100, pilot=results)
        _say_seeds(plan.seeds, plan.equivalent, margin(plan.difference), plan.power)
