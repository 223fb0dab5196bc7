"""Layers that draw: held still for the gradient check; then what they give on average and in evaluation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.nn.coursework import FromCoursework
from assay.nn.layer import Layer
from assay.shapes import Shape
from assay.streams import stream
from assay.testing.probing import draw
from assay.testing.situations import BATCH
from assay.testing.watched import Watched

DRAWS = 300
"""How many times a random layer is asked for its expectation."""


@dataclass(frozen=True)
class Modes:
    """What training and evaluation have to do with each other."""

    random: bool = False
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def modes(layer: Layer, shape: Shape) -> Modes:
    """Compare evaluation with training, on average where training is random."""
    params, x = draw(layer, shape), stream(0, "modes").uniform(0.5, 1.5, (BATCH, *shape))
    training, evaluation = (Watched(layer, training=mode) for mode in (True, False))
    with np.errstate(all="ignore"):
        if _same(training, params, x):
            return Modes()
        if isinstance(layer, FromCoursework) and not layer.told_its_mode:
            return Modes(True, (), ("random, and is not told whether it trains",))
        if not _same(evaluation, params, x):
            return Modes(True, ("evaluation: two outputs for one input differ",))
        if layer.buffers(shape).keys() - {"begun"}:
            return Modes(True)
        expected = evaluation.forward(params, x)
        sums = []
        for number in range(DRAWS):
            training.draws = number
            sums.append(float((training.forward(params, x) * np.sign(expected)).sum()))
    mean, error = float(np.mean(sums)), float(np.std(sums)) / DRAWS**0.5
    total = float(np.abs(expected).sum())
    if abs(mean - total) <= 6 * error + 1e-9 * total:
        return Modes(True)
    share = (
        f"{mean / total:.3g} times what evaluation gives" if total else f"{mean:.3g} where evaluation gives 0"
    )
    return Modes(True, (f"evaluation: on average training gives {share}",))


def _same(watched: Watched, params: Any, x: Any) -> bool:
    outputs: list[Any] = []
    for number in range(2):
        watched.draws = number
        outputs.append(watched.forward(params, x))
    watched.draws = 0
    return bool(np.array_equal(outputs[0], outputs[1], equal_nan=True))
