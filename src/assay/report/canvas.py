"""A figure and how it is written: into a page, as SVG and as PDF.

In a page ink and grid are CSS variables with a value for pages that define
none, so that one drawing serves light and dark; so are the arms' colours.
"""

import io
import re
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure

from assay.report.palette import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

INK, FAINT, ACCENT = "#1d1f23", "#b9b8b2", "#e2edf4"
"""The colours of a light page, which no drawing uses for anything else; `_themed` makes variables of them."""
VARIABLES = {
    INK: "currentColor",
    FAINT: "var(--faint, #8888)",
    ACCENT: "var(--margin, #8883)",
    **{colour: f"var(--arm{index}, {colour})" for index, colour in enumerate(COLOURS)},
}
STYLE: Any = {
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.02,
    "axes.unicode_minus": False,  # as in the text and the tables beside it (`findings.numbers`)
    "grid.color": FAINT,
    "grid.linewidth": 0.4,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "axes.titley": 1.0,
}
LETTER = 0.09
"""The width of a digit in inches, at the size of ticks' labels."""
EDGE, LABEL, TITLE = 0.08, 0.45, 0.28
"""Inches around axes: where nothing stands, below them for labels, above them for a title."""
FONTS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
WIDTH = 4.6


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure, the key that names it, its title, and the sentence that stands for it."""

    figure: Figure
    key: str
    title: str
    description: str

    @cached_property
    def svg(self) -> str:
        """The figure as an element of a page, coloured by the page."""
        text = io.StringIO()
        write_figure(self.figure, text, "svg", self.key)
        return _inline(text.getvalue(), self)

    def save(self, path: Path) -> None:
        """Write the figure as a file of its own, SVG or PDF as the path's suffix says."""
        with path.open("wb") as file:
            write_figure(self.figure, file, path.suffix.removeprefix("."), self.key)


def write_figure(figure: Figure, file: Any, format: str, key: str) -> None:
    """Write the same bytes each time: without a date, with ids that follow from the ``key``."""
    dated = ("Creator", "Date", "Format", "Type") if format == "svg" else ("Creator", "CreationDate")
    metadata: dict[str, Any] = dict.fromkeys(dated)
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": key}):
        figure.savefig(file, format=format, transparent=True, metadata=metadata)


def fit(figure: Figure, axes: "Axes") -> None:
    """Fill the figure with its axes, but for the words around the axes.

    Their letters are counted: measuring them, as matplotlib's layouts do, takes twice as long as drawing.
    """
    width, height = figure.get_size_inches()
    top = TITLE if axes.get_title(loc="left") else EDGE
    bottom, rows = LABEL / height, 1 - (LABEL + top) / height
    axes.set_position((0, bottom, 1, rows))  # how many ticks there are depends on it
    left, side = EDGE + LETTER * _letters(axes.yaxis), max(EDGE, LETTER / 2 * _letters(axes.xaxis))
    left = max(left, side)
    axes.set_position((left / width, bottom, 1 - (left + side) / width, rows))
    axes.xaxis.set_label_coords(0.5, 0.22 / height, transform=figure.transFigure)


def _letters(axis: "Axis") -> int:
    """Return the length of the longest label; none has a factor that stands apart, as that of 10⁷."""
    labels = axis.get_major_formatter().format_ticks(axis.get_majorticklocs().tolist())
    if axis.get_major_formatter().get_offset():
        axis.set_major_formatter("{x:g}")
        return _letters(axis)
    return max(map(len, labels), default=0)


def _inline(svg: str, drawing: Drawing) -> str:
    """Return matplotlib's file as an element for a page: named, themed, its ids its own."""
    key = drawing.key
    svg = svg[svg.index("<svg") :]
    head, _, body = svg.partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    assert box
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"(\.\d\d)\d+", r"\1", body)  # hundredths of a point: a third less to send
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {box[0]} '
        f'class="figure" role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(drawing.title)}</title>'
        f'<desc id="{key}-desc">{escape(drawing.description)}</desc>'
    )
    return start + _themed(_own_ids(body, key))


def _own_ids(svg: str, key: str) -> str:
    svg = re.sub(r' id="([^"]+)"', rf' id="{key}-\1"', svg)
    return re.sub(r'(url\(|href=")#', rf"\1#{key}-", svg)


def _themed(svg: str) -> str:
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    return re.sub(r"'DejaVu Sans'(, [^;\"]*)?", FONTS, svg)
