"""The numba engine: small networks on the CPU, one run per thread."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay import shapes
from assay.engines.base import Engine, Images, Labels, OnSteps, Recipe, Session, State, epoch_order
from assay.engines.numba.build import KNOWN, build, collect
from assay.engines.numba.kernels.program import Data, runner
from assay.engines.numba.kernels.shuffles import PIXELS
from assay.engines.numba.normalisation import expect_statistics
from assay.engines.numba.plan import evaluating, program
from assay.engines.numba.rules import RULES
from assay.errors import ShapeError
from assay.network import Network
from assay.penalties import L1, L2
from assay.shapes import Array

STEPS_PER_CALL = 50
"""Steps between two reports; Python's lock is free meanwhile."""


class NumbaSession(Session):
    """One run in training: an array, and programs that the kernels work off."""

    def __init__(self, network: Network, recipe: Recipe, seed: int, state: State) -> None:
        super().__init__(network, recipe, [seed])
        rule = RULES[type(recipe.optimizer)](recipe.optimizer)
        plan, scores = build(network, rule, recipe)
        self._plan, self._tables = plan, plan.tables
        self._training = program([*plan.forward, *plan.backward])
        self._scoring = program([*evaluating(plan.forward), collect(scores)])
        self._rates = np.array(rule.rates)
        self._slots = dict(zip(rule.slots, plan.slots, strict=True))
        self._memory = plan.memory.array()
        self._step = state.step
        self._load(state)

    def train_epoch(self, images: Images, labels: Labels, epoch: int, on_steps: OnSteps) -> None:
        """Take one pass over the training set, the short last batch included."""
        order, size = epoch_order(self.seeds[0], len(labels), epoch), self.recipe.batch_size
        expect_statistics(self.network, len(order) % size or size)
        flat, none = self._rows(images), np.empty((len(order), 0), self.recipe.dtype)
        labels = self._classes(labels)
        schedule = self.recipe.schedule.in_steps(self.recipe.steps(len(labels)))
        for start in range(0, len(order), STEPS_PER_CALL * size):
            part = slice(start, start + STEPS_PER_CALL * size)
            taken = self.recipe.steps(len(order[part]))
            factors = np.array([schedule(self._step + t) for t in range(1, taken + 1)])
            data = Data(flat, labels, order[part], self._rates, factors, none[part])
            runner()(self._training, self._tables, self._memory, data, size, self._step)
            self._step += taken
            on_steps(start // size + taken)

    def scores(self, images: Images) -> list[Array]:
        """Return the class scores of a batch of any size."""
        flat = self._rows(images)
        scores = np.empty((len(images), *self.network.output_shape), self.recipe.dtype)
        everything = np.arange(len(images))
        factors = np.ones(self.recipe.steps(len(images)))
        data = Data(flat, np.empty(0, np.int64), everything, self._rates, factors, scores)
        runner()(self._scoring, self._tables, self._memory, data, self.recipe.batch_size, 0)
        return [scores]

    def states(self) -> list[State]:
        """Return a copy of the run's state."""
        parameters = {name: value.copy() for name, value in self._views(self._plan.theta).items()}
        regions = {key: self._views(region) for key, region in self._slots.items()}
        slots = {name: {key: views[name].copy() for key, views in regions.items()} for name in parameters}
        buffers = {name: value.copy() for name, value in self._buffers().items()}
        return [State(parameters, slots, self._step, buffers)]

    def memory(self) -> int:
        """Return the bytes of the run's array and tables."""
        return self._memory.nbytes + self._tables.nbytes

    def _views(self, start: int) -> dict[str, Array]:
        """Return every parameter's part of a region."""
        region = self._memory[start : start + self._plan.region]
        return {name: placed.view(region) for name, placed in self._plan.parameters.items()}

    def _buffers(self) -> dict[str, Array]:
        """Return where every buffer lies."""
        places = self._plan.kept.items()
        return {name: self._memory[at : at + prod(shape)].reshape(shape) for name, (at, shape) in places}

    def _load(self, state: State) -> None:
        for name, buffer in self._buffers().items():
            buffer[...] = state.buffers[name]
        for name, view in self._views(self._plan.theta).items():
            view[...] = state.parameters[name]
        for key, region in self._slots.items():
            for name, view in self._views(region).items():
                view[...] = state.slots[name][key]

    def _rows(self, images: Images) -> Images:
        """Return one row of pixels an image, at least as many as are gathered at once."""
        if images.size != len(images) * prod(self.network.input_shape):
            found, expected = (shapes.text(shape) for shape in (images.shape[1:], self.network.input_shape))
            raise ShapeError(f"images are {found}, the network takes {expected}")
        rows = _plain(images, np.uint8).reshape(len(images), -1)
        missing = PIXELS - rows.shape[1]
        return np.pad(rows, ((0, 0), (0, missing))) if missing > 0 else rows

    def _classes(self, labels: Labels) -> Labels:
        """Return the labels, which index memory, and so must be classes."""
        classes = self.network.output_shape[0]
        if labels.min() < 0 or labels.max() >= classes:
            raise ShapeError(
                f"labels reach from {labels.min()} to {labels.max()}, the network has {classes} classes"
            )
        return _plain(labels, np.int64)


def _plain(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    """Return an array that Numba sees as the one type for which it has compiled."""
    return np.require(array, dtype, ["C", "A", "W"])


class NumbaEngine(Engine):
    """Compiles no network: it interprets a program of compiled kernels, many steps a call."""

    name = "numba"
    options = frozenset({"schedule", "penalties"})

    def lacks(self, network: Network, recipe: Recipe) -> list[str]:
        """Name the layers, the rule and the penalties that have no kernels."""
        wanted = (
            [type(node.layer) for node in network.nodes],
            [type(recipe.optimizer)],
            map(type, recipe.penalties),
        )
        known = KNOWN, RULES, (L1, L2)
        lacking = (
            kind.__name__
            for kinds, have in zip(wanted, known, strict=True)
            for kind in kinds
            if kind not in have
        )
        return list(dict.fromkeys(lacking))

    def session(
        self, network: Network, recipe: Recipe, seeds: Sequence[int], states: Sequence[State]
    ) -> Session:
        """Open a session of the one run."""
        (seed,), (state,) = seeds, states
        return NumbaSession(network, recipe, seed, state)
