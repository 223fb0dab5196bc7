"""Batch normalisation in evaluation: the statistics that training leaves, beside those of assay's own.

Which attributes hold them is not asked. A layer that normalises by its batch is trained on one batch over
and over: what it keeps then has to be that batch's statistics, so that evaluation gives what training gives,
but for the variance, which may be biased (divided by m) or unbiased (by m - 1). A batch before it shows how
much of what was kept a step keeps.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from assay.nn.batch_norm import BatchNorm
from assay.nn.batch_norms import BatchNorm1d, BatchNorm2d, BatchNormPerActivation
from assay.nn.coursework.carried import BEGUN
from assay.nn.layer import Layer, Parameters
from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.watched import Watched

EXAMPLES = 6
SPREADS = {"first": 20.0, "wide": 20.0, "narrow": 0.01}
"""Standard deviations of the batches: beside a large variance no small number added to it matters."""
FEW, MANY = 4, 60
"""How often a batch is repeated to see how statistics move, and where it has to be repeated to the end."""

CLOSE = 1e-3
"""How far evaluation may be off: small numbers that are added to a variance of 400 are less."""


class Judged(NamedTuple):
    """What is wrong with statistics and what is to be known of them."""

    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def mixes(watched: Watched, params: Parameters, shape: Shape) -> bool:
    """Whether a layer's output for one example depends on the others of its batch."""
    x = stream(0, "mixes").normal(size=(EXAMPLES, *shape))
    other = np.concatenate([x[:1], 2 * x[1:] + 1])
    one, changed = watched.forward(params, x)[0], watched.forward(params, other)[0]
    room = 1e-4 * float(np.nan_to_num(np.abs(one)).max(initial=0))
    return not np.allclose(one, changed, rtol=1e-3, atol=room, equal_nan=True)


def judge_statistics(layer: Layer, shape: Shape, params: Parameters) -> Judged:
    """Judge the evaluation of a layer that mixes the examples of a batch in training."""
    training, evaluation = (Watched(layer, training=mode) for mode in (True, False))
    first, wide, narrow = (_batch(name, spread, shape) for name, spread in SPREADS.items())
    norm = _like(training.forward(params, wide), wide)
    if norm is None:
        return Judged()
    moved = _repeated(training, params, [first, *[wide] * FEW])
    if all(_same(moved[1].get(name), value) for name, value in moved[-1].items() if name != BEGUN):
        return Judged(("evaluation: the running statistics are not updated by every batch of training",))
    kept = dict(_kept(moved))
    if faults := (*_of_rates(kept), *_of_evaluation(_after(wide, norm, training, evaluation, params, kept))):
        return Judged(faults)
    ends = [_after(x, norm, training, evaluation, params, kept) for x in (wide, narrow)]
    faults = tuple(_of_eps(*ends))
    return Judged(faults, () if faults else (_said(kept, ends[0].ratio),))


def _batch(name: str, spread: float, shape: Shape) -> Array:
    return stream(0, "statistics", name).normal(1.5 * spread, spread, (EXAMPLES, *shape))


class _End(NamedTuple):
    """What both modes make of a batch that training has seen without end: a line in x for each unit."""

    values: int
    """How many there are of each unit."""
    variance: Array
    trained: "_Lines"
    evaluated: "_Lines"

    @property
    def ratio(self) -> float:
        """The variance that evaluation divides by over training's."""
        return float(np.mean(self.trained.slope / self.evaluated.slope) ** 2)


class _Lines(NamedTuple):
    slope: Array
    mean: Array
    fits: bool


def _after(
    x: Array,
    norm: BatchNorm,
    training: Watched,
    evaluation: Watched,
    params: Parameters,
    kept: dict[str, float],
) -> _End:
    moved = _repeated(training, params, [x] * (FEW if kept else MANY))
    before, last = moved[-2:]
    settled = {
        name: value + (value - before[name]) * kept[name] / (1 - kept[name]) if name in kept else value
        for name, value in last.items()
    }
    rows = norm.to_rows(x)
    trained, evaluated = (_lines(norm, x, mode.forward(settled, x)) for mode in (training, evaluation))
    return _End(len(rows), rows.var(axis=0), trained, evaluated)


def _like(y: Array, x: Array) -> BatchNorm | None:
    """Return which of assay's own normalises the same units: y is a line in x within each."""
    if y.shape != x.shape:
        return None
    kinds = (BatchNorm2d(), BatchNormPerActivation()) if x.ndim == 4 else (BatchNorm1d(),) * (x.ndim == 2)
    return next((norm for norm in kinds if _lines(norm, x, y).fits), None)


def _lines(norm: BatchNorm, x: Array, y: Array) -> _Lines:
    """Return the slope of each unit's y over its x, its mean, and whether it is a line."""
    rows, values = norm.to_rows(x), norm.to_rows(y)
    away, mean = rows - rows.mean(axis=0), values.mean(axis=0)
    slope = (away * values).sum(axis=0) / (away**2).sum(axis=0)
    left = values - mean - slope * away
    return _Lines(slope, mean, bool(np.abs(left).max() <= CLOSE * np.abs(values - mean).max() + 1e-12))


def _repeated(training: Watched, params: Parameters, batches: list[Array]) -> list[dict[str, Array]]:
    """Return parameters and buffers after each of several batches."""
    found = [dict(params)]
    for x in batches:
        found.append(training.trained(found[-1], x))
    return found


def _kept(moved: list[dict[str, Array]]) -> Iterator[tuple[str, float]]:
    """Yield the share that a step keeps of each buffer, where one batch moves it by powers of that."""
    for name, value in moved[-1].items():
        if name == BEGUN or not value.ndim:
            continue
        one, two, three = (moved[i][name] - moved[i - 1][name] for i in (-3, -2, -1))
        size = float((one**2).sum())
        share = float((one * two).sum()) / size if size else 1.0
        room = 1e-6 * float(np.abs(one).max(initial=0))
        if 0 <= share < 1 and max(np.abs(two - share * one).max(), np.abs(three - share * two).max()) <= room:
            yield name, share


def _of_evaluation(end: _End) -> Iterator[str]:
    trained, evaluated, m = end.trained, end.evaluated, end.values
    if not evaluated.fits:
        yield "evaluation: normalises other units than training"
        return
    after = "evaluation: after long training on one batch its running"
    spread = np.abs(trained.slope) * np.sqrt(end.variance)
    if not (np.abs(evaluated.mean - trained.mean) <= 3 * CLOSE * spread).all():
        yield f"{after} mean is not the batch's mean"
    right = min(abs(end.ratio - 1), abs(end.ratio - m / (m - 1))) <= CLOSE
    if not (right and np.ptp(trained.slope / evaluated.slope) <= CLOSE):
        yield (
            f"{after} variance is {end.ratio:.4g} times the batch's (1 is right, or {m / (m - 1):.4g}, the "
            f"unbiased one of {m} values)"
        )


def _of_eps(wide: _End, narrow: _End) -> Iterator[str]:
    """Compare what the modes add to the variance, told from batches of large and of small variance."""
    m = wide.values
    share = 1.0 if abs(wide.ratio - 1) <= CLOSE else m / (m - 1)
    added = []
    for one, other, times in (
        (wide.trained, narrow.trained, 1.0),
        (wide.evaluated, narrow.evaluated, share),
    ):
        ratio = (other.slope / one.slope) ** 2
        added.append(float(np.mean(times * (wide.variance - ratio * narrow.variance) / (ratio - 1))))
    trained, evaluated = added
    matters = abs(evaluated - trained) > 10 * CLOSE * float(narrow.variance.mean())
    if matters and not 0.5 <= evaluated / trained <= 2:
        yield f"evaluation: adds {abs(evaluated):.1g} to the variance, training {abs(trained):.1g}"


def _of_rates(kept: dict[str, float]) -> Iterator[str]:
    if kept and max(kept.values()) - min(kept.values()) > 1e-6:
        listed = ", ".join(f"{name.removeprefix('state.')} keeps {share:.4g}" for name, share in kept.items())
        yield f"running statistics move at different rates in a step: {listed} of what it was"


def _said(kept: dict[str, float], ratio: float) -> str:
    variance = "biased variance" if abs(ratio - 1) <= CLOSE else "unbiased variance, as assay's own"
    if not kept:
        return f"running statistics: right, with the {variance}"
    share = next(iter(kept.values()))
    moves = f"a step keeps {share:.4g} and takes {1 - share:.4g} of the batch's"
    return f"running statistics: right, {moves}, {variance}"


def _same(one: Array | None, other: Array) -> bool:
    return one is not None and np.array_equal(one, other)
