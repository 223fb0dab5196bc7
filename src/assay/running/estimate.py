"""What a plan will take: time and memory, from runs seen before or by training a little on random images.

Each arm takes a few steps and answers a few images, on one processor, in
`ROUNDS` rounds with the other arms' between them, so that what disturbs the
machine for a moment spoils one round alone. The fastest round is the machine's own
speed, the slowest says how far it was disturbed. Where runs of the same
network, recipe and engine were finished on this machine (`speed.recorded`),
their steps a second stand for the measured ones. The rest is multiplication.
Compiling, reading the data and drawing the report are not in it.
"""

from dataclasses import dataclass, replace
from statistics import median

from threadpoolctl import threadpool_limits

from assay.data.outline import Outline
from assay.engines.speed import Trial, recorded
from assay.optim.recipe import Recipe
from assay.running.plan import Cohort, Plan

ROUNDS = 4
"""Times that each arm is measured."""

BUDGET = 1.0
"""Seconds that an arm is measured for in all, half of them training; much less where there are many arms."""

WHOLE = 4.0
"""Seconds that all arms of a plan are measured for; compiling and warming up come on top."""


@dataclass(frozen=True)
class CohortEstimate:
    """What one run of an arm will take: seconds, bytes.

    ``slowest`` is the seconds by the slowest round of measurement, or the slowest recorded run.
    """

    arm: str
    runs: int
    steps_per_second: float
    seconds: float
    memory: int
    slowest: float


@dataclass(frozen=True)
class Estimate:
    """What a plan will take with ``workers`` runs at a time: seconds, bytes."""

    cohorts: tuple[CohortEstimate, ...]
    workers: int
    data: int

    @property
    def seconds(self) -> float:
        """Time for all runs, when the workers are never idle."""
        return sum(cohort.runs * cohort.seconds for cohort in self.cohorts) / self.workers

    @property
    def slowest(self) -> float:
        """Time for all runs if each is as slow as the slowest measurement of its arm."""
        return sum(cohort.runs * cohort.slowest for cohort in self.cohorts) / self.workers

    @property
    def memory(self) -> int:
        """Memory for as many of the largest runs as there are workers, and the data."""
        return self.workers * max(cohort.memory for cohort in self.cohorts) + self.data

    def for_seeds(self, seeds: int, workers: int) -> "Estimate":
        """Return the estimate for another number of seeds."""
        cohorts = tuple(replace(cohort, runs=seeds) for cohort in self.cohorts)
        return replace(self, cohorts=cohorts, workers=min(workers, seeds * len(cohorts)))


def estimate(plan: Plan, data: Outline, workers: int) -> Estimate:
    """Measure every cohort of ``plan`` for some seconds in all and return what the whole will take."""
    with threadpool_limits(limits=1):
        trials = [_trial(cohort, data) for cohort in plan.cohorts]
        budget = min(BUDGET, WHOLE / len(trials)) / (2 * ROUNDS)
        rounds = [[(trial.step(budget), trial.answer(budget)) for trial in trials] for _ in range(ROUNDS)]
    measured = zip(plan.cohorts, trials, zip(*rounds, strict=True), strict=True)
    cohorts = tuple(_cohort(cohort, data, trial, times) for cohort, trial, times in measured)
    return Estimate(cohorts, min(workers, len(plan.runs)), data.bytes)


def evaluated(data: Outline, recipe: Recipe) -> int:
    """Return how many images a run of ``recipe`` evaluates in all: after its epochs, and at its end."""
    measured = data.train if recipe.measure == "all" else min(data.train, data.valid)
    end = data.test + (2 * data.train if measured < data.train else 0)
    return recipe.epochs * (measured + data.valid) + end


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
