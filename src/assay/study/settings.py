"""Settings: everything that a run needs except its seed, as in the tables of a study file.

``[network]`` names a family (`assay.study.architectures`), ``[optimizer]`` a rule
(`assay.optim`), ``[training]`` holds the rest of the recipe, and ``[data]``
the data set. A setting that can be one of several kinds names its kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from assay.data import DataSpec
from assay.errors import StudyError, shown, suggestion
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RMSprop
from assay.optim.augment import KINDS
from assay.optim.course_rule import CourseRule
from assay.optim.penalties import L1, L2, Penalty
from assay.optim.recipe import Recipe
from assay.optim.schedules import (
    CONSTANT,
    Constant,
    CosineAnnealingLR,
    ExponentialLR,
    OneCycleLR,
    Schedule,
    StepLR,
    WarmUp,
)
from assay.records.runs import ELSEWHERE
from assay.study import architectures, tables
from assay.study.architecture import Architecture
from assay.study.architectures import Unknown
from assay.study.own_classes import own_penalty, own_rule
from assay.study.own_code import OwnClass
from assay.study.tables import Table

RULES: dict[str, type[Optimizer]] = {
    cls.__name__: cls for cls in (SGD, Adagrad, RMSprop, Adam, AdamW, Adamax, NAdam)
}
PENALTIES: dict[str, type[Penalty]] = {cls.__name__: cls for cls in (L1, L2)}
SCHEDULES: dict[str, type[Schedule]] = {
    cls.__name__: cls for cls in (Constant, StepLR, ExponentialLR, CosineAnnealingLR, OneCycleLR, WarmUp)
}
TABLES = ("network", "optimizer", "training", "data")
SETTINGS = (*TABLES, "engine")


@dataclass(frozen=True)
class Settings:
    """Everything a run needs except its data and its seed."""

    architecture: Architecture
    recipe: Recipe
    engine: str = "auto"

    @classmethod
    def from_tables(cls, values: Table, where: str) -> "Settings":
        """Build the settings from the study file's tables, in which a user's own classes are `OwnClass`.

        Those of engine "elsewhere", of runs that assay did not train, say nothing more.
        """
        if values.get("engine") == ELSEWHERE:
            return _imported(values, where)
        optimizer = _optimizer(subtable(values, "optimizer", where), f"{where}: optimizer")
        training = _options(subtable(values, "training", where), f"{where}: training")
        architecture = architectures.from_table(subtable(values, "network", where), f"{where}: network")
        recipe = tables.build(Recipe, {**training, "optimizer": optimizer}, f"{where}: training")
        if isinstance(optimizer, CourseRule) and recipe.schedule != CONSTANT:
            optimizer.expect_movable(f"{where}: optimizer")
        return cls(
            architecture,
            recipe,
            _text(values.get("engine", "auto"), f"{where}: engine"),
        )


def _imported(values: Table, where: str) -> "Settings":
    """Return the settings of runs that were trained elsewhere: nothing is known of network or recipe."""
    for key in ("network", "optimizer", "training"):
        if values.get(key):
            raise StudyError(
                f"{where}: {key}: is given, but engine = {ELSEWHERE!r} says that runs were trained elsewhere "
                "(leave out one of the two)"
            )
    return Settings(Unknown(), Recipe(SGD(), epochs=1), ELSEWHERE)


def data_spec(values: Table, where: str) -> DataSpec:
    """Build what all arms are trained on from the study file's tables."""
    return tables.build(DataSpec, subtable(values, "data", where), f"{where}: data")


def expect_valid(values: Table, where: str) -> None:
    """Refuse mistakes in the tables that arms share, even if every arm overrides them.

    They need not be complete: an optimizer, for example, may lack a key that the arms supply.
    """
    data_spec(values, where)
    network, optimizer = (subtable(values, key, where) for key in ("network", "optimizer"))
    needed = {"Layers": "layers", "Module": "module"}.get(str(network.get("family")))
    if "family" in network and (needed is None or needed in network):
        architectures.from_table(network, f"{where}: network")
    if "rule" in optimizer and not isinstance(optimizer["rule"], OwnClass):
        rule, rest = tables.kind_of(RULES, "rule", optimizer, f"{where}: optimizer")
        tables.checked_fields(rule, rest, f"{where}: optimizer")


def subtable(values: Table, key: str, where: str) -> Table:
    """Return the table under ``key``, empty where there is none."""
    table = values.get(key, {})
    if not isinstance(table, Mapping):
        raise StudyError(f"{where}: {key} must be a table; got {shown(table)}")
    return table


def _optimizer(table: Table, where: str) -> Optimizer:
    if isinstance(table.get("rule"), OwnClass):
        return own_rule(table["rule"], {key: value for key, value in table.items() if key != "rule"}, where)
    return tables.choose(RULES, "rule", table, where)


def _options(training: Table, where: str) -> dict[str, Any]:
    """Return the ``[training]`` table with the objects that its options name."""
    values = dict(training)
    if "loss" in values:
        raise StudyError(
            f"{where}.loss: no key of a study: every run minimises softmax cross-entropy, with "
            "training.penalties beside it (`assay check FILE.py:Name` checks a loss of your own)"
        )
    known = sorted({field.name for field in fields(Recipe)} - {"optimizer"})  # which has its own table
    for key in training:
        if key not in known:
            raise StudyError(f"{where}: unknown key {shown(key)} ({suggestion(key, known)})")
    if "schedule" in values:
        values["schedule"] = _schedule(values["schedule"], f"{where}.schedule")
    for key, kinds in (("penalties", PENALTIES), ("augment", KINDS)):
        if key in values:
            values[key] = _several(kinds, values[key], f"{where}.{key}")
    return values


def _schedule(value: Any, where: str) -> Schedule:
    """Build a schedule; a warm-up's ``after`` is one too."""
    values = dict(_kind_table(value, where))
    if "after" in values:
        values["after"] = _schedule(values["after"], f"{where}.after")
    return tables.choose(SCHEDULES, "kind", values, where)


def _several(kinds: Mapping[str, type[Any]], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise StudyError(f"{where}: expected a list of tables, each with 'kind'; got {shown(value)}")
    return tuple(_one(kinds, _kind_table(item, where), where) for item in value)


def _one(kinds: Mapping[str, type[Any]], table: Table, where: str) -> Any:
    own = table.get("kind")
    if isinstance(own, OwnClass) and kinds is PENALTIES:
        return own_penalty(own, {key: value for key, value in table.items() if key != "kind"}, where)
    return tables.choose(kinds, "kind", table, where)


def _kind_table(value: Any, where: str) -> Table:
    if not isinstance(value, Mapping):
        raise StudyError(f"{where}: expected a table with 'kind'; got {shown(value)}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise StudyError(f"{where}: expected a name; got {shown(value)}")
    return value
