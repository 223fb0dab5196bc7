"""Figures as inline SVG: drawn by matplotlib, coloured by the page, described in words.

Ink and grid are written as CSS variables with a value for pages that define
none, so that one drawing serves light and dark; so are the arms' colours,
which are the same wherever an arm appears. The palette is that of Okabe and
Ito (2008), which survives the common kinds of colour-blindness; beyond its
length the markers differ.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from assay.report.curves import Curves, Metric
from assay.report.effects import Effect
from assay.report.model import Report
from assay.report.numbers import fixed, points, points_interval, seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", "#5d5d8a")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, FAINT, ACCENT = "#010203", "#040506", "#070809"
"""Stand-ins that no drawing else uses; `_themed` turns them into variables of the page."""
VARIABLES = {
    INK: "currentColor",
    FAINT: "var(--faint, #8888)",
    ACCENT: "var(--margin, #8883)",
    **{colour: f"var(--arm{index}, {colour})" for index, colour in enumerate(COLOURS)},
}
STYLE: Any = {
    "svg.fonttype": "none",
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
    "grid.color": FAINT,
    "grid.linewidth": 0.4,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.use": True,
}
FONTS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
WIDTH = 4.6
MOST_EFFECTS = 40
LONGEST_LABEL = 60
TITLES: dict[Metric, str] = {
    "valid_accuracy": "Validation accuracy (%)",
    "train_accuracy": "Training accuracy (%)",
    "valid_loss": "Validation loss (nats)",
    "train_loss": "Training loss (nats)",
}


@dataclass(frozen=True)
class Drawing:
    """An SVG element and the sentence that stands for it."""

    svg: str
    description: str


def colour(index: int) -> str:
    """Return the colour of the arm in this place of the study."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Return the marker of the arm in this place of the study."""
    return MARKERS[index // len(COLOURS) % len(MARKERS)]


def effect_plot(report: Report) -> Drawing | None:
    """Draw each comparison: a dot a seed, the mean and its interval, against the margin; None without any."""
    effects = [effect for effect in report.effects if effect.pair.comparison.n][:MOST_EFFECTS]
    if not effects:
        return None
    order = {arm.name: index for index, arm in enumerate(report.arms)}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.2 * WIDTH, 0.7 + 0.65 * len(effects)))
        axes = figure.add_subplot()
        for row, effect in enumerate(effects):
            low, high = -row - 0.32, -row + 0.24  # below the row's label
            axes.fill_between((-report.margin, report.margin), low, high, color=ACCENT, lw=0)
            axes.vlines(0, low, high, color=INK, lw=0.8)
            _draw_effect(axes, -row, effect, order[effect.pair.a])
            _label(axes, -row + 0.45, effect.name)
        axes.set_yticks([])
        axes.set_ylim(0.5 - len(effects), 0.65)
        axes.set_xlabel("difference in test accuracy (percentage points)")
        axes.spines.left.set_visible(False)
        description = ". ".join(_describe_effect(report, effect) for effect in effects)
        return drawing(figure, "effect", "Differences between arms", description)


def curve_plot(report: Report, metric: Metric) -> Drawing | None:
    """Draw one metric of every arm by epoch: mean, band from lowest to highest seed, diverged runs dashed."""
    if not any(curves.bands[metric].seeds or curves.diverged[metric] for curves in report.curves):
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.66 * WIDTH))
        axes = figure.add_subplot()
        for index, curves in enumerate(report.curves):
            _draw_curves(axes, curves, metric, index)
        axes.set_title(TITLES[metric])
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if metric.endswith("accuracy"):
            axes.set_ylim(_accuracy_limits(report))
        description = ". ".join(_describe_curves(curves, metric) for curves in report.curves)
        return drawing(figure, metric, f"{TITLES[metric]} by epoch", description)


def curve_plots(report: Report) -> Sequence[Drawing]:
    """Draw validation and training accuracy, then validation and training loss."""
    return [drawing for metric in TITLES if (drawing := curve_plot(report, metric))]


def _label(axes: "Axes", y: float, name: str) -> None:
    """Name a comparison above its row; a name longer than the figure is wide loses its end."""
    short = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    axes.text(0.01, y, short, va="center", transform=axes.get_yaxis_transform()).set_in_layout(False)


def _draw_effect(axes: "Axes", y: float, effect: Effect, index: int) -> None:
    differences = effect.pair.comparison.differences
    heights = [y + 0.16 * (1 if place % 2 else -1) for place in range(len(differences))]
    style: Any = {"color": colour(index), "marker": marker(index)}
    axes.plot(differences, heights, ls="", ms=4.5, alpha=0.55, mew=0, **style)
    if effect.interval:
        axes.plot(effect.interval, (y, y), color=INK, lw=2, solid_capstyle="butt")
    axes.plot([effect.pair.comparison.mean], [y], ms=8, mec=INK, mew=1.2, **style)


def _draw_curves(axes: "Axes", curves: Curves, metric: Metric, index: int) -> None:
    band = curves.bands[metric]
    axes.fill_between(band.epochs, band.low, band.high, color=colour(index), alpha=0.2, lw=0)
    axes.plot(band.epochs, band.mean, color=colour(index), marker=marker(index), ms=4, markevery=[-1])
    for trace in curves.diverged[metric]:
        axes.plot(trace.epochs, trace.values, color=colour(index), ls=(0, (3, 2)), lw=1, marker="x", ms=4)


def _accuracy_limits(report: Report) -> tuple[float, float]:
    """Return one range for training and validation, so that the gap between them can be seen."""
    metrics: tuple[Metric, Metric] = ("valid_accuracy", "train_accuracy")
    lows = [low for curves in report.curves for metric in metrics for low in curves.bands[metric].low]
    highs = [high for curves in report.curves for metric in metrics for high in curves.bands[metric].high]
    for curves in report.curves:
        lows += [value for metric in metrics for trace in curves.diverged[metric] for value in trace.values]
    low, high = min(lows, default=0.0), max([*highs, *lows], default=100.0)
    room = 0.04 * (high - low) or 1.0
    return max(0.0, low - room), min(100.0, high + room)


def _describe_effect(report: Report, effect: Effect) -> str:
    c = effect.pair.comparison
    bounds = f", {report.interval_name} {points_interval(effect.interval)}" if effect.interval else ""
    return f"{effect.name}: mean {points(c.mean)} pp{bounds}, {seeds(c.n)}"


def _describe_curves(curves: Curves, metric: Metric) -> str:
    band = curves.bands[metric]
    lost = f"; {seeds(len(curves.diverged[metric]))} diverged" if curves.diverged[metric] else ""
    if not band.seeds:
        return f"{curves.arm}: no finished run{lost}"
    return (
        f"{curves.arm}: {fixed(band.mean[0])} after epoch {band.epochs[0]}, {fixed(band.mean[-1])} after "
        f"epoch {band.epochs[-1]} ({seeds(band.seeds)}, {fixed(band.low[-1])} to {fixed(band.high[-1])})"
        f"{lost}"
    )


def drawing(figure: Figure, key: str, title: str, description: str) -> Drawing:
    """Write a figure as an element for a page; ``key`` keeps its ids apart from others'."""
    text = io.StringIO()
    metadata: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": key}):
        figure.savefig(text, format="svg", transparent=True, metadata=metadata)
    return Drawing(_inline(text.getvalue(), key, title, description), description)


def _inline(svg: str, key: str, title: str, description: str) -> str:
    """Return matplotlib's file as an element for a page: named, themed, its ids its own."""
    svg = svg[svg.index("<svg") :]
    head, _, body = svg.partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    assert box
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {box[0]} '
        f'class="figure" role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(description)}</desc>'
    )
    return start + _themed(_own_ids(body, key))


def _own_ids(svg: str, key: str) -> str:
    svg = re.sub(r' id="([^"]+)"', rf' id="{key}-\1"', svg)
    return re.sub(r'(url\(|href=")#', rf"\1#{key}-", svg)


def _themed(svg: str) -> str:
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    return re.sub(r"'DejaVu Sans'(, [^;\"]*)?", FONTS, svg)
