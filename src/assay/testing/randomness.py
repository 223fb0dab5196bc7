"""Layers that draw: held still for the gradient check; then what they give on average and in evaluation."""

from dataclasses import dataclass

import numpy as np

from assay.nn.coursework import FromCoursework
from assay.nn.coursework.carried import BEGUN
from assay.nn.layer import Layer, Parameters
from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.gradients import TOLERANCE, compare
from assay.testing.probing import draw
from assay.testing.running_statistics import judge_statistics, mixes
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
    told = not isinstance(layer, FromCoursework) or layer.told_its_mode
    with np.errstate(all="ignore"):
        random = not _same(training, params, x)
        if not told:
            return _untold(training, params, shape, random)
        if random and not _same(evaluation, params, x):
            return Modes(random, ("evaluation: two outputs for one input differ",))
        if mixes(evaluation, training.trained(params, x), shape):
            return Modes(random, ("evaluation: an example's output depends on the others of its batch",))
        if random:
            keeps = layer.buffers(shape).keys() - {BEGUN}
            return Modes(random, () if keeps else _on_average(training, evaluation, params, x))
        if mixes(training, params, shape):
            return Modes(random, *judge_statistics(layer, shape, params))
        return Modes(random, () if layer.buffers(shape) else _alike(training, evaluation, params, x))


def _untold(training: Watched, params: Parameters, shape: Shape, random: bool) -> Modes:
    words = "is not told whether it trains"
    if random:
        return Modes(random, (), (f"random, and {words}",))
    if not mixes(training, params, shape):
        return Modes(random)
    return Modes(random, (), (f"an example's output depends on the others of its batch, and it {words}",))


def _alike(training: Watched, evaluation: Watched, params: Parameters, x: Array) -> tuple[str, ...]:
    """Compare the modes of a layer that neither draws nor keeps anything."""
    trained, evaluated = training.forward(params, x), evaluation.forward(params, x)
    mismatch = compare("y", evaluated, trained, 1e-3 if trained.dtype == np.float32 else TOLERANCE)
    if mismatch is None:
        return ()
    place = ", ".join(map(str, mismatch.index))
    return (
        f"evaluation: y[{place}] is {mismatch.found:.6g}, in training {mismatch.expected:.6g}, though "
        "nothing is drawn and nothing kept from batch to batch",
    )


def _on_average(training: Watched, evaluation: Watched, params: Parameters, x: Array) -> tuple[str, ...]:
    expected = evaluation.forward(params, x)
    sums = []
    for number in range(DRAWS):
        training.draws = number
        sums.append(float((training.forward(params, x) * np.sign(expected)).sum()))
    mean, error = float(np.mean(sums)), float(np.std(sums)) / DRAWS**0.5
    total = float(np.abs(expected).sum())
    if abs(mean - total) <= 6 * error + 1e-9 * total:
        return ()
    share = (
        f"{mean / total:.3g} times what evaluation gives" if total else f"{mean:.3g} where evaluation gives 0"
    )
    return (f"evaluation: on average training gives {share}",)


def _same(watched: Watched, params: Parameters, x: Array) -> bool:
    outputs: list[Array] = []
    for number in range(2):
        watched.draws = number
        outputs.append(watched.forward(params, x))
    watched.draws = 0
    return bool(np.array_equal(outputs[0], outputs[1], equal_nan=True))
