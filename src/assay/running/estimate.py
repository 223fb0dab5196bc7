"""The time and memory of a plan, from earlier runs or from brief training on random images.

Each arm takes a few training steps and evaluates a few images, on one processor, in
`ROUNDS` rounds interleaved with those of the other arms, so that a momentary
disturbance spoils only one round. The fastest round is the machine's true
speed; the slowest shows how much it was disturbed. If runs of the same
network, recipe and engine have finished on this machine (`speed.recorded`),
their steps per second replace the measured ones. The rest is multiplication.
Compiling, reading the data and drawing the report are not included.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

from threadpoolctl import threadpool_limits

from assay.data.outline import Outline
from assay.engines.speed import Trial, recorded
from assay.optim.recipe import Recipe
from assay.running.plan import Cohort, Plan
from assay.training.own_layers import is_own

ROUNDS = 4
"""How many times each arm is measured."""

PATIENCE = 10.0
"""Seconds after the first round after which no other is begun, where a step takes seconds."""

BUDGET = 1.0
"""Total seconds for which an arm is measured, half of them training; far fewer if there are many arms."""

WHOLE = 4.0
"""Total seconds for which all arms of a plan are measured, without compiling and warming up."""


@dataclass(frozen=True)
class CohortEstimate:
    """The estimated cost of one run of an arm, in seconds and bytes.

    ``slowest`` is the time according to the slowest round of measurement or the slowest recorded run.
    """

    arm: str
    runs: int
    steps_per_second: float
    seconds: float
    memory: int
    slowest: float


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a plan with ``workers`` runs at a time, in seconds and bytes."""

    cohorts: tuple[CohortEstimate, ...]
    workers: int
    data: int

    @property
    def seconds(self) -> float:
        """Time for all runs if the workers are never idle."""
        return sum(cohort.runs * cohort.seconds for cohort in self.cohorts) / self.workers

    @property
    def slowest(self) -> float:
        """Time for all runs if each is as slow as the slowest measurement of its arm."""
        return sum(cohort.runs * cohort.slowest for cohort in self.cohorts) / self.workers

    @property
    def memory(self) -> int:
        """Memory for the data and as many of the largest runs as there are workers."""
        return self.workers * max(cohort.memory for cohort in self.cohorts) + self.data

    def for_seeds(self, seeds: int, workers: int) -> "Estimate":
        """Return the estimate for another number of seeds."""
        cohorts = tuple(replace(cohort, runs=seeds) for cohort in self.cohorts)
        return replace(self, cohorts=cohorts, workers=min(workers, seeds * len(cohorts)))


def estimate(plan: Plan, data: Outline, workers: int) -> Estimate:
    """Measure every cohort of ``plan``, for a few seconds in total, and return the estimate for the plan."""
    with threadpool_limits(limits=1):
        trials = [_trial(cohort, data) for cohort in plan.cohorts]
        budget = min(BUDGET, WHOLE / len(trials)) / (2 * ROUNDS)
        rounds = [_round(trials, budget)]
        end = perf_counter() + PATIENCE
        while len(rounds) < ROUNDS and perf_counter() < end:
            rounds.append(_round(trials, budget))
    measured = zip(plan.cohorts, trials, zip(*rounds, strict=True), strict=True)
    cohorts = tuple(_cohort(cohort, data, trial, times) for cohort, trial, times in measured)
    return Estimate(cohorts, min(workers, len(plan.runs)), data.bytes)


def seconds_without_engine(plan: Plan, arms: Collection[str], examples: int) -> dict[str, float]:
    """Return how long a run trains, for those of ``arms`` with code that only the reference engine runs."""
    cohorts = [c for c in plan.cohorts if c.arm.name in arms and c.engine.name == "reference" and c.why]
    found: dict[str, float] = {}
    for cohort in cohorts:
        recipe = cohort.recipe.fitted(examples)
        layers = [node.layer for node in cohort.network.nodes]
        if any(map(is_own, (*layers, recipe.optimizer, *recipe.penalties))):
            known = recorded(cohort.engine, cohort.network, recipe)
            with threadpool_limits(limits=1):
                step = 1 / median(known) if known else Trial(cohort.engine, cohort.network, recipe).step(0.0)
            found[cohort.arm.name] = step * recipe.steps(examples) * recipe.epochs
    return found


def evaluated(data: Outline, recipe: Recipe) -> int:
    """Return how many images a run of ``recipe`` evaluates in total: after each epoch, and at its end."""
    measured = data.train if recipe.measure == "all" else min(data.train, data.valid)
    end = data.test + (2 * data.train if measured < data.train else 0)
    return recipe.epochs * (measured + data.valid) + end


def _round(trials: Sequence[Trial], budget: float) -> list[tuple[float, float]]:
    """Return each trial's seconds per step and per image evaluated."""
    return [(trial.step(budget), trial.answer(budget)) for trial in trials]


def _trial(cohort: Cohort, data: Outline) -> Trial:
    return Trial(cohort.engine, cohort.network, cohort.recipe.fitted(data.train))


def _cohort(
    cohort: Cohort, data: Outline, trial: Trial, times: tuple[tuple[float, float], ...]
) -> CohortEstimate:
    recipe = cohort.recipe.fitted(data.train)
    steps, answers = [step for step, _ in times], [answer for _, answer in times]
    seen = [1 / rate for rate in recorded(cohort.engine, cohort.network, recipe)]
    step = median(seen) if seen else min(steps)

    def seconds(step: float, answer: float) -> float:
        return recipe.epochs * recipe.steps(data.train) * step + evaluated(data, recipe) * answer

    return CohortEstimate(
        cohort.arm.name,
        len(cohort.seeds),
        1 / step,
        seconds(step, min(answers)),
        trial.session.memory(),
        seconds(max(seen or steps), max(answers)),
    )
