"""The report as a LaTeX document, with its figures as PDF files beside it."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.findings import numbers
from assay.findings.findings import Findings
from assay.findings.wording import captions
from assay.report import latex_tables, tex
from assay.report.canvas import Drawing
from assay.report.confusion_figure import full_square
from assay.report.drawings import Drawings, draw, write_figures
from assay.report.files import write_whole
from assay.report.palette import colour
from assay.report.pictures import Picture
from assay.study import toml

FIGURES = "report-figures"
"""The folder of the figures, beside the document."""


def write_latex(report: Findings, path: Path | str) -> Path:
    """Write the document and its figures, and return its path; `UsageError` where it cannot be written."""
    path, drawings = Path(path), draw(report)
    write_figures(drawings.main, path.parent / FIGURES, ("pdf",))
    return write_whole(path, render(report, drawings))


def render(report: Findings, drawings: Drawings) -> str:
    """Return the document."""
    return (
        environment()
        .get_template("latex/report.tex.j2")
        .render(
            report=report,
            drawings=drawings,
            rows=latex_tables.tables(report),
            study=toml.dumps(report.rerun.study),
            margin=f"{report.margin:g}",
        )
    )


@cache
def environment() -> Environment:
    """Return the templates with all that they call; every value is escaped that is not LaTeX already."""
    found = Environment(
        loader=PackageLoader("assay.report"),
        undefined=StrictUndefined,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=tex.escape,
        autoescape=False,
    )
    found.filters.update(tex=tex.Tex, name=tex.name, line=tex.line)
    found.globals.update(
        n=numbers,
        captions=captions,
        folder=FIGURES,
        full_square=full_square,
        table=latex_tables.table,
        factorial=latex_tables.factorial_table,
        figure=_figure,
        hex=lambda place: colour(place).removeprefix("#").upper(),
    )
    return found


def _figure(drawing: Drawing | Picture | None, width: float) -> tex.Tex:
    """Show a figure, its width as a multiple of the line's."""
    if drawing is None:
        return tex.Tex()
    return tex.Tex(rf"\includegraphics[width={width}\linewidth]{{{FIGURES}/{drawing.key}.pdf}}\par")
