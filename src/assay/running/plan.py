"""The plan of a study: which networks it trains, with which engine, for which seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from types import MappingProxyType

from assay import engines
from assay.data import Dataset, DataSpec
from assay.data.outline import Outline, outline
from assay.engines.base import Engine
from assay.errors import AssayError, DataError, StudyError
from assay.findings.cells import table_html
from assay.findings.numbers import count, plural
from assay.nn.network import Network
from assay.optim.recipe import Recipe
from assay.records.runs import RunId
from assay.study import own_code
from assay.study.design import Arm
from assay.study.sameness import expect_different, run_of
from assay.study.study import Study
from assay.study.trainable import Placement, expect_trainable
from assay.training.own_layers import OwnCheck, check_own, words_of
from assay.training.train import Job

NOT_BEGUN: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Cohort:
    """The runs of one arm: network, recipe and seeds; ``why`` says how "auto" chose the engine."""

    arm: Arm
    network: Network
    engine: Engine
    seeds: tuple[int, ...]
    why: str = ""

    @property
    def recipe(self) -> Recipe:
        """How the network is trained."""
        return self.arm.settings.recipe

    @property
    def cost(self) -> int:
        """What a run costs in comparison with others: FLOPs for an example, times epochs."""
        return self.network.flops * self.recipe.epochs

    def job(self, seeds: tuple[int, ...]) -> Job:
        """Return the job that trains some of the cohort's seeds in one session."""
        return Job(self.engine, self.network, self.recipe, seeds)


@dataclass(frozen=True)
class Plan:
    """Every cohort of a study, with all of its seeds or the first ones."""

    study: Study
    cohorts: tuple[Cohort, ...]
    checks: tuple[OwnCheck, ...] = ()
    """What the user's own layers, rules and penalties were tried with, and what was found."""

    def __repr__(self) -> str:
        """Describe the plan in one line: the study, and how many of its runs are planned."""
        seeds = len(self.cohorts[0].seeds)
        what = f"{plural(len(self.cohorts), 'arm')} x {plural(seeds, 'seed')}"
        return f"<Plan of {self.study.name}: {what}, {plural(len(self.runs), 'run')}>"

    def _repr_html_(self) -> str:
        headings = ("arm", "parameters", "FLOPs", "epochs", "seeds", "engine", "why")
        rows = [
            (
                cohort.arm.name,
                f"{cohort.network.parameter_count:,}",
                count(cohort.network.flops) + "".join(f", without {n}" for n in cohort.network.uncounted),
                str(cohort.recipe.epochs),
                str(len(cohort.seeds)),
                cohort.engine.name,
                cohort.why,
            )
            for cohort in self.cohorts
        ]
        lead = f"<p><small>{escape(self.study.name)}</small><br><b>{escape(self.study.question)}</b></p>"
        return f"<div>{lead}{table_html(headings, rows)}</div>"

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
        return self._by_arm[arm]

    @cached_property
    def _by_arm(self) -> dict[str, Cohort]:
        return {cohort.arm.name: cohort for cohort in self.cohorts}

    @property
    def isolated(self) -> bool:
        """Whether runs are to be trained in processes, since code that is not assay's can end its own.

        Then the runs of all arms are, to be compared alike; but not where that code is the running program.
        """
        return bool(self.study.code) and not own_code.is_running(self.study.code)


def make_plan(
    study: Study,
    data: Dataset | DataSpec | Outline | None = None,
    begun: Mapping[str, str] = NOT_BEGUN,
    *,
    elsewhere: bool = False,
) -> Plan:
    """Return the plan of ``study`` for ``data``, fully checked; nothing is trained.

    ``data`` is a data set, a specification of one, or an outline of its sizes, by default the study's own.
    ``begun`` names the engine with which runs of an arm were begun; the arm keeps it, whatever it would be
    given today, since results are bit-identical only with the same engine. A study that is trained
    ``elsewhere`` may ask for a GPU, "torch:cuda", that is not here. Raises `ShapeError`, `StudyError` or
    `UnsupportedError`, naming the arm, if a network does not fit or cannot be trained, and `DataError` if the
    data is not on this machine, so that its shape and classes are unknown. Errors that show in the shapes
    alone are raised before any engine is consulted.
    """
    sizes = _sizes(study.data if data is None else data)
    networks = check(study, sizes, loaded=isinstance(data, Dataset), elsewhere=elsewhere)
    checks = _check_own(study, networks)
    cohorts = tuple(
        _cohort(study, arm, networks[arm.name], begun.get(arm.name), elsewhere) for arm in study.arms
    )
    _expect_different(study, [(c.arm, c.network, c.engine.name) for c in cohorts], sizes.train)
    return Plan(study, cohorts, checks)


def same_plan(study: Study, data: Dataset, arm: Arm, engine: str) -> Plan:
    """Return one arm of a plan that another process has made and checked, with the engine that it found."""
    return Plan(study, (_cohort(study, arm, _built(arm, Outline.of(data)), engine),))


def check(
    study: Study, sizes: Outline, *, loaded: bool = False, elsewhere: bool = False
) -> dict[str, Network]:
    """Return each arm's network; raise those errors of `make_plan` that show in shapes and settings alone.

    The images need room too, unless they are ``loaded``.
    """
    own_code.expect_trusted(study.code, study.name)
    beside = 0 if loaded else sizes.bytes
    networks = {arm.name: _network(study, arm, sizes, beside, elsewhere) for arm in study.arms}
    asked = [(arm, networks[arm.name], arm.settings.engine) for arm in study.arms]
    _expect_different(study, asked, sizes.train)
    return networks


def _sizes(data: Dataset | DataSpec | Outline) -> Outline:
    """Return the sizes of a data set."""
    if isinstance(data, Outline):
        return data
    if isinstance(data, Dataset):
        return Outline.of(data)
    sizes = outline(data)
    if sizes.assumed:
        raise DataError(
            f"data set {data.source!r} is not on this machine, so its shape and classes are not known "
            f"(run `assay data fetch {data.source.partition('/')[0]}`, or plan for DataSpec('glyphs'))"
        )
    return sizes


def _network(study: Study, arm: Arm, sizes: Outline, beside: int, elsewhere: bool) -> Network:
    settings = arm.settings
    listed = settings.engine in (engines.AUTO, "numba")
    place = Placement(engines.may_use_gpu(settings.engine, elsewhere=elsewhere), listed, beside)
    try:
        network = _built(arm, sizes)
        expect_trainable(network, settings.recipe, sizes.train, place)
    except AssayError as error:
        raise _named(error, study, arm) from None
    except Exception as error:
        if not study.code:
            raise
        raise StudyError(f"{study.name}: arm {arm.name!r}: {words_of(error)}") from error
    return network


def _check_own(study: Study, networks: Mapping[str, Network]) -> tuple[OwnCheck, ...]:
    """Try what is the user's own; refuse what is wrong, unless that was asked for."""
    found: dict[OwnCheck, None] = {}
    for arm in study.arms:
        for result in check_own(networks[arm.name], arm.settings.recipe):
            found[result] = None
            if result.wrong and not own_code.is_unchecked(study.code):
                raise StudyError(
                    f"{study.name}: arm {arm.name!r}: {result.cls}, {result.place}: {result.wrong} "
                    "(`assay check` says more; --unchecked trains it as it is)"
                )
    return tuple(found)


def _built(arm: Arm, sizes: Outline) -> Network:
    return arm.settings.architecture.build(sizes.input_shape, sizes.classes)


def _expect_different(study: Study, arms: list[tuple[Arm, Network, str]], examples: int) -> None:
    runs = (
        (arm.name, run_of(network, arm.settings.recipe, engine, examples)) for arm, network, engine in arms
    )
    expect_different(runs, study.name)


def _cohort(study: Study, arm: Arm, network: Network, begun: str | None, elsewhere: bool = False) -> Cohort:
    settings = arm.settings
    try:
        if begun is None:
            choice = engines.choose(settings.engine, network, settings.recipe, elsewhere=elsewhere)
        else:
            choice = engines.resume(begun, network, settings.recipe, elsewhere=elsewhere)
    except AssayError as error:
        raise _named(error, study, arm) from None
    return Cohort(arm, network, choice.engine, study.seeds, choice.why)


def _named(error: AssayError, study: Study, arm: Arm) -> AssayError:
    return type(error)(f"{study.name}: arm {arm.name!r}: {error}")
