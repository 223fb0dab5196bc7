"""Figures in words, for readers who cannot see them."""

from assay.findings.confusion import Confusion
from assay.findings.curves import Curves, Metric
from assay.findings.effects import Effect
from assay.findings.numbers import (
    fixed,
    in_percent,
    interval_name,
    plural,
    points,
    points_interval,
    seeds,
    whole_percent,
)
from assay.stats import Factorial


def effect(of: Effect, interval: str) -> str:
    """Return a comparison's mean and interval, which is called ``interval``."""
    c = of.pair.comparison
    bounds = f", {interval} {points_interval(of.interval)}" if of.interval else ""
    return f"{of.name}: mean {points(c.mean)} points{bounds}, {seeds(c.n)}"


def factorial(of: Factorial, most: int) -> str:
    """Return the first ``most`` effects of factors."""
    name = interval_name(of.confidence)
    return ". ".join(
        f"{effect.name}: mean {points(effect.mean)} points, {name} {points_interval(effect.interval)}"
        for effect in of.effects[:most]
    )


def curves(of: Curves, metric: Metric) -> str:
    """Return where an arm's curve begins and ends."""
    band = of.bands[metric]
    lost = f"; {seeds(len(of.diverged[metric]))} diverged" if of.diverged[metric] else ""
    if not band.seeds:
        return f"{of.arm}: no finished run{lost}"
    start, mean, low, high = (
        fixed(in_percent(x) if metric.endswith("accuracy") else x)
        for x in (band.mean[0], band.mean[-1], band.low[-1], band.high[-1])
    )
    first = f"{start} after epoch {band.epochs[0]}, " if len(band.epochs) > 1 else ""
    return (
        f"{of.arm}: {first}{mean} after epoch {band.epochs[-1]} ({seeds(band.seeds)}, {low} to {high}){lost}"
    )


def confusion(of: Confusion) -> str:
    """Return what is most often mistaken for what."""
    over = f"{plural(of.images, 'test image')}, mean over {seeds(of.seeds)}"
    worst = "; ".join(f"{m.true} as {m.answer} {whole_percent(m.share)}" for m, _ in of.pairs)
    mistakes = f"Most often mistaken: {worst}" if worst else "There is no mistake"
    return f"Rows are true characters, columns answers; {over}. {mistakes}"
