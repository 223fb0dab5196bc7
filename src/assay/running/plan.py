"""The plan of a study: which networks it trains, with which engine, for which seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from assay import engines
from assay.engines.base import Engine
from assay.errors import AssayError
from assay.nn.network import Network
from assay.optim.recipe import Recipe
from assay.records.runs import RunId
from assay.shapes import Shape
from assay.study.sameness import expect_different, run_of
from assay.study.study import Arm, Study
from assay.study.trainable import expect_trainable
from assay.training.train import Job

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
    examples: int | None = None,
) -> Plan:
    """Return the plan of ``study`` for data of this shape, everything checked.

    ``begun`` names the engine with which runs of an arm were begun, which it
    keeps whatever it would be given today: results are the same bit for bit
    with one engine alone. ``examples`` is the size of the training set, where it
    is known. Raises `ShapeError`, `StudyError` or `UnsupportedError`, naming the
    arm; whatever shapes alone tell is refused before any engine is asked.
    """
    networks = check(study, input_shape, classes, examples)
    cohorts = tuple(_cohort(study, arm, networks[arm.name], begun.get(arm.name)) for arm in study.arms)
    _expect_different(study, [(c.arm, c.network, c.engine.name) for c in cohorts], examples)
    return Plan(study, cohorts)


def check(
    study: Study, input_shape: Shape = (1, 28, 28), classes: int = 47, examples: int | None = None
) -> dict[str, Network]:
    """Return each arm's network; raise what `make_plan` does where shapes and settings alone tell it."""
    networks = {arm.name: _network(study, arm, (input_shape, classes), examples) for arm in study.arms}
    asked = [(arm, networks[arm.name], arm.settings.engine) for arm in study.arms]
    _expect_different(study, asked, examples)
    return networks


def _network(study: Study, arm: Arm, data: tuple[Shape, int], examples: int | None) -> Network:
    settings = arm.settings
    on_gpu = engines.may_use_gpu(settings.engine)
    try:
        network = settings.architecture.build(*data)
        expect_trainable(network, settings.recipe, examples, on_gpu)
    except AssayError as error:
        raise _named(error, study, arm) from None
    return network


def _expect_different(study: Study, arms: list[tuple[Arm, Network, str]], examples: int | None) -> None:
    runs = (
        (arm.name, run_of(network, arm.settings.recipe, engine, examples)) for arm, network, engine in arms
    )
    expect_different(runs, study.name)


def _cohort(study: Study, arm: Arm, network: Network, begun: str | None) -> Cohort:
    settings = arm.settings
    try:
        if begun is None:
            choice = engines.choose(settings.engine, network, settings.recipe)
        else:
            choice = engines.resume(begun, network, settings.recipe)
    except AssayError as error:
        raise _named(error, study, arm) from None
    return Cohort(arm, network, choice.engine, study.seeds, choice.why)


def _named(error: AssayError, study: Study, arm: Arm) -> AssayError:
    return type(error)(f"{study.name}: arm {arm.name!r}: {error}")
