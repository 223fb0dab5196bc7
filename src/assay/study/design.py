"""The design of a study: its arms, every combination of one level per factor."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from assay.errors import AssayError, StudyError, shown, suggestion
from assay.study import checks, factors, own_references, tables
from assay.study.factors import Levels
from assay.study.own_code import Code
from assay.study.settings import Settings
from assay.study.tables import Table


@dataclass(frozen=True)
class Arm:
    """One configuration: its name, its level of each factor, its settings."""

    name: str
    levels: Mapping[str, str]
    settings: Settings


@dataclass(frozen=True)
class Design:
    """What the arms of a study are made of.

    ``base`` are the tables that all arms share, ``factors`` map names to levels, and ``code`` holds the
    digests of the user's own files, by the names that settings give them. ``study`` is the study's name.
    """

    study: str
    base: Table
    factors: Mapping[str, Levels]
    code: Code

    def arms(self) -> Iterator[Arm]:
        """Yield every arm, in the order of the factors and their levels; `StudyError` for an invalid one."""
        for chosen in product(*(levels.items() for levels in self.factors.values())):
            name = "-".join(level for level, _ in chosen) or self.study
            checks.expect_name(name, f"{self.study}: arm")
            where = f"{self.study}: arm {name!r}"
            values = self._merged(chosen)
            levels = dict(zip(self.factors, (level for level, _ in chosen), strict=True))
            yield Arm(name, levels, self._settings(values, where))
            factors.expect_reach(chosen, values, where)

    def _merged(self, chosen: tuple[tuple[str, Table], ...]) -> Table:
        """Lay the chosen levels over what all arms share."""
        values = self.base
        for level, overrides in chosen:
            try:
                values = tables.merge(values, overrides)
            except StudyError as error:
                raise StudyError(f"{self.study}: level {level!r}: {error}") from None
        return values

    def _settings(self, values: Table, arm: str) -> Settings:
        """Build an arm's settings; do not blame the first arm for errors in the shared settings."""
        try:
            return self._built(values, arm)
        except AssayError as error:
            mistake = error
        try:
            self._built(self.base, self.study)
        except AssayError as shared:
            if str(mistake).removeprefix(arm) == str(shared).removeprefix(self.study):
                raise
        raise mistake

    def _built(self, values: Table, where: str) -> Settings:
        return Settings.from_tables(own_references.bound(values, self.code, where), where)


def expect_arms(names: Collection[str], control: str | None, where: str) -> None:
    """Refuse a control that is not an arm, and two arms whose names some file systems take for one.

    Those names differ at most in case.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.get(name.casefold())
        if other is not None:
            raise StudyError(f"{where}: arm {name!r} exists already, as {other!r} (rename a level)")
        seen[name.casefold()] = name
    if control is not None and control not in names:
        raise StudyError(f"{where}: control {shown(control)} is no arm ({suggestion(control, names)})")
