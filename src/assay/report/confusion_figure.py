"""The confusion matrix as squares, whose area is a share: readable without a scale of colours."""

from math import sqrt
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from assay.findings.confusion import Confusion
from assay.findings.numbers import whole_percent
from assay.findings.wording import figure_words
from assay.report.canvas import FAINT, INK, STYLE, Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

SIZE = 7.4
LEAST = 0.005
"""The smallest share that is drawn."""


def confusion_plot(confusion: Confusion, colour: str) -> Drawing:
    """Draw rows of true classes and columns of answers; mistakes in the arm's ``colour``."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(SIZE, SIZE), layout="constrained")
        axes = figure.add_subplot()
        right = np.diag(np.diag(confusion.shares))
        wrong = confusion.shares - right
        _squares(axes, right, 1.0, FAINT)
        _squares(axes, wrong, _largest(confusion), colour)
        _label(axes, confusion.classes)
        return Drawing(
            figure, "confusion", f"Confusion matrix of {confusion.arm}", figure_words.confusion(confusion)
        )


def full_square(confusion: Confusion) -> str:
    """Say what a square as large as its place stands for."""
    return whole_percent(_largest(confusion))


def _largest(confusion: Confusion) -> float:
    wrong = confusion.shares - np.diag(np.diag(confusion.shares))
    return max(float(wrong.max()), LEAST)


def _squares(axes: "Axes", shares: "NDArray[np.float64]", full: float, colour: str) -> None:
    patches = [
        Rectangle((column - side / 2, row - side / 2), side, side)
        for row, column in np.argwhere(shares >= LEAST)
        for side in [0.94 * sqrt(shares[row, column] / full)]
    ]
    axes.add_collection(PatchCollection(patches, facecolor=colour, edgecolor="none"))


def _label(axes: "Axes", classes: tuple[str, ...]) -> None:
    places, size = range(len(classes)), 10 if len(classes) <= 12 else 7
    axes.set_xlim(-0.7, len(classes) - 0.3)
    axes.set_ylim(len(classes) - 0.3, -0.7)
    axes.set_aspect("equal")
    axes.set_xticks(places, classes, fontsize=size)
    axes.set_yticks(places, classes, fontsize=size)
    axes.tick_params(pad=2)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("read as", color=INK)
    axes.set_ylabel("true character", color=INK)
    axes.grid(visible=True, lw=0.25)
    for spine in axes.spines.values():
        spine.set_visible(False)
