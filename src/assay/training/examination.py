"""How each layer of a network fares in training.

Once an epoch, and once before the first step, a run is examined on a few
training examples, with the plain mathematics of `assay.nn` and so alike for
every engine. `assay.training.causes` reads the examinations of a run that
has learnt nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf, isfinite
from typing import Any

import numpy as np

from assay.data import Split
from assay.engines.base import State
from assay.nn import ReLU
from assay.nn.activation import Activation
from assay.nn.layer import Gradients
from assay.nn.loss import softmax_cross_entropy
from assay.nn.network import Network, Node, to_input
from assay.optim import Optimizer
from assay.optim.penalties import add_gradients
from assay.optim.recipe import Recipe
from assay.records.runs import LayerRecord
from assay.shapes import Array
from assay.streams import permutation

PROBE = 24
"""Examples looked at: enough to tell a dead unit from a quiet one, and a small share of any epoch."""

Values = Mapping[str, Array]


@np.errstate(all="ignore")  # non-finite values are what this looks for
def examine(
    network: Network, recipe: Recipe, state: State, train: Split, epoch: int
) -> tuple[LayerRecord, ...]:
    """Return a record of every layer, in order, measured on `PROBE` of the training examples.

    Always on the same ones, in evaluation mode: nothing is left out, and batch
    normalisation uses its running statistics. A residual block is one layer.
    """
    probe = train.take(permutation(0, "probe", len(train))[:PROBE])
    outputs, caches = network.traced(state.weights, to_input(probe.images, network, recipe.parameter_dtype))
    _, dscores = softmax_cross_entropy(outputs[-1], probe.labels)
    _, gradients = network.backward(state.weights, caches, dscores)
    decay = _decay(network, recipe, state)
    updates = _updates(network, recipe, state, gradients, len(train))
    return tuple(
        LayerRecord(
            epoch,
            node.name,
            *_norms(node, state.parameters, gradients, decay),
            *_ratios(node, state.parameters, *updates),
            _dead_share(node, cache, y),
            _finite(float(np.sqrt(y.var(axis=0, dtype=np.float64).mean()))),
        )
        for node, cache, y in zip(network.nodes, caches, outputs, strict=True)
    )


def _decay(network: Network, recipe: Recipe, state: State) -> Gradients:
    """Return what is added to the loss's gradient before the learning rule sees it."""
    rate = 0.0 if recipe.optimizer.decoupled else recipe.optimizer.weight_decay
    pull = {name: rate * theta for name, theta in state.parameters.items()}
    return add_gradients(recipe.penalties, network.parameters, state.parameters, pull)


def _updates(
    network: Network, recipe: Recipe, state: State, gradients: Gradients, examples: int
) -> tuple[Values, Values]:
    """Return by how much the rule would change each parameter now, and by how much for the loss alone."""
    factor = recipe.schedule.in_steps(recipe.steps(examples))(max(state.step, 1))  # the last one used
    seen = add_gradients(recipe.penalties, network.parameters, state.parameters, gradients)
    plain = replace(recipe.optimizer, weight_decay=0.0)
    return _update(recipe.optimizer, state, seen, factor), _update(plain, state, gradients, factor)


def _update(rule: Optimizer, state: State, gradients: Gradients, factor: float) -> Values:
    step = state.step + 1
    return {
        name: rule.update(theta, gradients[name], state.slots[name], step, factor)[0] - theta
        for name, theta in state.parameters.items()
    }


def _norms(
    node: Node, parameters: Values, gradients: Values, decay: Values
) -> tuple[float | None, float | None, float | None]:
    if not node.parameters:
        return None, None, None
    return _norm(node, parameters), _norm(node, gradients), _norm(node, decay)


def _ratios(
    node: Node, parameters: Values, update: Values, loss_update: Values
) -> tuple[float | None, float | None]:
    size = _norm(node, parameters)
    if not size:
        return None, None
    return _finite(_norm(node, update) / size), _finite(_norm(node, loss_update) / size)


def _dead_share(node: Node, cache: Any, y: Array) -> float | None:
    """Return the share of an activation's units, or feature maps, that let no gradient through at all."""
    if not isinstance(node.layer, ReLU | Activation):
        return None
    passed, _ = node.layer.backward({}, cache, np.ones_like(y))
    examples_and_places = (0, *range(2, y.ndim))
    return float((passed == 0).all(axis=examples_and_places).mean())


def _norm(node: Node, values: Values) -> float:
    """Return the Euclidean norm over all parameters of a layer."""
    return _finite(np.sqrt(sum(_square(values[name]) for name in node.parameters)))


def _square(value: Array) -> float:
    return float(np.square(value, dtype=np.float64).sum())


def _finite(value: float) -> float:
    return float(value) if isfinite(value) else inf
