"""Studies: a question, its factors and what stays the same.

A study file holds the settings that all arms share (``[network]``,
``[optimizer]``, ``[training]``, ``[data]``), the ``[factors]`` whose levels lay
other values over them, and a ``[quick]`` table that does the same for a short
trial of the whole. Arms are all combinations of one level per factor.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Any

from assay import architectures, tables
from assay.architectures import Architecture
from assay.data import DataSpec
from assay.errors import AssayError, StudyError, suggestion
from assay.optim import SGD, Adam, Optimizer
from assay.recipe import Recipe
from assay.tables import Table

RULES: dict[str, type[Optimizer]] = {cls.__name__: cls for cls in (SGD, Adam)}
SETTINGS = ("network", "optimizer", "training", "data", "engine")
MAX_RUNS = 100_000
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """Everything a run needs but its seed."""

    architecture: Architecture
    recipe: Recipe
    data: DataSpec
    engine: str = "auto"

    @classmethod
    def from_tables(cls, values: Table, where: str) -> "Settings":
        """Build the settings from the study file's tables."""
        optimizer = tables.choose(RULES, "rule", _table(values, "optimizer", where), f"{where}: optimizer")
        training = {**_table(values, "training", where), "optimizer": optimizer}
        return cls(
            architectures.from_table(_table(values, "network", where), f"{where}: network"),
            tables.build(Recipe, training, f"{where}: training"),
            tables.build(DataSpec, _table(values, "data", where), f"{where}: data"),
            _text(values.get("engine", "auto"), f"{where}: engine"),
        )


@dataclass(frozen=True)
class Arm:
    """One configuration: its name, its level of each factor, its settings."""

    name: str
    levels: Mapping[str, str]
    settings: Settings


@dataclass(frozen=True)
class Study:
    """A question with its factors and its budget.

    ``base`` holds the shared settings as tables; ``factors`` maps a factor's
    name to its levels, and each level to the tables it lays over ``base``.
    ``seeds`` are the paired seeds, ``control`` the arm that the others are
    compared with (all pairs are compared without one) and ``margin`` the
    difference in percentage points below which two arms count as equivalent.
    """

    name: str
    question: str
    base: Table
    factors: Mapping[str, Mapping[str, Overrides]]
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    control: str | None = None
    margin: float = 0.3
    source: str = ""
    quick: Overrides = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check everything that can be checked before there is data."""
        where = self.name
        if not _NAME.fullmatch(self.name):
            raise StudyError(f"name: letters, digits, . _ - (1 to 64 of them) expected; got {self.name!r}")
        _known_keys(self.base, SETTINGS, where)
        _check_seeds(self.seeds, where)
        if not self.margin > 0:
            raise StudyError(f"{where}: margin must be a number > 0; got {self.margin}")
        self._check_size()
        names = [arm.name for arm in self.arms]
        if self.control is not None and self.control not in names:
            raise StudyError(
                f"{where}: control {self.control!r} is no arm ({suggestion(self.control, names)})"
            )

    def _check_size(self) -> None:
        runs = len(self.seeds)
        for name, levels in self.factors.items():
            runs *= _level_count(levels, f"{self.name}: factor {name!r}")
        if runs > MAX_RUNS:
            raise StudyError(f"{self.name}: {runs:,} runs are more than {MAX_RUNS:,} (use fewer levels)")

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Every combination of one level per factor, in the file's order."""
        return tuple(self._arms())

    def _arms(self) -> Iterator[Arm]:
        for chosen in product(*(levels.items() for levels in self.factors.values())):
            name = "-".join(level for level, _ in chosen) or self.name
            if not _NAME.fullmatch(name):
                raise StudyError(f"{self.name}: arm names take letters, digits, . _ - (1..64); got {name!r}")
            values: Table = self.base
            for level, overrides in chosen:
                _check_level(overrides, f"{self.name}: level {level!r}")
                values = tables.merge(values, overrides)
            levels = dict(zip(self.factors, (level for level, _ in chosen), strict=True))
            yield Arm(name, levels, Settings.from_tables(values, f"{self.name}: arm {name!r}"))

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise StudyError(f"{self.name}: no arm {name!r} ({suggestion(name, [a.name for a in self.arms])})")

    @property
    def data(self) -> DataSpec:
        """What every arm is trained on."""
        return tables.build(DataSpec, self.base.get("data", {}), f"{self.name}: data")

    def override(self, overrides: Overrides) -> "Study":
        """Return the study with other settings, ``seeds``, ``control`` or ``margin``."""
        settings = {key: value for key, value in overrides.items() if key in SETTINGS}
        rest = {key: value for key, value in overrides.items() if key not in SETTINGS}
        _known_keys(rest, ("seeds", "control", "margin"), self.name)
        if "seeds" in rest:
            rest["seeds"] = _seeds(rest["seeds"], self.name)
        return replace(self, base=tables.merge(self.base, settings), **rest)

    def quickened(self) -> "Study":
        """Return the quick profile: small networks, few epochs, few seeds."""
        if not self.quick:
            raise StudyError(f"{self.name}: has no [quick] table (run it without --quick)")
        return replace(self.override(self.quick), name=f"{self.name}-quick", quick={})

    def to_tables(self) -> dict[str, Any]:
        """Return the study as the tables of its file."""
        values = tables.table(self)
        base = values.pop("base")
        return {key: value for key, value in {**values, **base}.items() if value not in (None, {}, "")}

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the results depend on."""
        return hashlib.sha256(json.dumps(self.to_tables(), sort_keys=True).encode()).hexdigest()


def from_tables(values: Table, where: str) -> Study:
    """Return the study that a file's tables describe; ``where`` names the file in errors."""
    keys = ("name", "question", "seeds", "control", "margin", "source", "factors", "quick")
    _known_keys(values, (*keys, *SETTINGS), where)
    for key in ("name", "question"):
        if key not in values:
            raise StudyError(f"{where}: key {key!r} is missing")
    rest: dict[str, Any] = {key: values[key] for key in keys if key in values}
    rest["seeds"] = _seeds(rest.get("seeds", 5), where)
    rest.setdefault("factors", {})
    _check_types(rest, where)
    try:
        return Study(base={key: values[key] for key in SETTINGS if key in values}, **rest)
    except AssayError as error:
        message = str(error)
        raise type(error)(message if where in message else f"{where}: {message}") from None


def _check_types(values: Table, where: str) -> None:
    expected: dict[str, tuple[type, ...]] = {
        "name": (str,), "question": (str,), "control": (str,), "source": (str,),
        "margin": (int, float), "factors": (dict,), "quick": (dict,),
    }  # fmt: skip
    for key, types in expected.items():
        if key in values and (not isinstance(values[key], types) or isinstance(values[key], bool)):
            raise StudyError(f"{where}: {key} must be a {types[-1].__name__}; got {values[key]!r}")


def _seeds(value: Any, where: str) -> tuple[int, ...]:
    """Turn a count or a list into seeds."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MAX_RUNS:
            raise StudyError(f"{where}: seeds must be at least 1; got {value}")
        return tuple(range(value))
    if not isinstance(value, list | tuple):
        raise StudyError(f"{where}: seeds must be a number of seeds or a list of integers; got {value!r}")
    return tuple(value)


def _level_count(levels: object, where: str) -> int:
    if not isinstance(levels, Mapping) or not levels:
        raise StudyError(f"{where} needs a table of levels; got {levels!r}")
    return len(levels)


def _check_seeds(seeds: tuple[int, ...], where: str) -> None:
    for index, seed in enumerate(seeds):
        if not _is_seed(seed):
            raise StudyError(f"{where}: seeds must be integers 0..2^63-1; got {seed!r}")
        if seed in seeds[:index]:
            raise StudyError(f"{where}: seed {seed} listed twice; repeats are not independent runs")
    if not seeds:
        raise StudyError(f"{where}: seeds must be at least 1; got none")


def _is_seed(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _check_level(overrides: Any, where: str) -> None:
    if not isinstance(overrides, Mapping):
        raise StudyError(f"{where}: expected the settings it changes; got {overrides!r}")
    _known_keys(overrides, ("network", "optimizer", "training", "engine"), where)


def _known_keys(values: Table, known: tuple[str, ...], where: str) -> None:
    for key in values:
        if key not in known:
            raise StudyError(f"{where}: unknown key {key!r} ({suggestion(key, known)})")


def _table(values: Table, key: str, where: str) -> Table:
    table = values.get(key, {})
    if not isinstance(table, Mapping):
        raise StudyError(f"{where}: {key} must be a table; got {table!r}")
    return table


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise StudyError(f"{where}: expected a name; got {value!r}")
    return value
