"""What a plan will take: time and memory, estimated by training a little on random images.

Each arm takes a few steps and answers a few images, on one processor, for
about a second; the rest is multiplication. Compiling, reading the data and
workers that slow each other down are not in it.
"""

from dataclasses import dataclass, replace
from math import prod

from threadpoolctl import threadpool_limits

from assay.data import DataSpec, load, sources
from assay.data.dataset import FULL_VALID, GLYPHS_TEST, GLYPHS_TRAIN, VALID_SHARE
from assay.engines.speed import Trial
from assay.errors import DataError
from assay.machine import memory
from assay.plan import Cohort, Plan
from assay.shapes import Shape

BUDGET = 0.5  # seconds of training, and as many of evaluation
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
