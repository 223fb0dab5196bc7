"""The plan of a study: which networks it trains, with which engine, for which seeds."""

from dataclasses import dataclass

from assay import engines
from assay.engines.base import Engine
from assay.errors import AssayError
from assay.network import Network
from assay.recipe import Recipe
from assay.records import RunId
from assay.shapes import Shape
from assay.study import Arm, Study
from assay.training import Job


@dataclass(frozen=True)
class Cohort:
    """The runs of one arm: one network, one recipe, all seeds."""

    arm: Arm
    network: Network
    engine: Engine
    seeds: tuple[int, ...]

    @property
    def recipe(self) -> Recipe:
        """How the network is trained."""
        return self.arm.settings.recipe

    def job(self, seeds: tuple[int, ...]) -> Job:
        """Return the training of some of the cohort's seeds in one session."""
        return Job(self.engine, self.network, self.recipe, seeds)


@dataclass(frozen=True)
class Plan:
    """Every cohort of a study."""

    study: Study
    cohorts: tuple[Cohort, ...]

    @property
    def runs(self) -> list[RunId]:
        """Every run, seed by seed, so that pairs are complete early."""
        return [RunId(cohort.arm.name, seed) for seed in self.study.seeds for cohort in self.cohorts]

    def cohort(self, arm: str) -> Cohort:
        """Return the cohort of an arm."""
        return next(cohort for cohort in self.cohorts if cohort.arm.name == arm)


def make_plan(study: Study, input_shape: Shape = (1, 28, 28), classes: int = 47) -> Plan:
    """Return the plan of ``study`` for data of this shape, everything checked.

    Raises `ShapeError`, `StudyError` or `UnsupportedError`, naming the arm.
    """
    return Plan(study, tuple(_cohort(study, arm, input_shape, classes) for arm in study.arms))


def _cohort(study: Study, arm: Arm, input_shape: Shape, classes: int) -> Cohort:
    settings = arm.settings
    try:
        network = settings.architecture.build(input_shape, classes)
        engine = engines.engine(settings.engine, network, settings.recipe)
    except AssayError as error:
        raise type(error)(f"{study.name}: arm {arm.name!r}: {error}") from None
    return Cohort(arm, network, engine, study.seeds)
