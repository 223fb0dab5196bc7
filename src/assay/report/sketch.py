"""Curves as a small SVG that is made in a moment, for a notebook's cell that is drawn again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

from assay.findings.numbers import names, plural
from assay.report.palette import colour
from assay.store.readout import Readout

WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 560, 220, 44, 26, 10
MOST_LINES = 200


@dataclass(frozen=True)
class Trail:
    """A run's values by epoch; runs of the arm in the same ``place`` have the same colour."""

    arm: str
    seed: int
    place: int
    points: Sequence[tuple[int, float]]


def validation(results: Readout) -> list[Trail]:
    """Return the validation accuracy of each run, in percent."""
    order = {arm.name: place for place, arm in enumerate(results.study.arms)}
    return [
        Trail(
            run.arm,
            run.seed,
            order[run.arm],
            [(of.epoch, 100 * of.valid_accuracy) for of in results.epochs(run.id)],
        )
        for run in results.runs
    ]


def sketch(lines: Sequence[Trail], title: str = "Validation accuracy (%)") -> str:
    """Return the lines as an SVG element with a legend of arms; nothing where no epoch is over."""
    shown = [line for line in lines if any(isfinite(value) for _, value in line.points)][:MOST_LINES]
    if not shown:
        return ""
    values = [value for line in shown for _, value in line.points if isfinite(value)]
    last = max(epoch for line in shown for epoch, _ in line.points)
    low, high = min(values), max(values)
    arms = dict(sorted({line.place: line.arm for line in shown}.items()))
    words = f"{title} by epoch of {plural(len(shown), 'run')} of {names([*arms.values()])}"
    wide, tall = WIDTH - LEFT - 10, HEIGHT - BELOW - ABOVE

    def at(epoch: int, value: float) -> str:
        x = LEFT + wide * (epoch - 1) / max(1, last - 1)
        y = ABOVE + tall * (1 - (value - low) / (high - low or 1.0))
        return f"{x:.1f},{y:.1f}"

    drawn = "".join(
        _line(line, [at(*point) for point in line.points if isfinite(point[1])]) for line in shown
    )
    text = 'font-size="11" fill="currentColor"'
    scale = (
        f'<text x="{LEFT - 6}" y="{ABOVE + 4}" text-anchor="end" {text}>{high:.1f}</text>'
        f'<text x="{LEFT - 6}" y="{ABOVE + tall + 4}" text-anchor="end" {text}>{low:.1f}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}" {text}>{title}, epoch 1 to {last}</text>'
    )
    dots = " ".join(_dot(place, arm) for place, arm in arms.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'style="max-width: 100%"><title>{escape(words)}</title>{drawn}{scale}</svg><p>{dots}</p>'
    )


def _line(line: Trail, points: Sequence[str]) -> str:
    shade = colour(line.place)
    if len(points) == 1:
        x, y = points[0].split(",")
        return f'<circle cx="{x}" cy="{y}" r="2.5" fill="{shade}">{_title(line)}</circle>'
    shape = f'<polyline fill="none" stroke="{shade}" stroke-width="1.6" points="{" ".join(points)}">'
    return f"{shape}{_title(line)}</polyline>"


def _title(line: Trail) -> str:
    """Return the text that a browser shows for a line under the pointer."""
    epoch, value = line.points[-1]
    return f"<title>{escape(line.arm)}, seed {line.seed}, epoch {epoch}: {value:.2f}</title>"


def _dot(place: int, arm: str) -> str:
    return f'<span style="color: {colour(place)}">●</span> {escape(arm)}'
