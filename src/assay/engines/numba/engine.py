"""The numba engine: small networks on the CPU, one run per thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from threading import Lock

import numpy as np

from assay.engines.base import Engine, Images, Labels, OnCompiled, OnSteps, Recipe, Session, State
from assay.engines.numba.blueprint import Blueprint
from assay.engines.numba.build import build, collect, supports
from assay.engines.numba.calls import evaluating, program
from assay.engines.numba.cost_model import multiplications
from assay.engines.numba.examples import Examples
from assay.engines.numba.kernels.invocation import Data
from assay.engines.numba.kernels.pairs import SUPPORTED
from assay.engines.numba.kernels.runner import Program, compile_all, compiled, runner, uncompiled
from assay.engines.numba.layout import Offsets
from assay.engines.numba.normalisation import expect_statistics
from assay.engines.numba.peak import seconds_per_multiplication
from assay.engines.numba.rules import RULES, Rule
from assay.engines.registers import REGISTERS
from assay.engines.subnormals import flushed
from assay.nn.network import Network
from assay.optim.penalties import L1, L2
from assay.optim.recipe import OPTIONS
from assay.shapes import Array

KEPT = 8
"""How many arms' programs are kept: those being trained, with room to spare."""


@dataclass(frozen=True)
class Programs:
    """What an arm's runs have in common: where everything lies, and what a step and a forward pass do."""

    rule: Rule
    plan: Blueprint
    calls: tuple[Offsets, Offsets]
    tables: Offsets

    def prepare(self, on_compiled: OnCompiled) -> None:
        """Compile what is called."""
        compile_all(self._kernels(), self.plan.memory.dtype, on_compiled)

    def uncompiled(self) -> frozenset[str]:
        """Name the kernels that `prepare` compiles anew."""
        return uncompiled(self._kernels(), self.plan.memory.dtype)

    def _kernels(self) -> list[int]:
        """Return the numbers of the kernels that are called."""
        return [int(number) for number in np.unique(np.concatenate([calls[:, 0] for calls in self.calls]))]

    @cached_property
    def training(self) -> Program:
        """A training step."""
        return compiled(self.calls[0], self.plan.memory.dtype)

    @cached_property
    def scoring(self) -> Program:
        """A forward pass in evaluation mode."""
        return compiled(self.calls[1], self.plan.memory.dtype)


_PLANNING = Lock()
"""Held while programs are planned, so that workers which begin at once do not each plan the same."""


@lru_cache(KEPT)
def programs(network: Network, recipe: Recipe) -> Programs:
    """Return an arm's programs, planned once for all its runs."""
    rule = RULES[type(recipe.optimizer)](recipe.optimizer)
    plan, scores = build(network, rule, recipe)
    training = program([*plan.draws, *plan.forward, *plan.backward])
    scoring = program([*evaluating(plan.forward), collect(scores)])
    return Programs(rule, plan, (training, scoring), plan.tables)


class NumbaSession(Session):
    """One run in training: an array, and programs that the kernels execute."""

    def __init__(self, network: Network, recipe: Recipe, seed: int, state: State) -> None:
        super().__init__(network, recipe, [seed])
        shared = programs(network, recipe)
        self._training, self._scoring, self._tables = shared.training, shared.scoring, shared.tables
        plan, rule, self._run = shared.plan, shared.rule, runner()
        self._plan = plan
        self._examples = Examples(network, recipe, rule, seed)
        self._slots = dict(zip(rule.slots, plan.slots, strict=True))
        self._memory = plan.memory.array()
        self._step = state.step
        self._load(state)
        self.scores(np.zeros((1, prod(network.input_shape)), np.uint8))  # compiles, before any clock runs

    def train_epoch(self, images: Images, labels: Labels, epoch: int, on_steps: OnSteps) -> None:
        """Make one pass over the training set, including the short last batch."""
        size, before = self.recipe.batch_size, self._step
        expect_statistics(self.network, len(labels) % size or size)
        for data in self._examples.training(images, labels, epoch, before):
            self._execute(self._training, data, size, self._step)
            self._step += len(data.factors)
            on_steps(self._step - before)

    def scores(self, images: Images) -> list[Array]:
        """Return the class scores of a batch of any size."""
        scores = np.empty((len(images), *self.network.output_shape), self.recipe.parameter_dtype)
        data = self._examples.scoring(images, scores)
        self._execute(self._scoring, data, self.recipe.batch_size, 0)
        return [scores]

    def _execute(self, program: Program, data: Data, size: int, step: int) -> None:
        """Run a program on each batch of ``size``."""
        with flushed():
            self._run(*program, self._tables, self._memory, data, size, step)

    def states(self) -> list[State]:
        """Return a copy of the run's state."""
        parameters = {name: value.copy() for name, value in self._views(self._plan.theta).items()}
        regions = {key: self._views(region) for key, region in self._slots.items()}
        slots = {name: {key: views[name].copy() for key, views in regions.items()} for name in parameters}
        buffers = {name: value.copy() for name, value in self._buffers().items()}
        return [State(parameters, slots, self._step, buffers)]

    def broken(self) -> list[int]:
        """Return the first step whose loss was no number."""
        return [int(self._memory[self._plan.broken])]

    def memory(self) -> int:
        """Return the bytes of the run's array and tables, and of what is made for a call."""
        return self._memory.nbytes + self._tables.nbytes + self._examples.bytes

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


class NumbaEngine(Engine):
    """Compiles no network: it interprets a program of compiled kernels, many steps per call."""

    name = "numba"
    dtypes = Engine.dtypes | ({"bfloat16"} if SUPPORTED else set())
    options = frozenset(OPTIONS)

    @property
    def processor(self) -> str:
        """The processor with its vector registers, on which the order of sums depends."""
        return f"{super().processor}, {REGISTERS.count} registers of {8 * REGISTERS.bytes} bits"

    def lacks(self, network: Network, recipe: Recipe) -> list[str]:
        """Name the layers, the rule and the penalties that have no kernels."""
        layers = [node.layer.title for node in network.nodes if not supports(node.layer)]
        rules = [recipe.optimizer.title] if type(recipe.optimizer) not in RULES else []
        kinds = [type(penalty) for penalty in recipe.penalties]
        penalties = [kind.__name__ for kind in kinds if kind not in (L1, L2)]
        return list(dict.fromkeys([*layers, *rules, *penalties]))

    def prepare(self, network: Network, recipe: Recipe, on_compiled: OnCompiled) -> None:
        """Compile the kernels that the network's programs call."""
        with _PLANNING:
            shared = programs(network, recipe)
        shared.prepare(on_compiled)

    def uncompiled(self, network: Network, recipe: Recipe) -> frozenset[str]:
        """Name the kernels of the network's programs that are neither in memory nor in Numba's cache."""
        return programs(network, recipe).uncompiled()

    def guess(self, network: Network, recipe: Recipe, zeros: float) -> tuple[float, float]:
        """Count the multiplications of the network's programs, and make a few steps' masks and images."""
        shared, second = programs(network, recipe), seconds_per_multiplication()
        pair = seconds_per_multiplication(pairs=True) / second if shared.plan.pairs else 1.0
        nonzero = (1 - zeros) * prod(network.input_shape)
        step, answers = (
            second * multiplications(calls, recipe.batch_size, nonzero, pair) for calls in shared.calls
        )
        return step + Examples(network, recipe, shared.rule, 0).making(), answers / recipe.batch_size

    def session(
        self, network: Network, recipe: Recipe, seeds: Sequence[int], states: Sequence[State]
    ) -> Session:
        """Open a session for one run."""
        (seed,), (state,) = seeds, states
        return NumbaSession(network, recipe, seed, state)
