"""Factors and their levels, and checks that each factor changes something no other does.

A factor maps the names of its levels to the tables that they lay over the
study's shared ones. If two factors wrote the same key, the later one would win,
and the other would compare networks that do not differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

from assay.errors import StudyError, shown
from assay.study import tables
from assay.study.own_references import is_reference
from assay.study.tables import Path, Table
from assay.study.values import plain, undotted

Levels = Mapping[str, Table]


@dataclass(frozen=True)
class Factor:
    """A setting in which arms differ, and its values.

    ``key`` is the setting as a study file has it, with dots: "optimizer.lr", "network.batch_norm", or
    "network" for whole networks. ``levels`` are its values, or a mapping from names to values; unnamed
    values are named after themselves: 0.01 is "0.01" and ``Adam()`` is "Adam". With an empty ``key``,
    each value is itself a mapping from dotted keys to values, for levels that change several settings
    together. ``name`` defaults to the last part of ``key``.
    """

    key: str
    levels: Sequence[Any] | Mapping[str, Any]
    name: str = ""

    @property
    def title(self) -> str:
        """The factor's name in a study."""
        return self.name or str(self.key).rpartition(".")[2]

    def table(self, base: Table, where: str) -> dict[str, Any]:
        """Return the levels as tables to lay over ``base``; `StudyError` if they are not valid levels."""
        return {
            name: self._overrides(value, base, f"{where}: level {name!r}")
            for name, value in self._named(where)
        }

    def _named(self, where: str) -> Iterator[tuple[str, Any]]:
        if isinstance(self.levels, Mapping):
            yield from self.levels.items()
            return
        if isinstance(self.levels, str) or not isinstance(self.levels, Iterable):
            raise StudyError(
                f"{where}: levels must be a list of values or a mapping; got {shown(self.levels)}"
            )
        seen: set[str] = set()
        for value in self.levels:
            name = _name(value)
            if name in seen:
                raise StudyError(
                    f"{where}: two levels are called {name!r} (give a mapping of names to values)"
                )
            seen.add(name)
            yield name, value

    def _overrides(self, value: Any, base: Table, where: str) -> Any:
        if self.key:
            value = {self.key: value}
        elif not isinstance(value, Mapping):
            raise StudyError(f"{where}: expected a mapping of settings to values; got {shown(value)}")
        return plain(undotted(value), where, base)


def to_tables(factors: Any, base: Table, where: str) -> Mapping[str, Any]:
    """Return factors as study-file tables; they may already be tables of tables."""
    if isinstance(factors, Mapping):
        return {name: _tables(levels, base, f"{where}: factor {name!r}") for name, levels in factors.items()}
    if isinstance(factors, str) or not isinstance(factors, Iterable):
        raise StudyError(f"{where}: factors must be a list of Factor or a table; got {shown(factors)}")
    found: dict[str, Any] = {}
    for factor in factors:
        if not isinstance(factor, Factor):
            raise StudyError(f"{where}: factors: expected a Factor; got {shown(factor)}")
        if factor.title in found:
            raise StudyError(f"{where}: two factors are called {factor.title!r} (give one another name)")
        found[factor.title] = factor.table(base, f"{where}: factor {factor.title!r}")
    return found


def _tables(levels: Any, base: Table, where: str) -> Any:
    """Return levels given as tables, which may contain dataclasses; other values are refused later."""
    if not isinstance(levels, Mapping):
        return levels
    return {level: plain(value, f"{where}: level {level!r}", base) for level, value in levels.items()}


def _name(value: Any) -> str:
    """Return a level's name, derived from its value: "0.01", "true", "5-10", "Adam"."""
    if isinstance(value, type):
        return value.__name__
    if is_dataclass(value):
        return type(value).__name__
    if is_reference(value):
        return str(value).rpartition(":")[2]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "-".join(map(_name, value)) or "none"
    return f"{value:g}".replace("+", "") if isinstance(value, float) else str(value)


def expect_own_keys(factors: Mapping[str, Levels], where: str) -> None:
    """Refuse two factors that write the same key, or one that writes part of what the other writes."""
    writers: dict[Path, str] = {}
    inside: dict[Path, tuple[str, Path]] = {}
    for factor, levels in factors.items():
        for path in _paths(levels):
            above = [path[:length] for length in range(1, len(path) + 1)]
            clashes = [(writers[part], part) for part in above if part in writers]
            if path in inside:
                clashes.append((inside[path][0], path))
            for other, shared in clashes:
                if other != factor:
                    raise StudyError(_clash(shared, (other, factors[other]), (factor, levels), where))
            writers.setdefault(path, factor)
            for part in above[:-1]:
                inside.setdefault(part, (factor, path))


def expect_reach(chosen: Iterable[tuple[str, Table]], merged: Table, where: str) -> None:
    """Refuse an arm in which a level's setting is lost because another level replaced its table."""
    for level, overrides in chosen:
        for path, value in tables.leaves(overrides):
            if tables.at(merged, path) is not value:
                kinds = f"{', '.join(tables.TAGS[:-1])} or {tables.TAGS[-1]}"
                raise StudyError(
                    f"{where}: {_dotted(path)} of level {level!r} is lost: a later level replaces the table "
                    f"(put the factor that names another {kinds} first)"
                )


def _paths(levels: Levels) -> Iterator[Path]:
    """Yield each key that any of the levels writes, once."""
    yield from dict.fromkeys(path for overrides in levels.values() for path, _ in tables.leaves(overrides))


def _clash(path: Path, one: tuple[str, Levels], other: tuple[str, Levels], where: str) -> str:
    """Say which factors write the same key, and how to express what was meant."""
    key = _dotted(path)
    both = f"{where}: factors {one[0]!r} and {other[0]!r} both write {key}, so the later would win"
    own = [_differing(levels, path) for _, levels in (one, other)]
    if not all(own) or set(own[0]) & set(own[1]):
        return f"{both} (let each change keys of its own, or make one factor of their combinations)"
    first, second = (" and ".join(map(_dotted, found[:2])) for found in own)
    return (
        f"{both} (write it once in [{path[0]}], and let {one[0]!r} change {first} alone, "
        f"and {other[0]!r} {second})"
    )


def _differing(levels: Levels, path: Path) -> Sequence[Path]:
    """Return in which items, as far as lists of equal lengths go, a factor's levels differ below ``path``."""
    values = [tables.at(overrides, path) for overrides in levels.values()]
    return list(dict.fromkeys(_unequal(values, path))) if len(values) > 1 else []


def _unequal(values: Sequence[Any], path: Path) -> Iterator[Path]:
    """Yield the paths at which not all ``values`` are equal."""
    if all(value == values[0] for value in values):
        return
    keys = _keys(values)
    if keys is None:
        yield path
        return
    for key in keys:
        yield from _unequal([tables.at(value, (key,)) for value in values], (*path, key))


def _keys(values: Sequence[Any]) -> list[str] | None:
    """Return the keys of tables, or the item numbers of lists of equal length; else None."""
    if all(isinstance(value, Mapping) for value in values):
        return list(dict.fromkeys(key for value in values for key in value))
    lengths = {len(value) if isinstance(value, list | tuple) else None for value in values}
    (length,) = lengths if len(lengths) == 1 else (None,)
    return None if length is None else [str(index) for index in range(length)]


def _dotted(path: Path) -> str:
    return ".".join(path)
