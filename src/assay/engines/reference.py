"""The reference engine: runs `assay.nn` as it stands, one run per session.

Slow and plain. It supports every layer and rule, including a user's own, and the other
engines are tested against it.
"""

from collections.abc import Sequence
from math import isfinite, prod

import numpy as np

from assay.engines.base import (
    REPORT_EVERY,
    Engine,
    Images,
    Labels,
    OnSteps,
    Recipe,
    Session,
    State,
    epoch_order,
    masks,
)
from assay.engines.subnormals import flushed
from assay.nn.loss import softmax_cross_entropy
from assay.nn.network import Draw, Network, to_input
from assay.optim.augment import augment
from assay.optim.penalties import add_gradients
from assay.optim.recipe import OPTIONS
from assay.shapes import Array


class ReferenceSession(Session):
    """One run in training, in plain NumPy."""

    def __init__(self, network: Network, recipe: Recipe, seeds: Sequence[int], state: State) -> None:
        super().__init__(network, recipe, seeds)
        self._state = state.copy()
        self._broken = 0

    def train_epoch(self, images: Images, labels: Labels, epoch: int, on_steps: OnSteps) -> None:
        """Make one pass over the training set, including the short last batch."""
        (seed,), recipe = self.seeds, self.recipe
        order, size = epoch_order(seed, len(labels), epoch), recipe.batch_size
        schedule = recipe.schedule.in_steps(recipe.steps(len(labels)))
        for count, start in enumerate(range(0, len(order), size), start=1):
            batch = order[start : start + size]
            seen = augment(images[batch], batch, seed, epoch, recipe.augment)
            x = to_input(seen, self.network, recipe.dtype)
            self._step(x, labels[batch], masks(seed, epoch, count), schedule(self._state.step + 1))
            if count % REPORT_EVERY == 0:
                on_steps(count)

    @flushed()
    def _step(self, x: Array, labels: Labels, draw: Draw, factor: float) -> None:
        state, weights = self._state, self._state.weights
        state.step += 1
        scores, caches = self.network.forward_training(weights, x, draw)
        loss, dscores = softmax_cross_entropy(scores, labels)
        if not isfinite(loss):
            self._broken = self._broken or state.step
        _, gradients = self.network.backward(weights, caches, dscores)
        gradients = add_gradients(self.recipe.penalties, self.network.parameters, weights, gradients)
        state.buffers.update(self.network.updated_buffers(weights, caches))
        update = self.recipe.optimizer.update
        for name, grad in gradients.items():
            state.parameters[name], state.slots[name] = update(
                state.parameters[name], grad, state.slots[name], state.step, factor
            )

    @flushed()
    def scores(self, images: Images) -> list[Array]:
        """Return the class scores of a batch."""
        x = to_input(images, self.network, self.recipe.dtype)
        return [self.network.forward(self._state.weights, x)[0]]

    def states(self) -> list[State]:
        """Return a copy of the run's state."""
        return [self._state.copy()]

    def broken(self) -> list[int]:
        """Return the first step whose loss was not finite."""
        return [self._broken]

    def memory(self) -> int:
        """Compute the bytes of parameters, gradients, rule memory, and activations kept for backward."""
        parameters = self.network.parameter_count
        slots = sum(value.size for memory in self._state.slots.values() for value in memory.values())
        activations = self.recipe.batch_size * sum(prod(node.input_shape) for node in self.network.nodes)
        return (2 * parameters + slots + activations) * np.dtype(self.recipe.dtype).itemsize


class ReferenceEngine(Engine):
    """Executes the layers of a network one after the other, in NumPy."""

    name = "reference"
    options = frozenset(OPTIONS)

    def lacks(self, network: Network, recipe: Recipe) -> list[str]:
        """Nothing: any `Layer` and any `Optimizer` runs."""
        del network, recipe
        return []

    def session(
        self, network: Network, recipe: Recipe, seeds: Sequence[int], states: Sequence[State]
    ) -> ReferenceSession:
        """Open a session for one run."""
        return ReferenceSession(network, recipe, seeds, states[0])
