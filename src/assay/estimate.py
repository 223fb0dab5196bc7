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
from math import prod
from statistics import median

from threadpoolctl import threadpool_limits

from assay.data import DataSpec, load, sources
from assay.data.dataset import FULL_VALID, GLYPHS_TEST, GLYPHS_TRAIN, VALID_SHARE
from assay.engines.speed import Trial, recorded
from assay.errors import DataError
from assay.machine import memory
from assay.plan import Cohort, Plan
from assay.shapes import Shape

ROUNDS = 4
"""Times that each arm is measured."""

BUDGET = 1.0
"""Seconds that an arm is measured for in all, half of them training; much less where there are many arms."""

WHOLE = 4.0
"""Seconds that all arms of a plan are measured for; compiling and warming up come on top."""

BALANCED = 112_800, 18_800, 47  # EMNIST Balanced: images to train and to test, classes


@dataclass(frozen=True)
class Outline:
    """The sizes of a data set: all that a plan needs; ``assumed`` if the set is not on this machine."""

    train: int
    valid: int
    test: int
    input_shape: Shape = (1, 28, 28)
    classes: int = 47
    assumed: bool = False

    @property
    def bytes(self) -> int:
        """The memory that the images and labels take."""
        return (self.train + self.valid + self.test) * (prod(self.input_shape) + 8)


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


def outline(spec: DataSpec) -> Outline:
    """Return the sizes of a data set; those of EMNIST Balanced where a published set is not fetched.

    Raises `DataError` for a set that is damaged, too small or unknown.
    """
    if spec.source == "glyphs":
        train = spec.train or GLYPHS_TRAIN
        drawn = Outline(train, spec.valid or round(VALID_SHARE * train) or 1, spec.test or GLYPHS_TEST)
        _expect_room(spec.source, drawn.bytes)
        return drawn
    if any(source.name == spec.source and not source.available for source in sources()):
        pool, test, classes = BALANCED
        valid = spec.valid or (round(VALID_SHARE * spec.train) if spec.train else FULL_VALID)
        return Outline(spec.train or pool - valid, valid, spec.test or test, classes=classes, assumed=True)
    data = load(spec)
    sizes = (len(data.train), len(data.valid), len(data.test))
    return Outline(*sizes, (1, *data.train.images.shape[1:]), len(data.classes))


def _expect_room(source: str, needed: int) -> None:
    if needed > (there := memory()):
        raise DataError(
            f"{source}: the images take {needed // 2**20:,} MiB, this machine has {there // 2**20:,} "
            "(use fewer with data.train, data.valid and data.test)"
        )


def estimate(plan: Plan, data: Outline, workers: int) -> Estimate:
    """Measure every cohort of ``plan`` for some seconds in all and return what the whole will take."""
    with threadpool_limits(limits=1):
        trials = [_trial(cohort, data) for cohort in plan.cohorts]
        budget = min(BUDGET, WHOLE / len(trials)) / (2 * ROUNDS)
        rounds = [[(trial.step(budget), trial.answer(budget)) for trial in trials] for _ in range(ROUNDS)]
    measured = zip(plan.cohorts, trials, zip(*rounds, strict=True), strict=True)
    cohorts = tuple(_cohort(cohort, data, trial, times) for cohort, trial, times in measured)
    return Estimate(cohorts, min(workers, len(plan.runs)), data.bytes)


def evaluated(data: Outline) -> int:
    """Return how many images a run evaluates after an epoch."""
    return data.train + data.valid


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
        epoch = recipe.steps(data.train) * step + evaluated(data) * answer
        return recipe.epochs * epoch + data.test * answer

    return CohortEstimate(
        cohort.arm.name,
        len(cohort.seeds),
        1 / step,
        seconds(step, min(answers)),
        trial.session.memory(),
        seconds(max(seen or steps), max(answers)),
    )
