"""The convolution benchmark as a table for the terminal and as a figure."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assay.bench.convolution import DIRECTIONS, Case, ConvolutionBench, Direction, Measurement
from assay.errors import UsageError
from assay.nn.convolution import METHODS, MethodName

if TYPE_CHECKING:
    from rich.table import Table

LINES: dict[Direction, Literal["-", "--"]] = {"forward": "-", "backward": "--"}
FORMATS = (".png", ".svg", ".pdf")

# Okabe and Ito's colours, which people with every kind of colour vision can tell apart.
COLOURS: dict[MethodName, str] = dict(
    zip(METHODS, ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7"), strict=True)
)
MARKERS: dict[MethodName, str] = dict(zip(METHODS, "osD^vP", strict=True))

ROWS: tuple[tuple[str, Callable[[Measurement], float]], ...] = (
    ("time, ms", lambda found: found.time.median * 1e3),
    ("working memory, KiB", lambda found: found.memory / 1024),
    ("float32 error", lambda found: found.error),
)


def table(bench: ConvolutionBench) -> "Table":
    """Return a table with a row for each case and method.

    Times are medians with half the interquartile range, memory is the peak,
    and the error is relative to the largest value.
    """
    from rich import box
    from rich.table import Table

    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    found.add_column("method", no_wrap=True)
    for direction in DIRECTIONS:
        found.add_column(f"{direction}, ms", justify="right", no_wrap=True)
        found.add_column("KiB", justify="right", no_wrap=True)
        found.add_column("error", justify="right", no_wrap=True)
    for case in dict.fromkeys(measured.case for measured in bench.measurements):
        found.add_section()
        found.add_row(_words(case), style="italic")
        for name in METHODS:
            cells = [cell for direction in DIRECTIONS for cell in _cells(bench, name, case, direction)]
            found.add_row(f"  {name}", *cells)
    return found


def draw(bench: ConvolutionBench, path: Path) -> None:
    """Write the figure as PNG, SVG or PDF, depending on the path's suffix.

    Rows are time, memory and error, columns the image sizes; the x axis is the
    kernel size. Forward is solid, backward dashed; thin vertical lines join the
    quartiles of the times. Raises `UsageError` for any other suffix.
    """
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(FORMATS)}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sizes = bench.settings.image_sizes
    figure = Figure(figsize=(2 + 2.7 * len(sizes), 8.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(ROWS), len(sizes), sharex=True, sharey="row", squeeze=False)
    for axes, (label, value) in zip(panels, ROWS, strict=True):
        axes[0].set_ylabel(label)
        for panel, size in zip(axes, sizes, strict=True):
            _draw_panel(panel, bench, size, value)
    for panel, size in zip(panels[0], sizes, strict=True):
        _draw_quartiles(panel, bench, size)
    for panel, size in zip(panels[0], sizes, strict=True):
        panel.set_title(f"image {size} x {size}", fontsize=10)
    for panel in panels[-1]:
        panel.set_xlabel("kernel size")
    figure.legend(handles=_legend(), loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)


def _cells(bench: ConvolutionBench, name: MethodName, case: Case, direction: Direction) -> tuple[str, ...]:
    (found,) = (measured for measured in bench.of(name, direction) if measured.case == case)
    return (
        f"{_milliseconds(found.time.median)} ±{_share(found.time.spread)}",
        f"{found.memory / 1024:,.0f}",
        f"{found.error:.0e}",
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.0f}" if seconds >= 0.1 else f"{seconds * 1e3:.3g}"


def _share(spread: float) -> str:
    return f"{spread:.0%}" if spread < 0.995 else ">99%"


def _words(case: Case) -> str:
    return f"image {case.image_size}, kernel {case.kernel_size}"


def _draw_panel(
    panel: Any, bench: ConvolutionBench, size: int, value: Callable[[Measurement], float]
) -> None:
    for name in METHODS:
        for direction, line in LINES.items():
            measured = [found for found in bench.of(name, direction) if found.case.image_size == size]
            panel.plot(
                [found.case.kernel_size for found in measured],
                [value(found) for found in measured],
                line,
                marker=MARKERS[name],
                color=COLOURS[name],
                markersize=4,
                linewidth=1.2,
            )
    panel.set_yscale("log")
    panel.set_xticks(bench.settings.kernel_sizes)
    panel.grid(axis="y", color="0.9", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_quartiles(panel: Any, bench: ConvolutionBench, size: int) -> None:
    """Draw the middle half of the rounds as a thin line behind each time."""
    for found in bench.measurements:
        if found.case.image_size == size:
            low, high = (seconds * 1e3 for seconds in found.time.quartiles)
            panel.vlines(found.case.kernel_size, low, high, color=COLOURS[found.method], linewidth=0.8)


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D

    methods = [
        Line2D([], [], color=COLOURS[name], marker=MARKERS[name], markersize=4, label=name)
        for name in METHODS
    ]
    lines = [
        Line2D([], [], color="0.4", linestyle=line, label=direction) for direction, line in LINES.items()
    ]
    return [*methods, *lines]
