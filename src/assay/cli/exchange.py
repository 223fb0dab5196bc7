"""``assay export``, ``import`` and ``judge``: results for other tools, and of other people's programs."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.options import Folder, Trust, grouped, number, real
from assay.cli.text import REPORT, console, say, write

if TYPE_CHECKING:
    from assay.exchange.importing import Imported
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
Control = Annotated[
    str | None, typer.Option("--control", metavar="ARM", help="The arm that the others are compared with.")
]
Metric = Annotated[
    str | None,
    typer.Option("--metric", metavar="COLUMN", help="The column of accuracies or error rates."),
]
Percent = Annotated[bool, typer.Option("--percent", help="Numbers are from 0 to 100, not from 0 to 1.")]
LowerIsBetter = Annotated[
    bool | None,
    typer.Option(
        "--lower-is-better/--higher-is-better",
        show_default=False,
        help="Numbers are error rates, or are not; by default the column's name tells.",
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
    typer.Option("--margin", metavar="POINTS", parser=real, help="Smaller differences do not matter."),
]
Resolve = Annotated[
    float | None,
    typer.Option("--resolve", metavar="POINTS", parser=real, help="Also say how many seeds tell this much."),
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
        from assay.exchange.importing import fitting, read_imported, study_of
        from assay.study.builtin import load_study

        found = read_imported(table, self.metric, self.percent, self.lower_is_better, self.examples)
        more = {} if self.margin is None else {"margin": self.margin}
        if self.study is not None:
            return found, fitting(load_study(self.study), found, self.control).override(more)
        stem = Path(table).stem
        name = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in stem)
        return found, study_of(found, self.control, name.strip("-")[:64] or "imported", **more)


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

    found, asked = reading.read(table)
    folder = Path(out) if out is not None else Path("assay-runs") / asked.name
    with write_imported(found, asked, folder) as results:
        report = build(results)
        console().print(terminal.summary(report))
        say(html.write_html(report, folder / REPORT))


@grouped
def judge(table: Table, *, reading: HowRead, resolve: Resolve = None, format: Document = "table") -> None:
    """Give the verdict on runs that were trained elsewhere.

    Example: assay judge results.csv --control baseline
    """
    from assay.exchange.importing import write_imported

    found, asked = reading.read(table)
    with (
        TemporaryDirectory(prefix="assay-") as folder,
        write_imported(found, asked, Path(folder)) as results,
    ):
        _print(results, resolve, format)


def _print(results: "Results", resolve: float | None, format: str) -> None:
    from assay.findings.findings import build
    from assay.findings.numbers import margin, plural
    from assay.findings.seeds_needed import plan_seeds
    from assay.report import export, terminal

    report = build(results)
    if format == "json":
        write(export.report_json(report))
        return
    console().print(terminal.summary(report))
    if resolve is not None:
        plan = plan_seeds(results.study, resolve / 100, pilot=results)
        say(
            f"{plural(plan.seeds, 'seed')} tell a true difference of {margin(plan.difference)} with "
            f"{100 * plan.power:g}% power; {plan.equivalent:,} show that equal arms are equivalent."
        )
