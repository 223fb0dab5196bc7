"""``assay export``, ``import`` and ``judge``: results for other tools, and of other people's programs."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.options import Folder, Trust, grouped, number, real
from assay.cli.text import REPORT, console, say, write
from assay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.exchange.importing import Imported
    from assay.exchange.others import Column, Line
    from assay.findings.measured import Measured
    from assay.results import Results
    from assay.study.study import Study

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
Control = Annotated[
    str | None, typer.Option("--control", metavar="ARM", help="The arm that the others are compared with.")
]
Metric = Annotated[
    str | None,
    typer.Option("--metric", metavar="COLUMN", help="The column of the numbers, where there are several."),
]
Percent = Annotated[bool, typer.Option("--percent", help="Numbers are from 0 to 100, not from 0 to 1.")]
LowerIsBetter = Annotated[
    bool | None,
    typer.Option(
        "--lower-is-better/--higher-is-better",
        show_default=False,
        help="Which way is better; by default the column's name tells.",
    ),
]
Examples = Annotated[
    str | None,
    typer.Option("--examples", metavar="CSV", help="Columns arm, seed, example, correct: single answers."),
]
Declared = Annotated[
    str | None,
    typer.Option("--study", metavar="TOML", help="Declares question, claims, looks and so on."),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin",
        metavar="POINTS",
        parser=real,
        help="Smaller differences do not matter; of a loss in its own unit.",
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


@dataclass(frozen=True)
class HowRead:
    """How a table of other people's runs is read, and what is asked of it.

    Each field is an option of every command that `grouped` decorates.
    """

    control: Control = None
    metric: Metric = None
    percent: Percent = False
    lower_is_better: LowerIsBetter = None
    examples: Examples = None
    margin: Margin = None
    study: Declared = None

    def read(self, table: str) -> "tuple[Imported, Study]":
        """Return the numbers of a table, and the study of a file, or else the one that the table makes."""
        from assay.exchange.importing import expect_share

        lines, column = self.column(table)
        expect_share(column)
        return self.accuracies(table, lines, column)

    def column(self, table: str, share: bool | None = None) -> "tuple[Sequence[Line], Column]":
        """Return the rows of a table, and how the column of its numbers is read."""
        from assay.exchange.others import how_read, measured_column, runs_of

        lines = runs_of(table, table)
        return lines, how_read(measured_column(lines, self.metric, table), self.lower_is_better, share)

    def accuracies(self, table: str, lines: "Sequence[Line]", column: "Column") -> "tuple[Imported, Study]":
        """Return the accuracies of a table, and the study of a file, or else the one that they make."""
        from assay.exchange.importing import fitting, imported, study_of
        from assay.study.builtin import load_study

        found = imported(lines, column, self.percent, self.examples, table)
        more = {} if self.margin is None else {"margin": self.margin}
        if self.study is not None:
            return found, fitting(load_study(self.study), found, self.control).override(more)
        stem = Path(table).stem
        name = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in stem)
        return found, study_of(found, self.control, name.strip("-")[:64] or "imported", **more)

    def measured(self, lines: "Sequence[Line]", column: "Column") -> "Measured":
        """Return the verdicts by a column of numbers that are not shares."""
        from assay.exchange.others import by_run, paired
        from assay.findings.measured import measured
        from assay.findings.wording.quantities import OtherMetric

        refused = {"--percent": self.percent, "--examples": self.examples, "--study": self.study}
        for option, given in refused.items():
            if given:
                raise UsageError(
                    f"{option}: goes with shares, and {column.name} is not read as one (--share)"
                )
        numbers = by_run(lines, lambda line: line.number(column.name))
        arms, seeds = paired(numbers, self.control)
        metric = OtherMetric(column.name, column.less_is_better)
        return measured(numbers, arms, seeds, metric, self.margin, self.control)


def export(
    folder: Folder, *, to: To, arm: Arm = None, seed: Seed = None, out: Place = None, trust: Trust = None
) -> None:
    """Write results or a trained network for another tool.

    Example: assay export assay-runs/pooling-quick --to onnx
    """
    from assay.exchange.exporting import export_results

    say(*export_results(folder, to, arm=arm, seed=seed, out=out, trust=trust or ()), sep="\n")


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
    from assay.report import export, terminal

    report = build(results)
    if format == "json":
        write(export.report_json(report))
        return
    console().print(terminal.summary(report))
    if resolve is not None:
        plan = plan_seeds(results.study, resolve / 100, pilot=results)
        _say_seeds(plan.seeds, plan.equivalent, margin(plan.difference), plan.power)
