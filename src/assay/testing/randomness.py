"""Layers that draw: held still for the gradient check; then what they give on average and in evaluation."""

from dataclasses import dataclass

import numpy as np

from assay.nn.coursework import FromCoursework
from assay.nn.coursework.carried import BEGUN
from assay.nn.layer import Layer, Parameters
from assay.nn.trial import trial_values
from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.evaluation import of_evaluation
from assay.testing.running_statistics import judge_statistics, mixes
from assay.testing.situations import BATCH
from assay.testing.watched import Watched

SMALL = 1e-3
"""Scales the inputs of a nonlinear layer when its expectation is asked for: near 0 most layers are linear."""

DRAWS = 300
"""How many times a random layer is asked for its expectation."""


@dataclass(frozen=True)
class Modes:
    """What training and evaluation have to do with each other."""

    random: bool = False
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def modes(layer: Layer, shape: Shape, name: str = "") -> Modes:
    """Compare evaluation with training, on average where training is random.

    ``name`` is that of the user's class: a dropout that draws nothing is wrong.
    """
    params, x = trial_values(layer, shape), stream(0, "modes").uniform(0.5, 1.5, (BATCH, *shape))
    training, evaluation = (Watched(layer, training=mode) for mode in (True, False))
    told = not isinstance(layer, FromCoursework) or layer.told_its_mode
    with np.errstate(all="ignore"), training.still(), evaluation.still():
        random = not _same(training, params, x)
        if not told:
            return _untold(training, params, shape, random)
        if mixes(evaluation, training.trained(params, x), shape):
            return Modes(random, ("evaluation: an example's output depends on the others of its batch",))
        if random:
            keeps = layer.buffers(shape).keys() - {BEGUN}
            return Modes(random, *_of_random(training, evaluation, params, x, average=not keeps))
        if mixes(training, params, shape):
            return Modes(random, *judge_statistics(layer, shape, params))
        if not _same(evaluation, params, x):
            return Modes(random, ("evaluation: draws at random, and training does not: exchanged?",))
        plain = not layer.buffers(shape)
        return Modes(random, *(of_evaluation(name, training, evaluation, params, shape) if plain else ()))


def _of_random(
    training: Watched, evaluation: Watched, params: Parameters, x: Array, *, average: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong with the evaluation of a layer that draws, and what is to be known."""
    if not _same(evaluation, params, x):
        return ("evaluation: two outputs for one input differ",), ()
    return _on_average(training, evaluation, params, x) if average else ((), ())


def _untold(training: Watched, params: Parameters, shape: Shape, random: bool) -> Modes:
    words = "is not told whether it trains"
    if random:
        return Modes(random, (), (f"random, and {words}",))
    if not mixes(training, params, shape):
        return Modes(random)
    return Modes(random, (), (f"an example's output depends on the others of its batch, and it {words}",))


def _on_average(
    training: Watched, evaluation: Watched, params: Parameters, x: Array
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong with evaluation as the expectation of training, and what is to be known.

    Behind a nonlinear function the mean of what is drawn differs; near 0, where most functions are nearly
    linear, it does not.
    """
    words = _unlike_on_average(training, evaluation, params, x)
    if not words or _is_linear(training, params, x):
        return (words,) if words else (), ()
    if not _is_linear(training, params, SMALL * x):
        return (), (f"{words}: by design? what is drawn goes through a curve",)
    small = _unlike_on_average(training, evaluation, params, SMALL * x, room=0.01)
    return ((f"{small} (for inputs of {SMALL})",), ()) if small else ((), ())


def _unlike_on_average(
    training: Watched, evaluation: Watched, params: Parameters, x: Array, room: float = 0.0
) -> str:
    """Say by how much evaluation, above its output for zeros where there is ``room``, is not the mean."""

    def above(mode: Watched) -> Array:
        y = mode.forward(params, x)
        return y - mode.forward(params, np.zeros_like(x)) if room else y

    expected = above(evaluation)
    sums = []
    for number in range(DRAWS):
        training.draws = number
        sums.append(float((above(training) * np.sign(expected)).sum()))
    training.draws = 0
    mean, error = float(np.mean(sums)), float(np.std(sums)) / DRAWS**0.5
    total = float(np.abs(expected).sum())
    if abs(mean - total) <= 6 * error + (room or 1e-9) * total:
        return ""
    share = (
        f"{mean / total:.3g} times what evaluation gives" if total else f"{mean:.3g} where evaluation gives 0"
    )
    return f"evaluation: on average training gives {share}"


def _is_linear(training: Watched, params: Parameters, x: Array) -> bool:
    """Whether the output is nearly linear in the input while what is drawn is held still."""
    nothing, once, twice = (training.forward(params, times * x) for times in (0.0, 1.0, 2.0))
    room = 1e-3 * float(np.abs(twice - nothing).max(initial=1e-300))
    return bool((np.abs(twice - 2 * once + nothing) <= room).all())


def _same(watched: Watched, params: Parameters, x: Array) -> bool:
    outputs: list[Array] = []
    for number in range(2):
        watched.draws = number
        outputs.append(watched.forward(params, x))
    watched.draws = 0
    return bool(np.array_equal(outputs[0], outputs[1], equal_nan=True))
