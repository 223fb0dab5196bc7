"""The report as one self-contained HTML file: no network, no scripts."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.findings import numbers
from assay.findings.findings import Findings, build
from assay.findings.wording import captions, claim_words, code_words, published_words
from assay.findings.wording.facts import facts
from assay.report import layer_figures
from assay.report.confusion_figure import full_square
from assay.report.drawings import draw
from assay.report.figures import draws_dots
from assay.report.files import write_whole
from assay.report.palette import COLOURS, MARKERS
from assay.store.readout import Readout
from assay.study import toml

if TYPE_CHECKING:
    from assay.report.canvas import Drawing

MOST_RUNS = 1000
"""Runs that a page lists; of more, only those that did not come to a result."""


def write_html(source: Readout | Findings, path: Path | str) -> Path:
    """Write the report and return its path; a file that was there stays whole until the new one is.

    Raises `UsageError` where it cannot be written.
    """
    return write_whole(path, render(source if isinstance(source, Findings) else build(source)))


def render(report: Findings) -> str:
    """Return the report as an HTML document."""
    template = environment().get_template("report.html.j2")
    return template.render(report=report, drawings=draw(report), study=toml.dumps(report.rerun.study))


@cache
def environment() -> Environment:
    """Return the templates with everything they call; every value is escaped."""
    found = Environment(
        loader=PackageLoader("assay.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(
        n=numbers,
        words=code_words,
        captions=captions,
        claim_words=claim_words,
        published_words=published_words,
        facts=facts,
        arm_colours=COLOURS,
        marks=len(MARKERS),
        svg=_svg,
        draws_dots=draws_dots,
        MOST_RUNS=MOST_RUNS,
        shade=layer_figures.shade,
        full_square=full_square,
        at="",  # before the ids of a section, and
        h=2,  # the level of its heading: a document of several studies has others
    )
    return found


def _svg(drawing: "Drawing") -> str:
    from markupsafe import Markup

    return Markup(drawing.svg)
