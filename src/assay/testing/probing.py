"""A layer in every situation: each gradient against differences, and all that comes back finite."""

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from assay.errors import UsageError
from assay.nn.layer import Layer, Parameters
from assay.nn.trial import trial_values
from assay.shapes import Array, Shape
from assay.testing.argument import Argument
from assay.testing.gradients import Mismatch
from assay.testing.situations import BATCH, RANDOM, Situation, situations, upstream
from assay.testing.watched import ForwardBackward, Watched
from assay.training.judging import PRECISIONS, Precision


@dataclass
class Probe:
    """What was found of a layer for one input shape."""

    shape: Shape
    mismatches: list[Mismatch] = field(default_factory=list)
    """The first wrong entry of each argument, in the first situation in which it is wrong."""
    writes: dict[str, None] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    entries: int = 0
    locate: bool = True
    single: bool = False
    """Whether the layer computes in float32."""
    tolerance: float = 0.0
    """What is allowed where it is more than what the precision allows."""


def probe(
    layer: Layer,
    shape: Shape,
    modes: tuple[bool, ...],
    *,
    quick: bool = False,
    locate: bool = True,
    tolerance: float = 0.0,
) -> Probe:
    """Try a layer in each mode (whether it trains).

    ``quick`` stops after the plain random input; without ``locate`` wrong entries are not looked for.
    ``tolerance`` is what gradients may be off, where that is more than their precision explains.
    """
    found = Probe(shape, entries=_entries(layer, shape), locate=locate, tolerance=tolerance)
    params = trial_values(layer, shape)
    for training in modes:
        watched = Watched(layer, training=training)
        plain: ForwardBackward | None = None
        with watched.still():
            for situation in situations(shape):
                if found.mismatches and situation.name != RANDOM and not situation.together:
                    break
                result = _try(watched, situation, params, plain, found)
                plain = plain or result
                if quick:
                    break
        found.writes.update(watched.writes)
    return found


def _entries(layer: Layer, shape: Shape) -> int:
    return prod(shape) * BATCH + sum(prod(spec.shape) for spec in layer.parameters(shape).values())


def _try(
    watched: Watched, situation: Situation, params: Parameters, plain: ForwardBackward | None, found: Probe
) -> ForwardBackward | None:
    """Add what is found in one situation; None where the layer cannot be judged in it."""
    with np.errstate(all="ignore"):
        try:
            y = watched.forward(params, situation.x)
            single = y.dtype == np.float32 or (plain is None and _is_grainy(y)) or found.single
            precision = _precision(y, found.tolerance, single)
            dy = upstream(situation, y)
            result = watched.run(params, situation.x, dy)
        except Exception as error:
            if plain is None or isinstance(error, NotImplementedError):
                raise
            found.remarks[f"{situation.name}: {type(error).__name__}: {error}"] = None
            return None
        if plain is None and single:
            found.single = True
            found.remarks["computes in float32 whatever it is given: checked to 0.5% only"] = None
        if single and plain is not None and situation.name != "one example":
            return result
        if not _finite(situation, result, found, first=plain is None):
            return result
        found.tried.append(situation.name)
        known = {mismatch.argument for mismatch in found.mismatches}
        values = {**params, "x": situation.x}
        arguments = [
            Argument(watched, values, name, gradient, dy, precision)
            for name, gradient in result.gradients.items()
            if name not in known
        ]
        found.mismatches += _compared(arguments, situation, found.locate)
    return result


def _is_grainy(y: Array) -> bool:
    """Whether all numbers are those of float32, and not all of a type with fewer."""
    with np.errstate(over="ignore"):
        return bool((y == y.astype(np.float32)).all() and (y != y.astype(np.float16)).mean() > 0.5)


def _precision(y: Array, tolerance: float, single: bool) -> Precision:
    if y.dtype not in PRECISIONS:
        raise UsageError(f"forward gives {y.dtype} for float64; the check needs float64 or float32")
    precision = PRECISIONS[np.dtype(np.float32) if single else y.dtype]
    return replace(precision, tolerance=max(precision.tolerance, tolerance))


def _finite(situation: Situation, result: ForwardBackward, found: Probe, *, first: bool) -> bool:
    """Whether all that came back is finite; what is not is remarked on, unless the input was plain."""
    if not np.isfinite(result.y).all():
        found.remarks[f"{_overflows(situation)}forward gives {_strange(result.y)} for {situation.name}"] = (
            None
        )
        return False
    for name, value in result.gradients.items():
        if not np.isfinite(value).all() and not first:
            found.remarks[
                f"{_overflows(situation)}dL/d{name} holds {_strange(value)} for {situation.name}"
            ] = None
            return False
    return True


def _overflows(situation: Situation) -> str:
    return "overflows: " if situation.name.startswith("inputs of 1e") else ""


def _strange(values: Array) -> str:
    return "nan" if np.isnan(values).any() else "inf"


def _compared(arguments: list[Argument], situation: Situation, locate: bool) -> list[Mismatch]:
    wrong = []
    for argument in arguments:
        if situation.upstream == "zero":
            mismatch = argument.against(np.zeros_like(argument.gradient))
        else:
            mismatch = argument.checked(situation.together, locate)
        if mismatch:
            wrong.append(replace(mismatch, situation=situation.name))
    return wrong
