"""Every figure and picture of a report, drawn once and shown wherever it is wanted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import UsageError, reason
from assay.findings.findings import Findings
from assay.report import figures, inside_pictures, layer_figures
from assay.report.canvas import Drawing
from assay.report.confusion_figure import confusion_plot
from assay.report.factorial_figure import factorial_plot
from assay.report.inside_pictures import InsidePictures
from assay.report.palette import colour
from assay.report.pictures import Picture

MOST_LAYERS = 12
"""The layers of at most this many arms are drawn; with more, the page would be too large."""


@dataclass(frozen=True)
class Drawings:
    """The figures of a report; None or empty for those it does not have."""

    effects: Drawing | None
    factorial: Drawing | None
    curves: Sequence[Drawing]
    layers: Sequence[Sequence[Drawing]]
    confusion: Drawing | None
    pictures: InsidePictures

    @property
    def main(self) -> Sequence[Drawing | Picture]:
        """The figures of a printed document: neither layers nor single mistakes."""
        few = (self.pictures.kernels, self.pictures.image, *self.pictures.layers)
        every = (self.effects, self.factorial, *self.curves, self.confusion, *few)
        return [drawing for drawing in every if drawing]

    def __iter__(self) -> Iterator[Drawing | Picture]:
        """Yield all figures."""
        yield from self.main
        yield from (picture for pair in self.pictures.mistakes for picture in pair if picture)
        yield from (drawing for drawings in self.layers for drawing in drawings)


def draw(report: Findings) -> Drawings:
    """Draw a report."""
    confusion = report.inside.confusion if report.inside else None
    return Drawings(
        effects=figures.effect_plot(report),
        factorial=factorial_plot(report.factorial, report.margin) if report.factorial else None,
        curves=figures.curve_plots(report),
        layers=[
            layer_figures.layer_plots(layers, f"layers{index}")
            for index, layers in enumerate(report.layers[:MOST_LAYERS])
        ],
        confusion=confusion_plot(confusion, colour(report.place(confusion.arm))) if confusion else None,
        pictures=inside_pictures.draw(report.inside),
    )


def write_figures(
    drawings: Iterable[Drawing | Picture], folder: Path | str, formats: Sequence[str] = ("svg", "pdf")
) -> list[Path]:
    """Write every figure into ``folder``, once in each format, and return their paths.

    Raises `UsageError` where they cannot be written.
    """
    folder = Path(folder)
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for drawing in drawings:
            for format in formats:
                paths.append(folder / f"{drawing.key}.{format}")
                drawing.save(paths[-1])
    except (OSError, ValueError) as error:  # a null character in a path is a ValueError
        raise UsageError(f"{str(folder)!r}: figures cannot be written ({reason(error)})") from None
    return paths
