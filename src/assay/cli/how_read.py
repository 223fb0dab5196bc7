"""The options that say how a table of other people's runs is read, and what is made of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import real
from assay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.exchange.importing import Imported
    from assay.exchange.others import Column, Line
    from assay.findings.measured import Measured
    from assay.study.study import Study

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
