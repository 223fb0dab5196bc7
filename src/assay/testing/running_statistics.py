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
FEW, MANY = 3, 60
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
    return not np.allclose(one, changed, rtol=1e-3, atol=1e-4 * float(np.abs(one).max(initial=0)))


def judge_statistics(layer: Layer, shape: Shape, params: Parameters) -> Judged:
    """Judge the evaluation of a layer that mixes the examples of a batch in training."""
    training, evaluation = (Watched(layer, training=mode) for mode in (True, False))
    first, then = _batch("first", shape), _batch("then", shape)
    norm = _like(training.forward(params, then), then)
    if norm is None:
        return Judged()
    moved = _repeated(training, params, [first, *[then] * FEW])
    kept = dict(_kept(moved))
    if all(_same(moved[0].get(name), moved[-1].get(name)) for name in moved[-1] if name != BEGUN):
        return Judged(("evaluation: the running statistics are never updated in training",))
    settled = _settled(training, params, moved, kept, then)
    faults = [
        *_of_evaluation(norm, then, training.forward(settled, then), evaluation.forward(settled, then)),
        *_of_rates(kept),
    ]
    ratio = _ratio(norm, then, training.forward(settled, then), evaluation.forward(settled, then))
    return Judged(tuple(faults), () if faults else (_said(kept, ratio),))


def _batch(name: str, shape: Shape) -> Array:
    return stream(0, "statistics", name).normal(30.0, 20.0, (EXAMPLES, *shape))


def _like(y: Array, x: Array) -> BatchNorm | None:
    """Return which of assay's own normalises the same units: y is a line in x within each."""
    if y.shape != x.shape:
        return None
    kinds = (BatchNorm2d(), BatchNormPerActivation()) if x.ndim == 4 else (BatchNorm1d(),) * (x.ndim == 2)
    return next((norm for norm in kinds if _lines(norm, x, y)[2]), None)


def _lines(norm: BatchNorm, x: Array, y: Array) -> tuple[Array, Array, bool]:
    """Return the slope of each unit's y over its x, its mean, and whether it is a line."""
    rows, values = norm.to_rows(x), norm.to_rows(y)
    away, mean = rows - rows.mean(axis=0), values.mean(axis=0)
    slope = (away * values).sum(axis=0) / (away**2).sum(axis=0)
    left = values - mean - slope * away
    return slope, mean, bool(np.abs(left).max() <= CLOSE * np.abs(values - mean).max() + 1e-12)


def _repeated(training: Watched, params: Parameters, batches: list[Array]) -> list[dict[str, Array]]:
    """Return parameters and buffers after each of several batches."""
    found = [dict(params)]
    for x in batches:
        found.append(training.trained(found[-1], x))
    return found


def _kept(moved: list[dict[str, Array]]) -> Iterator[tuple[str, float]]:
    """Yield the share that a step keeps of each buffer, where one batch moves it by powers of that."""
    before, now, last = (dict(each) for each in moved[-3:])
    for name, value in last.items():
        if name == BEGUN or value.shape != now[name].shape or not value.ndim:
            continue
        one, two = now[name] - before[name], value - now[name]
        size = float((one**2).sum())
        share = float((one * two).sum()) / size if size else 1.0
        if size and 0 <= share < 1 and np.abs(two - share * one).max() <= 1e-6 * np.abs(one).max():
            yield name, share


def _settled(
    training: Watched,
    params: Parameters,
    moved: list[dict[str, Array]],
    kept: dict[str, float],
    x: Array,
) -> dict[str, Array]:
    """Return the buffers where a batch has been repeated without end."""
    if not kept:
        return _repeated(training, params, [x] * MANY)[-1]
    before, last = moved[-2:]
    return {
        name: value + (value - before[name]) * kept[name] / (1 - kept[name]) if name in kept else value
        for name, value in last.items()
    }


def _of_evaluation(norm: BatchNorm, x: Array, trained: Array, evaluated: Array) -> Iterator[str]:
    slope, mean, _ = _lines(norm, x, trained)
    its_slope, its_mean, is_line = _lines(norm, x, evaluated)
    spread = np.abs(slope) * norm.to_rows(x).std(axis=0)
    if not is_line:
        yield "evaluation: normalises other units than training"
        return
    if not (np.abs(its_mean - mean) <= 3 * CLOSE * spread).all():
        yield "evaluation: after long training on one batch its running mean is not the batch's mean"
    ratio = _ratio(norm, x, trained, evaluated)
    m = len(norm.to_rows(x))
    if not (min(abs(ratio - 1), abs(ratio - m / (m - 1))) <= CLOSE and np.ptp(slope / its_slope) <= CLOSE):
        yield (
            f"evaluation: after long training on one batch its running variance is {ratio:.4g} times the "
            f"batch's (1 is right, or {m / (m - 1):.4g}, the unbiased one of {m} values)"
        )


def _ratio(norm: BatchNorm, x: Array, trained: Array, evaluated: Array) -> float:
    """Return the variance that evaluation divides by over training's."""
    slope, its_slope = _lines(norm, x, trained)[0], _lines(norm, x, evaluated)[0]
    return float(np.mean(slope / its_slope) ** 2)


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
