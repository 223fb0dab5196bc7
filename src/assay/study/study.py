"""Studies: a question, its factors and what stays the same.

A study file holds the settings that all arms share (``[network]``,
``[optimizer]``, ``[training]``, ``[data]``), the ``[factors]`` whose levels lay
other values over them, and a ``[quick]`` table that does the same for a short
trial of the whole. Arms are all combinations of one level per factor.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from assay.data import DataSpec
from assay.errors import AssayError, StudyError, shown, suggestion
from assay.optim.recipe import Recipe
from assay.records.metrics import MARGINS
from assay.records.runs import ELSEWHERE
from assay.study import checks, claims, factors, own_references, tables, toml
from assay.study.architecture import Architecture
from assay.study.claims import Claim
from assay.study.design import Arm, Design, expect_arms
from assay.study.factors import Factor
from assay.study.overrides import expect_reach, nested
from assay.study.seeds import (
    check_looks,
    check_seeds,
    first_seeds,
    given_seeds_and_looks,
    looks_up_to,
    seeds_and_looks,
)
from assay.study.settings import SETTINGS, data_spec, expect_valid
from assay.study.tables import Table
from assay.study.values import plain, shared, undotted

Overrides = Mapping[str, Any]
NOTHING: Mapping[str, Any] = MappingProxyType({})
KEYS = (
    "name", "question", "seeds", "control", "margin", "margins", "source", "factors", "claims", "published",
    "published_images", "quick", "looks", "parent", "code",
)  # fmt: skip
"""The keys of a study file besides its settings."""


@dataclass(frozen=True, init=False)
class Study:
    """A question, with its factors and budget.

    ``network``, ``recipe``, ``data`` and ``engine`` are what all arms share. ``base`` is the same as tables
    of a study file, for settings that are read from one; where both say something, the dataclass holds.
    ``factors`` are what the arms differ in: a list of `Factor`, or tables that map a factor's name to its
    levels and each level to the tables that it lays over ``base``. ``seeds`` are the paired seeds, or how
    many of them, counted from 0; by default 5. ``control`` is the arm that the others are compared with
    (all pairs are compared without one) and ``margin`` the difference in percentage points below which two
    arms' accuracies count as equivalent; ``margins`` are those of other metrics, by their names
    (``metrics.MARGINS``: points, or factors above 1). ``looks`` are the numbers of seeds, the last one all
    of them, at which there may be a verdict; none stands for all seeds alone. ``claims`` are published
    sentences to test; ``published`` holds, by arm and metric, the numbers that were printed (``metrics``,
    accuracies as shares); ``published_images`` is on how many images their accuracies were measured, as
    many as ours where it is None. ``quick`` holds what a short trial changes, as `override` takes it.
    ``parent`` is the digest of the study whose results were seen before seeds were added to it or settings
    changed. ``code`` holds the digest of each Python file that settings name, as ``file.py:Name``; by default
    the files are read, not run, from the current folder. A layer, learning rule or penalty of your own can be
    given as an object or a class.

    Whatever is given as a dataclass is kept as the table that a study file has for it, in ``base``,
    ``factors`` and ``quick``. Raises `StudyError`, in one line, for what is not a study.
    """

    name: str
    question: str
    base: Table
    factors: Mapping[str, Mapping[str, Overrides]]
    seeds: tuple[int, ...]
    control: str | None
    margin: float
    source: str
    claims: tuple[Claim, ...]
    published: Mapping[str, Table]
    quick: Overrides
    looks: tuple[int, ...]
    parent: str | None
    margins: Mapping[str, float]
    published_images: int | None
    code: Mapping[str, str]

    def __init__(
        self,
        name: str,
        question: str,
        *,
        network: Architecture | None = None,
        recipe: Recipe | None = None,
        data: DataSpec | None = None,
        engine: str | None = None,
        factors: Sequence[Factor] | Mapping[str, Mapping[str, Overrides]] = (),
        seeds: int | Sequence[int] | None = None,
        control: str | None = None,
        margin: float = MARGINS["accuracy"].default,
        margins: Mapping[str, float] = NOTHING,
        looks: Sequence[int] = (),
        claims: Sequence[Claim] = (),
        published: Mapping[str, Table] = NOTHING,
        published_images: int | None = None,
        source: str = "",
        quick: Overrides = NOTHING,
        parent: str | None = None,
        code: Mapping[str, str] = NOTHING,
        base: Table = NOTHING,
    ) -> None:
        given = {
            "question": question, "base": base, "control": control, "margin": margin, "margins": margins,
            "claims": claims, "published": published, "published_images": published_images, "source": source,
            "quick": quick, "parent": parent, "code": code,
        }  # fmt: skip
        checks.expect_name(name, "name")
        checks.expect_types(given, name)
        given |= {"name": name, "base": plain(base, name) | shared(network, recipe, data, engine, name)}
        given |= given_seeds_and_looks(seeds, looks, name) | _written(given, factors)
        settings = (given["base"], given["factors"], given["quick"])
        given["code"] = own_references.read(settings, Path(), code, name)
        for key, value in given.items():
            object.__setattr__(self, key, value)
        self._check()

    def _check(self) -> None:
        """Check everything that can be checked without data."""
        where = self.name
        checks.expect_plain(vars(self), where)
        checks.known_keys(self.base, SETTINGS, where)
        check_seeds(self.seeds, where)
        check_looks(self.looks, len(self.seeds), where)
        checks.expect_margins(self.margin, self.margins, self.published_images, where)
        checks.expect_factors(self.factors, len(self.seeds), where)
        names = tuple(arm.name for arm in self.arms)
        expect_arms(names, self.control, where)
        expect_valid(own_references.bound(self.base, self.code, where), where)
        claims.check(self.claims, self.published, names, where)
        if self.quick:
            self.quickened()

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Every combination of one level per factor, in the file's order."""
        return tuple(Design(self.name, self.base, self.factors, self.code).arms())

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise StudyError(
            f"{self.name}: no arm {shown(name)} ({suggestion(name, [a.name for a in self.arms])})"
        )

    @property
    def imported(self) -> bool:
        """Whether its runs were trained elsewhere and imported: of its arms only the names are known."""
        return self.base.get("engine") == ELSEWHERE

    def margin_of(self, name: str) -> float:
        """Return the declared margin of that name, in points or as a factor, or else the default."""
        return self.margin if name == "accuracy" else self.margins.get(name, MARGINS[name].default)

    @property
    def data(self) -> DataSpec:
        """The data that every arm is trained on."""
        return data_spec(self.base, self.name)

    def override(self, overrides: Overrides) -> "Study":
        """Return the study with other settings, ``seeds``, ``looks``, ``control`` or margins.

        Keys are those of a study file, with dots or in tables: ``{"training.epochs": 2}`` is
        ``{"training": {"epochs": 2}}``. A dataclass, such as ``{"network": ConvPool()}``, replaces the
        whole table. With another number of seeds alone, the looks below it stay and it becomes the last
        one. Raises `UsageError` for a setting that an arm's own level lays itself over, for it would change
        some arms or none, and what a study can raise.
        """
        changes = nested(overrides, self.name)
        study = self._laid_over(changes, {key for key, value in overrides.items() if is_dataclass(value)})
        levels = {arm.name: [self.factors[f][level] for f, level in arm.levels.items()] for arm in self.arms}
        expect_reach(changes, study.base, levels, self.name)
        return study

    def _laid_over(self, changes: Table, replaced: set[str]) -> "Study":
        """Lay tables over the study's; those in ``replaced`` are replaced entirely."""
        checks.known_keys(changes, (*SETTINGS, "seeds", "looks", "control", "margin", "margins"), self.name)
        below = {key: value for key, value in self.base.items() if key not in replaced}
        rest = {key: value for key, value in changes.items() if key not in SETTINGS}
        rest |= seeds_and_looks(rest, self.name, self.seeds, self.looks)
        try:
            base = tables.merge(below, {key: value for key, value in changes.items() if key in SETTINGS})
        except StudyError as error:
            raise StudyError(f"{self.name}: {error}") from None
        return replace(self, base=base, **rest)

    def __repr__(self) -> str:
        """Describe the study in one line: how large it is, and its question."""
        return f"<Study {self.name}: {len(self.arms)} arms x {len(self.seeds)} seeds: {self.question}>"

    def quickened(self) -> "Study":
        """Return the quick profile: small networks, few epochs, few seeds."""
        if not self.quick:
            raise StudyError(f"{self.name}: has no [quick] table (run it without --quick)")
        return replace(self, name=f"{self.name}-quick", quick={})._laid_over(self.quick, set())

    def with_seeds(self, count: int) -> "Study":
        """Return the study with its first ``count`` seeds, or more than it has; without a quick profile."""
        chosen, looks = first_seeds(self.seeds, count), looks_up_to(self.looks, count)
        return replace(self, seeds=chosen, looks=looks, quick={})

    @classmethod
    def from_tables(cls, values: Table, where: str = "study") -> "Study":
        """Return the study that a file's tables describe; ``where`` names the file in errors.

        Files of Python code that the tables name have their digests under ``code``.
        """
        if not isinstance(values, Mapping):
            raise StudyError(f"{where}: expected the tables of a study file; got {shown(values)}")
        checks.known_keys(values, (*KEYS, *SETTINGS), where)
        for key in ("name", "question"):
            if key not in values:
                raise StudyError(f"{where}: key {key!r} is missing")
        rest: dict[str, Any] = {key: values[key] for key in KEYS if key in values}
        rest |= seeds_and_looks(rest, where)
        rest["claims"] = claims.from_tables(rest.get("claims", ()), where)
        if not isinstance(rest.get("factors", {}), Mapping):
            raise StudyError(f"{where}: factors must be a table; got {shown(rest['factors'])}")
        try:
            own_references.expect_known(values, rest.get("code", {}), where)
            return cls(base={key: values[key] for key in SETTINGS if key in values}, **rest)
        except AssayError as error:
            message = str(error)
            raise type(error)(message if message.startswith(f"{where}:") else f"{where}: {message}") from None

    def to_tables(self) -> dict[str, Any]:
        """Return the study as the tables of its file."""
        values = tables.table(self)
        base = values.pop("base")
        values["claims"] = [claims.to_table(claim) for claim in self.claims]
        return {**{key: value for key, value in values.items() if value not in (None, {}, [], "")}, **base}

    def to_toml(self) -> str:
        """Return the study as the text of a study file, which `load_study` reads as this study."""
        return toml.dumps(self.to_tables())

    @property
    def digest(self) -> str:
        """SHA-256 of everything declared; the quick profile is a different study."""
        return digest_of(self.to_tables())


def digest_of(values: Table) -> str:
    """Return the digest of a study's tables, as `Study.to_tables` writes them."""
    beside = ("quick", "published_images")  # the latter is of the source
    declared = {key: value for key, value in values.items() if key not in beside}
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()


def _written(given: Table, found: Any) -> dict[str, Any]:
    """Return the values given as dataclasses, as tables."""
    where, base = given["name"], given["base"]
    return {
        "factors": factors.to_tables(found, base, where),
        "claims": claims.from_tables(given["claims"], where),
        "published": plain(given["published"], f"{where}: published"),
        "margins": plain(given["margins"], f"{where}: margins"),
        "quick": plain(undotted(given["quick"]), f"{where}: quick", base),
    }
