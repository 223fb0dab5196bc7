"""Figures of layers: a small one per arm and quantity, with one line per layer."""

from collections.abc import Sequence
from math import ceil, floor, isnan, log10, nan
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.markers import TICKLEFT
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

from assay.findings.layers import QUANTITIES, LayerCurves, Quantity
from assay.findings.numbers import NOTHING
from assay.report.canvas import INK, STYLE, WIDTH, Drawing, fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST, LAST = "#d2620f", "#1b76bd"
"""The colours of the first and the last layer; those between lie between. They suit light and dark."""
MOST_DIGITS = 100
"""Powers of ten beyond this one, either way, lie outside of a figure: ticks around them are no numbers."""
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
TITLES: dict[Quantity, str] = {
    "gradient_norm": "Norm of the gradient",
    "update_ratio": "Size of an update over that of the weights",
    "dead_share": "Dead units (%)",
}


def shade(index: int, count: int) -> str:
    """Return the colour of the layer in this place of ``count``."""
    share = index / max(count - 1, 1)
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(to_rgb(FIRST), to_rgb(LAST), strict=True))
    return to_hex((red, green, blue))


def layer_plots(layers: LayerCurves, key: str) -> Sequence[Drawing]:
    """Draw each quantity that any layer of the arm has; ``key`` keeps ids apart on a page."""
    return [_plot(layers, quantity, key) for quantity in QUANTITIES if layers.series[quantity]]


def _plot(layers: LayerCurves, quantity: Quantity, key: str) -> Drawing:
    series, title = layers.series[quantity], TITLES[quantity]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.85 * WIDTH, 0.56 * WIDTH))
        axes = figure.add_subplot()
        for index, name in enumerate(layers.names):
            if name in series:
                _draw(axes, layers.epochs, series[name], quantity, shade(index, len(layers.names)))
        if quantity == "dead_share":
            axes.set_ylim(-4, 104)
        else:
            _scale(axes, [value for values in series.values() for value in values if value > 0])
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        fit(figure, axes)
        if axes.get_yscale() == "log":
            _mark_minor_ticks(axes)
        description = "; ".join(f"{name} {_ends(values)}" for name, values in series.items())
        return Drawing(figure, f"{key}-{quantity}", f"{layers.arm}: {title}, by epoch", description)


def _draw(
    axes: "Axes", epochs: Sequence[int], values: Sequence[float], quantity: Quantity, colour: str
) -> None:
    """Draw a layer's line; zeros have no place on a logarithmic axis."""
    shown = values if quantity == "dead_share" else [value if value > 0 else nan for value in values]
    axes.plot(epochs, shown, color=colour, lw=1.4, marker="o", ms=2.5)


def _scale(axes: "Axes", positive: Sequence[float]) -> None:
    """Make the axis logarithmic, from one power of ten to another."""
    if positive:
        powers = floor(log10(min(positive))), ceil(log10(max(positive)))
        low, high = (min(max(power, -MOST_DIGITS), MOST_DIGITS) for power in powers)
        axes.set_ylim(10.0**low, 10.0 ** max(high, low + 1))  # first, or the axis seeks limits of its own
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_power)  # in letters: formulas take long to set
        axes.yaxis.set_minor_formatter(NullFormatter())


def _mark_minor_ticks(axes: "Axes") -> None:
    """Draw minor ticks as the markers of one line: they look the same, and as ticks take longest of all."""
    low, high = axes.get_ylim()
    places = [place for place in axes.yaxis.get_minorticklocs().tolist() if low <= place <= high]
    axes.yaxis.set_minor_locator(NullLocator())
    size, width = matplotlib.rcParams["ytick.minor.size"], matplotlib.rcParams["ytick.minor.width"]
    axes.plot(
        [0.0] * len(places),
        places,
        transform=axes.get_yaxis_transform(),
        linestyle="none",
        marker=TICKLEFT,
        markersize=size,
        markeredgewidth=width,
        color=INK,
        clip_on=False,
    )


def _power(value: float, _: float) -> str:
    """Write a power of ten."""
    return "10" + f"{log10(value):.0f}".translate(RAISED)


def _ends(values: Sequence[float]) -> str:
    first, last = (NOTHING if isnan(value) else f"{value:.2g}" for value in (values[0], values[-1]))
    return f"from {first} to {last}"
