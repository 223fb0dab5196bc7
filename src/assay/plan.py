"""The plan of a study: which networks it trains, with which engine, for which seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from assay import engines
from assay.engines.base import Engine
from assay.errors import AssayError
from assay.network import Network
from assay.recipe import Recipe
from assay.records import RunId
from assay.shapes import Shape
from assay.study import Arm, Study
from assay.training import Job

NOT_BEGUN: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Cohort:
    """The runs of one arm: one network, one recipe, its seeds; ``why`` says how "auto" found the engine."""

    arm: Arm
    network: Network
    engine: Engine
    seeds: tuple[int, ...]
    why: str = ""

    @property
    def recipe(self) -> Recipe:
        """How the network is trained."""
        return self.arm.settings.recipe

    def job(self, seeds: tuple[int, ...]) -> Job:
        """Return the training of some of the cohort's seeds in one session."""
        return Job(self.engine, self.network, self.recipe, seeds)


@dataclass(frozen=True)
class Plan:
    """Every cohort of a study, with all of its seeds or the first ones."""

    study: Study
    cohorts: tuple[Cohort, ...]

    @property
    def runs(self) -> list[RunId]:
        """Every run, seed by seed, so that pairs are complete early."""
        seeds = self.cohorts[0].seeds
        return [RunId(cohort.arm.name, seed) for seed in seeds for cohort in self.cohorts]

    def first(self, count: int | None) -> "Plan":
        """Return the part of the plan with the first ``count`` seeds; None stands for all."""
        return replace(self, cohorts=tuple(replace(c, seeds=c.seeds[:count]) for c in self.cohorts))

    def cohort(self, arm: str) -> Cohort:
        """Return the cohort of an arm."""
        return next(cohort for cohort in self.cohorts if cohort.arm.name == arm)


def make_plan(
    study: Study,
    input_shape: Shape = (1, 28, 28),
    classes: int = 47,
    begun: Mapping[str, str] = NOT_BEGUN,
) -> Plan:
    """Return the plan of ``study`` for data of this shape, everything checked.

    ``begun`` names the engine with which runs of an arm were begun, which it
    keeps whatever it would be given today: results are the same bit for bit
    with one engine alone. Raises `ShapeError`, `StudyError` or
    `UnsupportedError`, naming the arm.
    """
    cohorts = (_cohort(study, arm, (input_shape, classes), begun.get(arm.name)) for arm in study.arms)
    return Plan(study, tuple(cohorts))


def _cohort(study: Study, arm: Arm, data: tuple[Shape, int], begun: str | None) -> Cohort:
    settings = arm.settings
    try:
        network = settings.architecture.build(*data)
        if begun is None:
            choice = engines.choose(settings.engine, network, settings.recipe)
        else:
            choice = engines.resume(begun, network, settings.recipe)
    except AssayError as error:
        raise type(error)(f"{study.name}: arm {arm.name!r}: {error}") from None
    return Cohort(arm, network, choice.engine, study.seeds, choice.why)
