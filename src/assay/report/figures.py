"""The figures of a study's main results: its comparisons and its curves.

An arm has one colour wherever it appears; beyond the palette's length the
markers differ.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from assay.findings.curves import Curves, Metric
from assay.findings.effects import Effect
from assay.findings.findings import Findings
from assay.findings.numbers import in_percent
from assay.findings.wording import figure_words
from assay.findings.wording.captions import MOST_BANDS
from assay.records.metrics import PERCENT
from assay.report.canvas import ACCENT, INK, STYLE, WIDTH, Drawing, fit
from assay.report.palette import colour, marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_EFFECTS = 40
MOST_DOTS = 2000
"""Dots that are drawn of all comparisons together; where there are more, only means and intervals are."""
LONGEST_LABEL = 60
TITLES: dict[Metric, str] = {
    "valid_accuracy": "Validation accuracy (%)",
    "train_accuracy": "Training accuracy (%)",
    "valid_loss": "Validation loss (nats)",
    "train_loss": "Training loss (nats)",
}


def effect_plot(report: Findings) -> Drawing | None:
    """Draw each comparison: one dot per seed, mean and interval, against the margin; None without any."""
    effects = [effect for effect in report.effects if effect.pair.comparison.n][:MOST_EFFECTS]
    if not effects:
        return None
    order = {arm.name: index for index, arm in enumerate(report.arms)}
    dots = draws_dots(report)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.2 * WIDTH, 0.7 + 0.65 * len(effects)))
        axes = figure.add_subplot()
        for row, effect in enumerate(effects):
            low, high = -row - 0.32, -row + 0.24  # below the row's label
            axes.fill_between((-report.margin, report.margin), low, high, color=ACCENT, lw=0)
            axes.vlines(0, low, high, color=INK, lw=0.8)
            _draw_effect(axes, -row, effect, order[effect.pair.a], dots)
            label(axes, -row + 0.45, effect.name)
        axes.set_yticks([])
        axes.set_ylim(0.5 - len(effects), 0.65)
        axes.set_xlabel("difference in test accuracy (percentage points)")
        axes.spines.left.set_visible(False)
        fit(figure, axes)
        description = ". ".join(figure_words.effect(effect, report.interval_name) for effect in effects)
        return Drawing(figure, "effect", "Differences between arms", description)


def draws_dots(report: Findings) -> bool:
    """Whether the figure of the differences has a dot for each seed: unless there are too many."""
    return sum(effect.pair.comparison.n for effect in report.effects[:MOST_EFFECTS]) <= MOST_DOTS


def curve_plot(report: Findings, metric: Metric) -> Drawing | None:
    """Draw one metric of every arm by epoch: mean, band from lowest to highest seed, diverged runs dashed.

    There are no bands where there are more than `captions.MOST_BANDS` arms.
    """
    if not any(curves.bands[metric].seeds or curves.diverged[metric] for curves in report.curves):
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.66 * WIDTH))
        axes = figure.add_subplot()
        for index, curves in enumerate(report.curves):
            _draw_curves(axes, curves, metric, index, len(report.curves))
        axes.set_title(TITLES[metric])
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(*_epoch_limits(report, metric))
        if metric.endswith("accuracy"):
            axes.set_ylim(_accuracy_limits(report))
        fit(figure, axes)
        description = ". ".join(figure_words.curves(curves, metric) for curves in report.curves)
        return Drawing(figure, metric, f"{TITLES[metric]} by epoch", description)


def curve_plots(report: Findings) -> Sequence[Drawing]:
    """Draw validation and training accuracy, then validation and training loss."""
    return [drawing for metric in TITLES if (drawing := curve_plot(report, metric))]


def label(axes: "Axes", y: float, name: str) -> None:
    """Name a comparison above its row; a name wider than the figure is truncated."""
    short = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    axes.text(0.01, y, short, va="center", transform=axes.get_yaxis_transform())


def _scale(metric: Metric) -> float:
    """Return what turns a value into what the axis shows: percent of accuracies."""
    return PERCENT if metric.endswith("accuracy") else 1.0


def _draw_effect(axes: "Axes", y: float, effect: Effect, index: int, dots: bool) -> None:
    differences = [in_percent(d) for d in effect.pair.comparison.differences]
    heights = [y + 0.16 * (1 if place % 2 else -1) for place in range(len(differences))]
    style: Any = {"color": colour(index), "marker": marker(index)}
    if dots:
        axes.plot(differences, heights, ls="", ms=4.5, alpha=0.55, mew=0, **style)
    if effect.interval:
        axes.plot(
            [in_percent(end) for end in effect.interval], (y, y), color=INK, lw=2, solid_capstyle="butt"
        )
    axes.plot([in_percent(effect.pair.comparison.mean)], [y], ms=8, mec=INK, mew=1.2, **style)


def _draw_curves(axes: "Axes", curves: Curves, metric: Metric, index: int, arms: int) -> None:
    band, scale = curves.bands[metric], _scale(metric)
    mean, low, high = ([scale * x for x in row] for row in (band.mean, band.low, band.high))
    style: Any = {"color": colour(index), "marker": marker(index), "ms": 4}
    if len(band.epochs) == 1:  # nothing but a point: beside the other arms', with a bar for a band
        x = [band.epochs[0] + (index - (arms - 1) / 2) / arms]
        axes.plot(x * 2, [*low, *high], color=colour(index), alpha=0.4, lw=3)
        axes.plot(x, mean, ls="", **style)
    else:
        if arms <= MOST_BANDS:  # more would hide each other
            axes.fill_between(band.epochs, low, high, color=colour(index), alpha=0.2, lw=0)
        axes.plot(band.epochs, mean, markevery=[-1], **style)
    for trace in curves.diverged[metric]:
        values = [scale * x for x in trace.values]
        axes.plot(trace.epochs, values, color=colour(index), ls=(0, (3, 2)), lw=1, marker="x", ms=4)


def _epoch_limits(report: Findings, metric: Metric) -> tuple[float | None, float | None]:
    """Return the ends of the axis: matplotlib's own, or room for points side by side at the only epoch."""
    last = {epoch for curves in report.curves for epoch in curves.bands[metric].epochs}
    return (0.4, 1.6) if last == {1} else (None, None)


def _accuracy_limits(report: Findings) -> tuple[float, float]:
    """Return one range for training and validation, so that the gap between them can be seen."""
    metrics: tuple[Metric, Metric] = ("valid_accuracy", "train_accuracy")
    lows = [low for curves in report.curves for metric in metrics for low in curves.bands[metric].low]
    highs = [high for curves in report.curves for metric in metrics for high in curves.bands[metric].high]
    for curves in report.curves:
        lows += [value for metric in metrics for trace in curves.diverged[metric] for value in trace.values]
    low, high = in_percent(min(lows, default=0.0)), in_percent(max([*highs, *lows], default=1.0))
    room = 0.04 * (high - low) or 1.0
    return max(0.0, low - room), min(PERCENT, high + room)
