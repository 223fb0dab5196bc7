"""How fast an engine trains a network: measured briefly or observed in a run, and kept in the user's cache.

A measurement depends on the network, the recipe, the versions of assay and of
what it computes with, and the machine. It is keyed by all of these, so
that a study started again, or a similar one, measures nothing.
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import which
from time import perf_counter
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from assay.engines.base import EVALUATION_BATCH, Engine, Images, Labels, initial_state
from assay.engines.narrowed import narrowed
from assay.nn.network import Network
from assay.nn.nodes import every
from assay.optim.recipe import Recipe
from assay.optim.schedules import CONSTANT
from assay.records import observations
from assay.records.machine import processor, processors, versions
from assay.shapes import of_images
from assay.streams import stream

BUDGET = 0.3
"""Seconds of training per engine in a comparison, not counting compilation and warm-up."""

LONG = 0.3
"""Seconds of a step, or of an evaluation, beyond which one is enough: four of a wide network take minutes."""

STEPS = 4
"""Steps taken at a time by one run, multiplied by the number of runs, since a GPU takes them by tens."""

EVALUATED = "evaluated"
"""The name of rates that are images evaluated per second, instead of training steps."""

MOSTLY = 0.5
"""The share of zeros from which images are mostly background; a first layer may be half as fast again."""

VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
)
"""Environment variables that restrict which parts of a machine engines may use: GPU, CPU instructions."""


class Speed(NamedTuple):
    """Training steps per second of all runs of a session, and how many sessions run at once."""

    steps: float
    sessions: int = 1

    @property
    def of_the_machine(self) -> float:
        """Training steps per second when as many sessions run as the machine has room for."""
        return self.steps * self.sessions


Rates = dict[str, Speed]
"""How fast each engine is, by its name."""


class Trial:
    """Some runs in training on random images, of whose pixels a share of ``zeros`` is 0.

    A network that is too large is measured by a narrower one (`narrowed`), in proportion to their FLOPs.
    """

    def __init__(
        self, engine: Engine, network: Network, recipe: Recipe, runs: int = 1, zeros: float = 0.0
    ) -> None:
        tried = narrowed(network)
        self.narrowed = tried is not network
        self._times = network.flops / tried.flops if self.narrowed else 1.0
        self._larger = network.parameter_count / tried.parameter_count if self.narrowed else 1.0
        states = [initial_state(tried, recipe, seed) for seed in range(runs)]
        self.session = engine.session(tried, recipe, range(runs), states)
        random = stream(0, "estimate")
        self._steps = STEPS * runs
        self._warm: list[Callable[..., None]] = []
        count = max(self._steps * recipe.batch_size, EVALUATION_BATCH)
        self._images = random.integers(0, 256, (count, *of_images(network.input_shape)), dtype=np.uint8)
        self._images *= self._images >= 256 * zeros  # in place: other draws would take eight times as much
        self._labels = random.integers(0, network.output_shape[0], count)
        self._parts: dict[int, tuple[Images, Labels]] = {}

    def step(self, budget: float) -> float:
        """Return the seconds per step of all runs."""
        if (alone := self._alone(self._train, 1)) > LONG:
            return self._times * alone
        return self._times * self._median(lambda: self._train(self._steps), budget) / self._steps

    def answer(self, budget: float) -> float:
        """Return the seconds per image evaluated."""
        if (alone := self._alone(self._evaluate)) > LONG:
            return self._times * alone / EVALUATION_BATCH
        return self._times * self._median(self._evaluate, budget) / EVALUATION_BATCH

    def memory(self) -> int:
        """Return the bytes that a run holds; of a narrowed network, in proportion to the parameters."""
        return round(self._larger * self.session.memory())

    def _alone(self, call: Callable[..., None], *arguments: int) -> float:
        """Return the seconds of one call; the first one ever is not timed, since it may compile."""
        if call not in self._warm:
            call(*arguments)
            self._warm.append(call)
        return self._seconds(lambda: call(*arguments))

    def _median(self, call: Callable[[], None], budget: float) -> float:
        """Return the median seconds of a call, made again until ``budget`` seconds have passed."""
        times: list[float] = []
        begin = perf_counter()
        while not times or perf_counter() - begin < budget:
            times.append(self._seconds(call))
        return float(np.median(times))

    def _seconds(self, call: Callable[[], None]) -> float:
        """Return the seconds of a call by the session's clock, to which others' work does not count."""
        start = self.session.clock()
        call()
        return self.session.clock() - start

    def _evaluate(self) -> None:
        self.session.evaluate(self._images[:EVALUATION_BATCH], self._labels[:EVALUATION_BATCH])

    def _train(self, steps: int) -> None:
        self.session.train_epoch(*self._part(steps * self.session.recipe.batch_size), 1, lambda _: None)

    def _part(self, size: int) -> tuple[Images, Labels]:
        """Return the first examples, the same arrays each time: for others a GPU's graph is recorded anew."""
        if size not in self._parts:
            self._parts[size] = self._images[:size], self._labels[:size]
        return self._parts[size]


def steps_per_second(engine: Engine, network: Network, recipe: Recipe) -> float:
    """Measure the training steps per second of all runs that a session takes, or that fit in memory."""
    runs = engine.runs_per_session
    while runs:
        with suppress(MemoryError), threadpool_limits(limits=1):
            return runs / Trial(engine, network, recipe, runs).step(BUDGET)
        runs //= 2
    return 0.0


def compare(engines: Sequence[Engine], network: Network, recipe: Recipe) -> Rates:
    """Measure every engine, and keep what was found."""
    rates = {
        engine.name: Speed(steps_per_second(engine, network, recipe), engine.sessions_at_once)
        for engine in engines
    }
    observations.write(_path(network, recipe), rates)
    return rates


def recall(network: Network, recipe: Recipe) -> Rates | None:
    """Return what `compare` found before on this machine with these versions; None if nothing."""
    try:
        found = json.loads(_path(network, recipe).read_text("utf-8"))
        rates = {str(name): Speed(float(steps), int(sessions)) for name, (steps, sessions) in found.items()}
        return rates or None
    except (OSError, ValueError, TypeError, AttributeError):  # absent, or cut short: measured anew
        return None


def record_run(
    engine: Engine, network: Network, recipe: Recipe, rate: float, of: str = "", zeros: float = 0.0
) -> None:
    """Keep a finished run's training steps per second, or what else is counted, beside those of its like."""
    observations.keep_number(_path(network, recipe, engine.name, of, _background(zeros)), rate)


def recorded(
    engine: Engine, network: Network, recipe: Recipe, of: str = "", zeros: float = 0.0
) -> tuple[float, ...]:
    """Return the training steps per second of the latest finished runs; none where no run is known.

    They are runs of the same network and recipe with the same engine, on this machine with these versions,
    on images that are mostly background if those are of whose pixels a share of ``zeros`` is 0.
    With `EVALUATED` they are the images evaluated per second.
    """
    return observations.kept_numbers(_path(network, recipe, engine.name, of, _background(zeros)))


def _background(zeros: float) -> str:
    """Name the images on which an engine that skips zeros is faster."""
    return "background" if zeros >= MOSTLY else ""


def has_gpu() -> bool:
    """Tell whether there may be an NVIDIA GPU, without spending two seconds on asking PyTorch."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return not hidden and which("nvidia-smi") is not None


def _path(network: Network, recipe: Recipe, *more: str) -> Path:
    """Return the file for a measurement, named after all that it depends on.

    ``more`` is the engine of runs, what is counted, and the kind of images. A step costs the same in every
    epoch and with every learning rate.
    """
    rule = replace(recipe.optimizer, lr=1.0)
    alike = replace(recipe, optimizer=rule, epochs=1, patience=None, schedule=CONSTANT)
    chosen = (has_gpu(), *map(os.environ.get, VARIABLES))
    machine = (sorted(versions().items()), processor(), processors(), chosen)
    things = (*(node.layer for node in every(network.nodes)), rule, *recipe.penalties)
    own = sorted({thing.code_digest for thing in things if thing.users_own})
    key = repr((network.layers, network.input_shape, alike, *machine, *own, *filter(None, more)))
    return observations.folder() / f"{sha256(key.encode()).hexdigest()}.json"
