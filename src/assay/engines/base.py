"""What an engine is: it trains a network by a recipe, as `assay.nn` defines both.

An `Engine` opens a `Session` for some seeds of one network and recipe; the
session trains them side by side, one epoch per call, and returns the
state of each run after any epoch. All engines see the same data order, the
same initial weights and the same masks, because these come from
`assay.streams` and not from the engine.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import thread_time
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from assay import streams
from assay.errors import UnsupportedError
from assay.nn.loss import cross_entropy
from assay.nn.network import Draw, Network
from assay.optim import Slots
from assay.optim.recipe import Recipe as Recipe
from assay.records import machine
from assay.shapes import Array

Labels = NDArray[np.int64]
Images = NDArray[np.uint8]
OnSteps = Callable[[int], None]
"""Called periodically during an epoch with the number of steps taken so far."""
OnCompiled = Callable[[int, int], None]
"""Called while an engine compiles, with the number of kernels done and the total."""

REPORT_EVERY = 10
"""Steps between two calls of `OnSteps`, where an engine takes its steps one by one."""

EVALUATION_BATCH = 500
"""Images evaluated at once; fixed, since a matrix product's last bits depend on it."""


@dataclass
class State:
    """One run between two epochs; enough to continue it bit for bit."""

    parameters: dict[str, Array]
    slots: dict[str, Slots]
    step: int = 0
    buffers: dict[str, Array] = field(default_factory=dict)

    def broken(self) -> str:
        """Name an array that holds a number which is not finite; empty if none does."""
        slots = {
            f"{key} of {name}": value for name, all_ in self.slots.items() for key, value in all_.items()
        }
        arrays = {**self.parameters, **self.buffers, **slots}
        return next((name for name, value in arrays.items() if not np.isfinite(value).all()), "")

    @property
    def weights(self) -> dict[str, Array]:
        """All that evaluation needs: parameters and buffers."""
        return {**self.parameters, **self.buffers}

    def copy(self) -> "State":
        """Return a state that later steps do not change."""
        parameters = {name: value.copy() for name, value in self.parameters.items()}
        slots = {
            name: {key: value.copy() for key, value in memory.items()} for name, memory in self.slots.items()
        }
        buffers = {name: value.copy() for name, value in self.buffers.items()}
        return State(parameters, slots, self.step, buffers)


@dataclass(frozen=True)
class Evaluation:
    """A run evaluated on one split: mean cross-entropy in nats, and each prediction."""

    loss: float
    predicted: Labels = field(repr=False)
    correct: NDArray[np.bool_] = field(repr=False)
    scores: Array | None = field(default=None, repr=False)
    """The class scores (N, K), if they were asked for."""

    @property
    def accuracy(self) -> float:
        """Share of correct answers, 0 to 1."""
        return float(np.count_nonzero(self.correct) / len(self.correct))


class Session(ABC):
    """Runs of one network and recipe, one per seed, trained side by side."""

    def __init__(self, network: Network, recipe: Recipe, seeds: Sequence[int]) -> None:
        self.network = network
        self.recipe = recipe
        self.seeds = tuple(seeds)

    @abstractmethod
    def train_epoch(self, images: Images, labels: Labels, epoch: int, on_steps: OnSteps) -> None:
        """Make one pass over the training set in each run's own order for ``epoch`` (from 1)."""

    @abstractmethod
    def scores(self, images: Images) -> list[Array]:
        """Return each run's class scores (N, K) for a batch, in evaluation mode."""

    @abstractmethod
    def states(self) -> list[State]:
        """Return a copy of the state of each run."""

    @abstractmethod
    def memory(self) -> int:
        """Return the bytes that one run holds while it trains, not counting the images."""

    def broken(self) -> list[int]:
        """Return the first step of each run, among this session's, whose loss was not finite; 0 if none.

        Steps are counted from the run's beginning. An engine that does not know leaves it at 0, and
        the end of the epoch shows it.
        """
        return [0 for _ in self.seeds]

    def clock(self) -> float:
        """Return the clock by which costs are measured, in seconds: this thread's processor time.

        A session on the CPU works in one thread, so that other work on the
        machine does not count; where the work is done elsewhere, on a GPU, a
        session returns wall time instead.
        """
        return thread_time()

    def evaluate(self, images: Images, labels: Labels, *, keep_scores: bool = False) -> list[Evaluation]:
        """Evaluate each run on a whole split; with ``keep_scores``, return its class scores too."""
        losses = [0.0 for _ in self.seeds]
        predicted: list[list[Labels]] = [[] for _ in self.seeds]
        kept: list[list[Array]] = [[] for _ in self.seeds]
        for start in range(0, len(images), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            for run, scores in enumerate(self.scores(images[batch])):
                losses[run] += float(cross_entropy(scores, labels[batch]).sum())
                predicted[run].append(scores.argmax(axis=1))
                if keep_scores:
                    kept[run].append(scores)
        answers = [np.concatenate(parts) for parts in predicted]
        return [
            Evaluation(loss / len(labels), answer, answer == labels, np.concatenate(parts) if parts else None)
            for loss, answer, parts in zip(losses, answers, kept, strict=True)
        ]


class Engine(ABC):
    """A way to run the mathematics of `assay.nn` fast, or plainly."""

    name: str
    runs_per_session: int = 1
    """How many runs a session takes at once; the engines that run on the CPU take one per thread."""

    options: ClassVar[frozenset[str]] = frozenset()
    """Which of `assay.optim.recipe.OPTIONS` the engine supports."""

    dtypes: frozenset[str] = frozenset({"float32", "float64"})
    """Which precisions of a recipe the engine supports."""

    @property
    def devices(self) -> int:
        """How many devices of this machine sessions may be spread over."""
        return 1

    def on_device(self, number: int) -> AbstractContextManager[None]:
        """Return a context in which this thread's sessions are on a device, counted from 0."""
        del number
        return nullcontext()

    @property
    def sessions_at_once(self) -> int:
        """How many sessions run side by side without slowing one another down: one per processor."""
        return machine.processors()

    @property
    def processor(self) -> str:
        """The type of processor that the engine computes on; on another type bits may differ."""
        return machine.processor()

    @abstractmethod
    def lacks(self, network: Network, recipe: Recipe) -> list[str]:
        """Name every layer and rule, or option of these, that the engine does not support."""

    def prepare(self, network: Network, recipe: Recipe, on_compiled: OnCompiled) -> None:
        """Compile what sessions of a network need, if the engine compiles anything and has not done so yet.

        ``on_compiled`` is told how much is done, out of how much.
        """
        del network, recipe, on_compiled

    def uncompiled(self, network: Network, recipe: Recipe) -> frozenset[str]:
        """Name what `prepare` would compile, if it is not kept from before; what is shared has one name."""
        del network, recipe
        return frozenset()

    def guess(self, network: Network, recipe: Recipe, zeros: float) -> tuple[float, float]:
        """Guess the seconds of a step and of an image evaluated, where ``zeros`` is a share of pixels.

        Only an engine that names something in `uncompiled` is asked, of what it cannot try before compiling.
        """
        raise NotImplementedError(f"the {self.name} engine cannot tell what it takes before it compiles")

    @abstractmethod
    def session(
        self, network: Network, recipe: Recipe, seeds: Sequence[int], states: Sequence[State]
    ) -> Session:
        """Open a session that starts from ``states``, one per seed."""

    def missing(self, network: Network, recipe: Recipe) -> list[str]:
        """Name everything that the engine does not support: layers, rules, options, the precision."""
        precision = {recipe.dtype} - self.dtypes
        return [*self.lacks(network, recipe), *sorted(recipe.options - self.options), *precision]

    def check(self, network: Network, recipe: Recipe) -> None:
        """Raise `UnsupportedError` if the engine does not support something."""
        missing = self.missing(network, recipe)
        if missing:
            raise UnsupportedError(f"engine {self.name!r} has no {', '.join(missing)}")


def initial_state(network: Network, recipe: Recipe, seed: int) -> State:
    """Return a run's state before its first step, the same for every engine."""
    parameters = network.initialise(seed, recipe.parameter_dtype)
    slots = {name: recipe.optimizer.slots(value) for name, value in parameters.items()}
    return State(parameters, slots, buffers=network.initial_buffers(recipe.parameter_dtype, seed))


def masks(seed: int, epoch: int, step: int) -> Draw:
    """Return the generators of a run's layers' masks in ``step`` (from 1 in each ``epoch``)."""
    return lambda layer: streams.stream(seed, "mask", layer, epoch, step)


def epoch_order(seed: int, size: int, epoch: int) -> Labels:
    """Return the order in which a run sees its training examples in ``epoch``."""
    return streams.permutation(seed, "order", size, epoch)
