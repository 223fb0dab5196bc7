"""The effects of a study's factors with their intervals, one below the other."""

import matplotlib
from matplotlib.figure import Figure

from assay.findings.numbers import in_percent
from assay.findings.wording import figure_words
from assay.report.canvas import ACCENT, FAINT, INK, STYLE, WIDTH, Drawing, fit
from assay.stats import Factorial

MOST = 30


def factorial_plot(factorial: Factorial, margin: float) -> Drawing:
    """Draw main effects and interactions: means and intervals, against the margin."""
    effects = factorial.effects[:MOST]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.2 * WIDTH, 0.7 + 0.5 * len(effects)))
        axes = figure.add_subplot()
        axes.axvspan(-margin, margin, color=ACCENT, lw=0)
        axes.axvline(0, color=INK, lw=0.8)
        for row, effect in enumerate(effects):
            bar = [in_percent(end) for end in effect.interval]
            axes.plot(bar, (-row, -row), color=INK, lw=2, solid_capstyle="butt")
            marker = "o" if len(effect.factors) == 1 else "X"
            axes.plot([in_percent(effect.mean)], [-row], marker=marker, ms=8, mfc=FAINT, mec=INK, mew=1.2)
            axes.text(0.01, 0.36 - row, effect.name, transform=axes.get_yaxis_transform())
        axes.set_yticks([])
        axes.set_ylim(0.6 - len(effects), 0.8)
        axes.set_xlabel("effect on test accuracy (percentage points)")
        axes.spines.left.set_visible(False)
        fit(figure, axes)
        return Drawing(figure, "factorial", "Effects of the factors", figure_words.factorial(factorial, MOST))
