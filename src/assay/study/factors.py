"""Factors and their levels: whether each changes something of its own, so that a study compares what it says.

A factor maps the names of its levels to the tables that they lay over the
study's shared ones. Were a key written by two factors, the later one would win,
and the other would compare networks that do not differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from assay.errors import StudyError
from assay.study import tables
from assay.study.tables import Path, Table

Levels = Mapping[str, Table]


def expect_own_keys(factors: Mapping[str, Levels], where: str) -> None:
    """Refuse two factors that write one key, or one a part of what the other writes."""
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
    """Refuse an arm in which something that a level sets does not hold: another level replaced its table."""
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
    """Say which factors write the same, and how to say what was meant."""
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
    """Yield the places at which not all ``values`` are the same."""
    if all(value == values[0] for value in values):
        return
    keys = _keys(values)
    if keys is None:
        yield path
        return
    for key in keys:
        yield from _unequal([tables.at(value, (key,)) for value in values], (*path, key))


def _keys(values: Sequence[Any]) -> list[str] | None:
    """Return the keys of tables, or the numbers of the items of lists as long as each other; else None."""
    if all(isinstance(value, Mapping) for value in values):
        return list(dict.fromkeys(key for value in values for key in value))
    lengths = {len(value) if isinstance(value, list | tuple) else None for value in values}
    (length,) = lengths if len(lengths) == 1 else (None,)
    return None if length is None else [str(index) for index in range(length)]


def _dotted(path: Path) -> str:
    return ".".join(path)
