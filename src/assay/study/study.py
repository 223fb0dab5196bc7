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

from assay.data import DataSpec
from assay.errors import AssayError, StudyError, shown, suggestion
from assay.records.metrics import MARGINS, check_margins
from assay.study import claims, factors, tables
from assay.study.claims import Claim
from assay.study.seeds import USUAL, check_looks, check_seeds, first_seeds, looks_up_to, seeds_and_looks
from assay.study.settings import SETTINGS, TABLES, Settings, expect_valid, subtable
from assay.study.tables import Table

MAX_RUNS = 100_000
MAX_ARMS = 1_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

_TYPES: tuple[tuple[str, Any, str], ...] = (
    ("question", str, "text"),
    ("base", Mapping, "a table"),
    ("factors", Mapping, "a table"),
    ("seeds", tuple, "a number of seeds or a list of integers"),
    ("control", str | None, "the name of an arm"),
    ("margin", int | float, "a number"),
    ("margins", Mapping, "a table"),
    ("source", str, "text"),
    ("claims", tuple, "a list of tables"),
    ("published", Mapping, "a table"),
    ("published_images", int | None, "a number of images"),
    ("quick", Mapping, "a table"),
    ("looks", tuple, "a list of numbers of seeds"),
    ("parent", str | None, "the digest of a study"),
)

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """One configuration: its name, its level of each factor, its settings."""

    name: str
    levels: Mapping[str, str]
    settings: Settings


@dataclass(frozen=True)
class Study:
    """A question with its factors and its budget.

    ``base`` holds the shared settings as tables; ``factors`` maps a factor's name to its levels, and each
    level to the tables it lays over ``base``. ``seeds`` are the paired seeds, ``control`` the arm that the
    others are compared with (all pairs are compared without one) and ``margin`` the difference in percentage
    points below which two arms' accuracies count as equivalent; ``margins`` are those of other metrics, by
    their names (``metrics.MARGINS``: points, or factors above 1). ``claims`` are published sentences to
    test; ``published`` holds, by arm and metric, the numbers that were printed (``metrics``, accuracies
    as shares); ``published_images`` is on how many images their accuracies were measured, as many as ours
    where it is None. ``looks`` are the numbers of seeds, the last one all of them, at which there may be a
    verdict; none stands for all seeds alone. ``parent`` is the digest of the study whose results were seen
    before seeds were added to it.
    """

    name: str
    question: str
    base: Table
    factors: Mapping[str, Mapping[str, Overrides]]
    seeds: tuple[int, ...] = tuple(range(USUAL))
    control: str | None = None
    margin: float = MARGINS["accuracy"].default
    source: str = ""
    claims: tuple[Claim, ...] = ()
    published: Mapping[str, Table] = field(default_factory=dict)
    quick: Overrides = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    parent: str | None = None
    margins: Mapping[str, float] = field(default_factory=dict)
    published_images: int | None = None

    def __post_init__(self) -> None:
        """Check everything that can be checked before there is data."""
        where = self.name
        _check_name(self.name, "name")
        _check_types(self, where)
        _known_keys(self.base, SETTINGS, where)
        check_seeds(self.seeds, where)
        check_looks(self.looks, len(self.seeds), where)
        if self.parent is not None and not _DIGEST.fullmatch(self.parent):
            raise StudyError(
                f"{where}: parent must be a study's digest, 64 hex digits; got {shown(self.parent)}"
            )
        self._check_margins(where)
        self._check_factors()
        self._check_arms()
        expect_valid(self.base, where)
        claims.check(self.claims, self.published, tuple(arm.name for arm in self.arms), where)
        if self.quick:
            self.quickened()

    def _check_margins(self, where: str) -> None:
        if not MARGINS["accuracy"].allows(self.margin):
            expected = MARGINS["accuracy"].expected
            raise StudyError(f"{where}: margin must be {expected}; got {shown(self.margin)}")
        check_margins(self.margins, where)
        if "accuracy" in self.margins:
            raise StudyError(
                f"{where}: margins.accuracy: the margin of accuracies is called margin (use that)"
            )
        images = self.published_images
        if images is not None and images < 1:
            raise StudyError(f"{where}: published_images must be at least 1; got {shown(images)}")

    def _check_factors(self) -> None:
        arms = 1
        for name, levels in self.factors.items():
            where = f"{self.name}: factor {shown(name)}"
            _check_name(name, where)
            _check_levels(levels, where)
            arms *= len(levels)
        for count, what, most in ((arms * len(self.seeds), "runs", MAX_RUNS), (arms, "arms", MAX_ARMS)):
            if count > most:
                raise StudyError(f"{self.name}: {count:,} {what} are more than {most:,} (use fewer levels)")
        for level, overrides in (each for levels in self.factors.values() for each in levels.items()):
            _check_level(overrides, f"{self.name}: level {level!r}")
        factors.expect_own_keys(self.factors, self.name)

    def _check_arms(self) -> None:
        """Refuse two arms of one name, as files know names: whatever the case of the letters."""
        names: dict[str, str] = {}
        for name in (arm.name for arm in self.arms):
            other = names.get(name.casefold())
            if other is not None:
                raise StudyError(f"{self.name}: arm {name!r} exists already, as {other!r} (rename a level)")
            names[name.casefold()] = name
        if self.control is not None and self.control not in names.values():
            hint = suggestion(self.control, names.values())
            raise StudyError(f"{self.name}: control {shown(self.control)} is no arm ({hint})")

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Every combination of one level per factor, in the file's order."""
        return tuple(self._arms())

    def _arms(self) -> Iterator[Arm]:
        for chosen in product(*(levels.items() for levels in self.factors.values())):
            name = "-".join(level for level, _ in chosen) or self.name
            _check_name(name, f"{self.name}: arm")
            where = f"{self.name}: arm {name!r}"
            values = self._merged(chosen)
            levels = dict(zip(self.factors, (level for level, _ in chosen), strict=True))
            yield Arm(name, levels, self._settings(values, where))
            factors.expect_reach(chosen, values, where)

    def _merged(self, chosen: tuple[tuple[str, Overrides], ...]) -> Table:
        """Lay the chosen levels over what all arms share."""
        values: Table = self.base
        for level, overrides in chosen:
            try:
                values = tables.merge(values, overrides)
            except StudyError as error:
                raise StudyError(f"{self.name}: level {level!r}: {error}") from None
        return values

    def _settings(self, values: Table, arm: str) -> Settings:
        """Build an arm's settings; what is wrong with the settings of all arms is no fault of the first."""
        try:
            return Settings.from_tables(values, arm)
        except AssayError as error:
            mistake = error
        try:
            Settings.from_tables(self.base, self.name)
        except AssayError as shared:
            if str(mistake).removeprefix(arm) == str(shared).removeprefix(self.name):
                raise
        raise mistake

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise StudyError(
            f"{self.name}: no arm {shown(name)} ({suggestion(name, [a.name for a in self.arms])})"
        )

    def margin_of(self, name: str) -> float:
        """Return the declared margin of that name, in points or as a factor, or else the usual one."""
        return self.margin if name == "accuracy" else self.margins.get(name, MARGINS[name].default)

    @property
    def data(self) -> DataSpec:
        """What every arm is trained on."""
        return tables.build(DataSpec, self.base.get("data", {}), f"{self.name}: data")

    def override(self, overrides: Overrides) -> "Study":
        """Return the study with other settings, ``seeds``, ``looks``, ``control`` or margins.

        With another number of seeds alone, the looks below it stay and it becomes the last one.
        """
        settings = {key: value for key, value in overrides.items() if key in SETTINGS}
        rest = {key: value for key, value in overrides.items() if key not in SETTINGS}
        _known_keys(overrides, (*SETTINGS, "seeds", "looks", "control", "margin", "margins"), self.name)
        rest |= seeds_and_looks(rest, self.name, self.seeds, self.looks)
        try:
            base = tables.merge(self.base, settings)
        except StudyError as error:
            raise StudyError(f"{self.name}: {error}") from None
        return replace(self, base=base, **rest)

    def quickened(self) -> "Study":
        """Return the quick profile: small networks, few epochs, few seeds."""
        if not self.quick:
            raise StudyError(f"{self.name}: has no [quick] table (run it without --quick)")
        return replace(self, name=f"{self.name}-quick", quick={}).override(self.quick)

    def with_seeds(self, count: int) -> "Study":
        """Return the study with its first ``count`` seeds, or more than it has; without a quick profile."""
        chosen, looks = first_seeds(self.seeds, count), looks_up_to(self.looks, count)
        return replace(self, seeds=chosen, looks=looks, quick={})

    def to_tables(self) -> dict[str, Any]:
        """Return the study as the tables of its file."""
        values = tables.table(self)
        base = values.pop("base")
        values["claims"] = [claims.to_table(claim) for claim in self.claims]
        return {**{key: value for key, value in values.items() if value not in (None, {}, [], "")}, **base}

    @property
    def digest(self) -> str:
        """SHA-256 of all that was declared; the quick profile is another study."""
        return digest_of(self.to_tables())


def digest_of(values: Table) -> str:
    """Return the digest of a study's tables, as `Study.to_tables` writes them."""
    beside = ("quick", "published_images")  # the latter is of the source
    declared = {key: value for key, value in values.items() if key not in beside}
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()


def from_tables(values: Table, where: str) -> Study:
    """Return the study that a file's tables describe; ``where`` names the file in errors."""
    keys = (
        "name",
        "question",
        "seeds",
        "control",
        "margin",
        "margins",
        "source",
        "factors",
        "claims",
        "published",
        "published_images",
        "quick",
        "looks",
        "parent",
    )
    _known_keys(values, (*keys, *SETTINGS), where)
    for key in ("name", "question"):
        if key not in values:
            raise StudyError(f"{where}: key {key!r} is missing")
    rest: dict[str, Any] = {key: values[key] for key in keys if key in values}
    rest |= seeds_and_looks(rest, where)
    rest.setdefault("factors", {})
    rest["claims"] = claims.from_tables(rest.get("claims", ()), where)
    try:
        return Study(base={key: values[key] for key in SETTINGS if key in values}, **rest)
    except AssayError as error:
        message = str(error)
        raise type(error)(message if message.startswith(f"{where}:") else f"{where}: {message}") from None


def _check_name(name: object, where: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise StudyError(
            f"{where}: expected a letter or digit, then letters, digits, . _ - (64 at most); "
            f"got {shown(name)}"
        )


def _check_types(study: Study, where: str) -> None:
    for key, types, called in _TYPES:
        value = getattr(study, key)
        if not isinstance(value, types) or isinstance(value, bool):
            raise StudyError(f"{where}: {key} must be {called}; got {shown(value)}")
    if not study.question.strip():
        raise StudyError(f"{where}: question is empty (ask what the study is to answer)")
    for key in TABLES:
        subtable(study.base, key, where)
    tables.check_plain(study.base, where)
    tables.check_plain(study.factors, where, ("factors",))
    tables.check_plain(study.quick, where, ("quick",))
    tables.check_plain(study.published, where, ("published",))
    tables.check_plain(study.margins, where, ("margins",))


def _check_levels(levels: object, where: str) -> None:
    if not isinstance(levels, Mapping) or not levels:
        raise StudyError(f"{where} needs a table of levels; got {shown(levels)}")
    for level in levels:
        _check_name(level, f"{where}: level")


def _check_level(overrides: Any, where: str) -> None:
    if not isinstance(overrides, Mapping):
        raise StudyError(f"{where}: expected the settings it changes; got {shown(overrides)}")
    _known_keys(overrides, ("network", "optimizer", "training", "engine"), where)
    training = overrides.get("training", {})
    if isinstance(training, Mapping) and "measure" in training:
        raise StudyError(f"{where}: training.measure is the same for all arms (write it under [training])")


def _known_keys(values: Table, known: tuple[str, ...], where: str) -> None:
    for key in values:
        if key not in known:
            raise StudyError(f"{where}: unknown key {shown(key)} ({suggestion(key, known)})")
