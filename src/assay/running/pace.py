"""How fast arms are trained and evaluated: as finished runs were, as a moment's training is, or guessed."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from time import perf_counter, thread_time

import numpy as np

from assay.data import Split
from assay.data.outline import Outline
from assay.engines.base import initial_state
from assay.engines.narrowed import narrowed
from assay.engines.speed import EVALUATED, Trial, recorded
from assay.optim.recipe import Recipe
from assay.running.plan import Cohort
from assay.shapes import of_images
from assay.study.trainable import training_bytes
from assay.training.examination import PROBE, examine

ROUNDS = 4
"""How many times each arm is measured."""

PATIENCE = 10.0
"""Seconds after the first round after which no other is begun, where a step takes seconds."""

BUDGET = 0.4
"""Total seconds for which an arm is measured, half of them training; far fewer if there are many arms."""

WHOLE = 0.8
"""Total seconds for which all arms of a plan are measured, without warming up."""

SURE = 1.5
"""How many times as long as an engine guesses it may take."""

Round = tuple[float, float]
"""Seconds per step, and per image evaluated."""


class Basis(Enum):
    """Where the seconds of a training step come from."""

    RUNS = "runs"
    MOMENTS = "moments"
    GUESS = "guess"


@dataclass(frozen=True)
class ArmSpeed:
    """Seconds per training step and per image evaluated, each as often as it is known, and their origin.

    ``examining`` are the seconds of examining the layers once, ``memory`` the bytes that a run holds.
    """

    steps: Sequence[float]
    images: Sequence[float]
    examining: float
    memory: int
    basis: Basis
    narrowed: bool = False


class ArmTrial:
    """An arm whose pace is asked for; it can be tried if its kernels are compiled."""

    def __init__(self, cohort: Cohort, data: Outline) -> None:
        self.cohort = cohort
        self.recipe: Recipe = cohort.recipe.fitted(data.train)
        self.uncompiled = cohort.engine.uncompiled(cohort.network, self.recipe)
        trial = partial(Trial, cohort.engine, cohort.network, self.recipe, zeros=data.zeros)
        self.trial = None if self.uncompiled else trial()
        rates = partial(recorded, cohort.engine, cohort.network, self.recipe, zeros=data.zeros)
        self.steps, self.images = (tuple(1 / rate for rate in rates(of)) for of in ("", EVALUATED))
        self.guessed: tuple[Round, ...] = ()
        if self.uncompiled and not self.known:
            step, image = cohort.engine.guess(cohort.network, self.recipe, data.zeros)
            self.guessed = (step, image), (SURE * step, SURE * image)

    @property
    def known(self) -> bool:
        """Whether finished runs have shown the pace."""
        return bool(self.steps and self.images)

    def pace(self, rounds: Sequence[Round]) -> ArmSpeed:
        """Return the pace: the recorded one or, where there is none, of ``rounds`` or the guessed one."""
        network, rounds = self.cohort.network, rounds or self.guessed
        steps = self.steps or tuple(step for step, _ in rounds)
        images = self.images or tuple(image for _, image in rounds)
        basis = Basis.RUNS if self.steps else Basis.GUESS if self.guessed else Basis.MOMENTS
        if self.trial is None:
            listed = self.cohort.engine.name == "numba"
            memory = training_bytes(network, self.recipe, listed=listed)
            return ArmSpeed(steps, images, self._examining(), memory, basis)
        return ArmSpeed(steps, images, self._examining(), self.trial.memory(), basis, self.trial.narrowed)

    def _examining(self) -> float:
        """Return the seconds of examining the layers once, which needs no kernels.

        They are measured, of a network too large for that by a narrower one, in proportion to the parameters.
        """
        network, tried = self.cohort.network, narrowed(self.cohort.network)
        images = np.zeros((PROBE, *of_images(network.input_shape)), np.uint8)
        split = Split(images, np.zeros(PROBE, np.int64))
        state = self.trial.session.states()[0] if self.trial else initial_state(tried, self.recipe, 0)
        begun = thread_time()
        examine(tried, self.recipe, state, split, 1)
        return (thread_time() - begun) * network.parameter_count / max(tried.parameter_count, 1)


def paces(arms: Sequence[ArmTrial]) -> list[ArmSpeed]:
    """Return the pace of each arm, after measuring those that can be tried and are not known."""
    tried = [arm.trial for arm in arms if arm.trial and not arm.known]
    rounds = dict(zip(tried, _measured(tried), strict=True)) if tried else {}
    return [arm.pace(rounds.get(arm.trial, ()) if arm.trial else ()) for arm in arms]


def _measured(trials: Collection[Trial]) -> Iterator[tuple[Round, ...]]:
    """Yield the rounds of each trial; they take turns, so that a disturbance spoils a round of each."""
    budget = min(BUDGET, WHOLE / len(trials)) / (2 * ROUNDS)
    rounds = [_round(trials, budget)]
    end = perf_counter() + PATIENCE
    while len(rounds) < ROUNDS and perf_counter() < end:
        rounds.append(_round(trials, budget))
    yield from zip(*rounds, strict=True)


def _round(trials: Collection[Trial], budget: float) -> list[Round]:
    return [(trial.step(budget), trial.answer(budget)) for trial in trials]
