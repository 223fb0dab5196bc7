"""What a plan will take: time and memory, estimated by training a little on random images.

Each arm takes a few steps and answers a few images, on one processor, for
about a second; the rest is multiplication. Compiling, reading the data and
workers that slow each other down are not in it.
"""

from dataclasses import dataclass, replace

from threadpoolctl import threadpool_limits

from assay.data.outline import Outline
from assay.engines.speed import Trial
from assay.running.plan import Cohort, Plan

BUDGET = 0.5  # seconds of training, and as many of evaluation


@dataclass(frozen=True)
class CohortEstimate:
    """What one run of an arm will take: seconds, bytes."""

    arm: str
    runs: int
    steps_per_second: float
    seconds: float
    memory: int


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
    def memory(self) -> int:
        """Memory for as many of the largest runs as there are workers, and the data."""
        return self.workers * max(cohort.memory for cohort in self.cohorts) + self.data

    def for_seeds(self, seeds: int, workers: int) -> "Estimate":
        """Return the estimate for another number of seeds."""
        cohorts = tuple(replace(cohort, runs=seeds) for cohort in self.cohorts)
        return replace(self, cohorts=cohorts, workers=min(workers, seeds * len(cohorts)))


def estimate(plan: Plan, data: Outline, workers: int) -> Estimate:
    """Measure every cohort of ``plan`` for about a second and return what the whole will take."""
    with threadpool_limits(limits=1):
        cohorts = tuple(_cohort(cohort, data) for cohort in plan.cohorts)
    return Estimate(cohorts, min(workers, len(plan.runs)), data.bytes)


def _cohort(cohort: Cohort, data: Outline) -> CohortEstimate:
    recipe = replace(cohort.recipe, batch_size=min(cohort.recipe.batch_size, data.train))
    trial = Trial(cohort.engine, cohort.network, recipe)
    step, answer = trial.step(BUDGET), trial.answer(BUDGET)
    measured = data.train if recipe.measure == "all" else min(data.train, data.valid)
    epoch = -(-data.train // recipe.batch_size) * step + (measured + data.valid) * answer
    end = data.test + (2 * data.train if measured < data.train else 0)
    seconds = recipe.epochs * epoch + end * answer
    memory = trial.session.memory()
    return CohortEstimate(cohort.arm.name, len(cohort.seeds), 1 / step, seconds, memory)
