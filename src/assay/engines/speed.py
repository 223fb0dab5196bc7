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
from math import isfinite
from pathlib import Path
from shutil import which
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from assay.engines.base import EVALUATION_BATCH, Engine, Images, Labels, initial_state
from assay.nn.network import Network
from assay.optim.recipe import Recipe
from assay.optim.schedules import CONSTANT
from assay.records.machine import processor, processors, versions
from assay.shapes import of_images
from assay.streams import stream

BUDGET = 0.3
"""Seconds of training per engine in a comparison, not counting compilation and warm-up."""

LONG = 0.3
"""Seconds of a step, or of an evaluation, beyond which one is enough: four of a wide network take minutes."""

STEPS = 4
"""Steps taken at a time by one run, multiplied by the number of runs, since a GPU takes them by tens."""

RECORDED = 20
"""Finished runs whose rates are kept, the latest of each network, recipe and engine."""

VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
)
"""Those that restrict which parts of a machine engines may use: which GPU, which CPU instructions."""


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
    """Some runs in training on random images."""

    def __init__(self, engine: Engine, network: Network, recipe: Recipe, runs: int = 1) -> None:
        states = [initial_state(network, recipe, seed) for seed in range(runs)]
        self.session = engine.session(network, recipe, range(runs), states)
        random = stream(0, "estimate")
        self._steps = STEPS * runs
        self._warm: list[Callable[..., None]] = []
        count = max(self._steps * recipe.batch_size, EVALUATION_BATCH)
        self._images = random.integers(0, 256, (count, *of_images(network.input_shape)), dtype=np.uint8)
        self._labels = random.integers(0, network.output_shape[0], count)
        self._parts: dict[int, tuple[Images, Labels]] = {}

    def step(self, budget: float) -> float:
        """Return the seconds per step of all runs."""
        if (alone := self._alone(self._train, 1)) > LONG:
            return alone
        return _median_seconds(lambda: self._train(self._steps), budget) / self._steps

    def answer(self, budget: float) -> float:
        """Return the seconds per image evaluated."""
        if (alone := self._alone(self._evaluate)) > LONG:
            return alone / EVALUATION_BATCH
        return _median_seconds(self._evaluate, budget) / EVALUATION_BATCH

    def _alone(self, call: Callable[..., None], *arguments: int) -> float:
        """Return the seconds of one call; the first one ever is not timed, since it may compile."""
        if call not in self._warm:
            call(*arguments)
            self._warm.append(call)
        return _seconds(lambda: call(*arguments))

    def _evaluate(self) -> None:
        self.session.evaluate(self._images[:EVALUATION_BATCH], self._labels[:EVALUATION_BATCH])

    def _train(self, steps: int) -> None:
        self.session.train_epoch(*self._part(steps * self.session.recipe.batch_size), 1, lambda _: None)

    def _part(self, size: int) -> tuple[Images, Labels]:
        """Return the first examples, the same arrays each time: for others a GPU's graph is recorded anew."""
        if size not in self._parts:
            self._parts[size] = self._images[:size], self._labels[:size]
        return self._parts[size]


def _median_seconds(call: Callable[[], object], budget: float) -> float:
    """Return the median seconds of a call, made again until ``budget`` seconds have passed."""
    times: list[float] = []
    begin = perf_counter()
    while not times or perf_counter() - begin < budget:
        times.append(_seconds(call))
    return float(np.median(times))


def _seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


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
    _keep(_path(network, recipe), rates)
    return rates


def recall(network: Network, recipe: Recipe) -> Rates | None:
    """Return what `compare` found before on this machine with these versions; None if nothing."""
    try:
        found = json.loads(_path(network, recipe).read_text("utf-8"))
        rates = {str(name): Speed(float(steps), int(sessions)) for name, (steps, sessions) in found.items()}
        return rates or None
    except (OSError, ValueError, TypeError, AttributeError):  # absent, or cut short: measured anew
        return None


def record_run(engine: Engine, network: Network, recipe: Recipe, rate: float) -> None:
    """Keep the training steps per second of a finished run, beside those of the latest runs like it."""
    if isfinite(rate) and rate > 0:
        rates = [*recorded(engine, network, recipe), rate][-RECORDED:]
        _keep(_path(network, recipe, engine.name), rates)


def recorded(engine: Engine, network: Network, recipe: Recipe) -> tuple[float, ...]:
    """Return the training steps per second of the latest finished runs; none where no run is known.

    They are runs of the same network and recipe with the same engine, on this machine with these versions.
    """
    try:
        found = [float(rate) for rate in json.loads(_path(network, recipe, engine.name).read_text("utf-8"))]
    except (OSError, ValueError, TypeError):  # absent, or cut short: as if there were none
        return ()
    return tuple(found) if all(isfinite(rate) and rate > 0 for rate in found) else ()


def has_gpu() -> bool:
    """Tell whether there may be an NVIDIA GPU, without spending two seconds on asking PyTorch."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return not hidden and which("nvidia-smi") is not None


def folder() -> Path:
    """Return the folder in the user's cache where measurements are kept."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("assay", appauthor=False)) / "speeds"


def _path(network: Network, recipe: Recipe, *more: str) -> Path:
    """Return the file for a measurement, named after all that it depends on; ``more`` is the engine of runs.

    A step costs the same in every epoch and with every learning rate.
    """
    rule = replace(recipe.optimizer, lr=1.0)
    alike = replace(recipe, optimizer=rule, epochs=1, patience=None, schedule=CONSTANT)
    chosen = (has_gpu(), *map(os.environ.get, VARIABLES))
    machine = (sorted(versions().items()), processor(), processors(), chosen)
    own = sorted({cls.__module__ for cls in map(type, network.layers) if not _is_ours(cls)})  # with digests
    key = repr((network.layers, network.input_shape, alike, *machine, *own, *more))
    return folder() / f"{sha256(key.encode()).hexdigest()}.json"


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith("assay.")


def _keep(path: Path, rates: Rates | list[float]) -> None:
    """Write the rates atomically; a cache that cannot be written is ignored."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump(rates, file)
        Path(file.name).replace(path)
