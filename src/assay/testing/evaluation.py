"""Evaluation beside training, for a layer that neither draws nor keeps anything.

A layer may differ in evaluation on purpose: a temperature, weights that are scaled. That is remarked on, not
called wrong; what no such purpose explains is.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assay.nn.layer import Parameters
from assay.shapes import Array, Shape, text
from assay.streams import stream
from assay.testing.gradients import TOLERANCE, Mismatch, compare
from assay.testing.situations import BATCH
from assay.testing.watched import Watched

KEPT = "though nothing is drawn and nothing kept from batch to batch"


def of_evaluation(
    name: str, training: Watched, evaluation: Watched, params: Parameters, shape: Shape
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong in evaluation, and what is to be known of it."""
    inputs = _inputs(shape)
    for x in inputs:
        trained, evaluated = training.forward(params, x), evaluation.forward(params, x)
        if trained.shape != evaluated.shape:
            shapes = [text(each.shape[1:]) for each in (evaluated, trained)]
            return (f"evaluation: gives {shapes[0]} for each example, training {shapes[1]}",), ()
        if mismatch := _differ(evaluated, trained):
            faults = tuple(_faults(name, training, evaluation, params, inputs))
            return faults, () if faults else (_said(mismatch, evaluated, trained),)
    return (), ()


def _inputs(shape: Shape) -> list[Array]:
    """Return inputs of both signs: what none of them moves is not moved by any."""
    x, other = (stream(0, "modes", name).normal(size=(BATCH, *shape)) for name in ("x", "other"))
    return [stream(0, "modes").uniform(0.5, 1.5, x.shape), x, -x, 3 * other, -3 * other]


def _differ(evaluated: Array, trained: Array) -> Mismatch | None:
    alike = np.array_equal(np.isfinite(evaluated), np.isfinite(trained))
    tolerance = 1e-3 if trained.dtype == np.float32 else TOLERANCE
    if alike:
        evaluated, trained = np.nan_to_num(evaluated), np.nan_to_num(trained)
    return compare("y", evaluated, trained, tolerance)


def _faults(
    name: str, training: Watched, evaluation: Watched, params: Parameters, inputs: list[Array]
) -> Iterator[str]:
    trained, evaluated = ([mode.forward(params, x) for x in inputs] for mode in (training, evaluation))
    if any((np.isfinite(a) & ~np.isfinite(b)).any() for a, b in zip(trained, evaluated, strict=True)):
        yield "evaluation: gives numbers that are not finite where training's are"
        return
    moved, shown = _moved(trained), _moved(evaluated)
    if moved.any() and not shown.any():
        yield "evaluation: the output does not depend on the input, in training it does"
    elif moved.any() and (shown & ~moved).any():
        yield (
            f"evaluation: {(shown & ~moved).sum()} of {moved.size} outputs depend on the input that in "
            "training never do: a mask that is drawn once for all?"
        )
    for key in params:
        other = {**params, key: 1.5 * params[key] + 0.25}
        by_mode = [_moved([mode.forward(p, x) for p in (params, other)]).any()
                   for mode in (training, evaluation) for x in inputs[:1]]  # fmt: skip
        if by_mode == [True, False]:
            yield f"evaluation: {key} has no effect, in training it has"
    if "dropout" in name.lower():
        yield "evaluation differs from training, but training draws nothing: its name says that it drops"


def _moved(outputs: list[Array]) -> NDArray[np.bool]:
    """Return which entries are not the same in all outputs."""
    first, *others = outputs
    found: NDArray[np.bool] = np.any([each != first for each in others], axis=0)
    return found


def _said(mismatch: Mismatch, evaluated: Array, trained: Array) -> str:
    factor = float((evaluated * trained).sum() / max(float((trained**2).sum()), 1e-300))
    if _differ(evaluated, factor * trained) is None:
        return f"evaluation gives {factor:.4g} times what training gives, {KEPT}: by design?"
    place = ", ".join(map(str, mismatch.index))
    return (
        f"evaluation differs from training, {KEPT}: by design? (y[{place}] is {mismatch.found:.6g}, "
        f"in training {mismatch.expected:.6g})"
    )
