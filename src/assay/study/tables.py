"""Tables to dataclasses and back.

A study file is TOML; what it says are dataclasses. `build` makes one from a
table and refuses, in one line that names the key, whatever the dataclass does
not have or cannot hold; `table` writes it as a table again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from assay.errors import AssayError, StudyError, finite, shown, suggestion

T = TypeVar("T")
Table = Mapping[str, Any]
Path = tuple[str, ...]
"""A location in nested tables and lists: keys, and item numbers as text."""

DEEPEST = 32
TAGS = ("rule", "family", "layer", "kind")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def build(cls: type[T], values: Table, where: str) -> T:
    """Return ``cls(**values)``, checked; ``where`` names the table in errors."""
    checked = checked_fields(cls, values, where)
    for field in fields(cls):  # type: ignore[arg-type]
        if _required(field) and field.name not in values:
            raise StudyError(f"{where}: key {field.name!r} is missing")
    return _at(where, cls, checked)


def checked_fields(cls: type[Any], values: Table, where: str) -> dict[str, Any]:
    """Return ``values`` as fields of ``cls``, each checked by itself; some may be missing."""
    known = {field.name: field for field in fields(cls)}
    for key in values:
        if key not in known:
            raise StudyError(f"{where}: unknown key {shown(key)} ({suggestion(key, known)})")
    return {key: _value(cls, key, value, where) for key, value in values.items()}


def choose(kinds: Mapping[str, type[T]], tag: str, values: Table, where: str) -> T:
    """Build the dataclass of ``kinds`` that the key ``tag`` names, from the other keys."""
    return build(*kind_of(kinds, tag, values, where), where)


def kind_of(kinds: Mapping[str, type[T]], tag: str, values: Table, where: str) -> tuple[type[T], Table]:
    """Return the class of ``kinds`` that the key ``tag`` names, and the other keys."""
    if tag not in values:
        raise StudyError(f"{where}: key {tag!r} is missing (known: {', '.join(sorted(kinds))})")
    name = values[tag]
    if not isinstance(name, str) or name not in kinds:
        hint = suggestion(name if isinstance(name, str) else "", kinds)
        raise StudyError(f"{where}.{tag}: unknown {shown(name)} ({hint})")
    return kinds[name], {key: value for key, value in values.items() if key != tag}


def check_plain(value: Any, where: str, path: tuple[object, ...] = ()) -> None:
    """Refuse what TOML and JSON cannot both represent, and integers or nesting beyond their limits."""
    if isinstance(value, int) and not finite(value):
        raise StudyError(f"{_place(where, path)}: expected a number below 1e308; got {shown(value)}")
    if isinstance(value, str | int | float):
        return
    if not isinstance(value, Mapping | list | tuple):
        found = f"expected text, a number, a list or a table; got {shown(value)}"
        raise StudyError(f"{_place(where, path)}: {found}")
    if len(path) > DEEPEST:
        raise StudyError(f"{where}: {path[0]}: nested deeper than {DEEPEST} tables and lists")
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        if isinstance(value, Mapping) and not (isinstance(key, str) and key.isprintable()):
            raise StudyError(f"{_place(where, path)}: keys must be printable text; got {shown(key)}")
        check_plain(item, where, (*path, key))


def _place(where: str, path: tuple[object, ...]) -> str:
    return f"{where}: {'.'.join(map(str, path))}"


def table(value: Any) -> Any:
    """Return a dataclass as plain tables, lists and values, ready for JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: table(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: table(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [table(item) for item in value]
    return value


def merge(base: Table, overrides: Table, path: Path = ()) -> dict[str, Any]:
    """Return ``base`` with ``overrides`` laid over it, table by table.

    A table that names another ``rule``, ``family``, ``layer`` or ``kind`` replaces the
    whole one below it, because the other keys belong to the kind that left;
    where the table below names none, its keys stay. A table over a list changes items of
    it by their numbers, from 0; `StudyError` where there is none. ``path`` says where both stand.
    """
    merged = dict(base)
    for key, value in overrides.items():
        merged[key] = _laid(merged.get(key), value, (*path, str(key)))
    return merged


def _laid(below: Any, above: Any, path: Path) -> Any:
    """Return the value at ``path`` when ``above`` is laid over ``below``."""
    if isinstance(above, Mapping) and isinstance(below, Mapping) and not _other_kind(below, above):
        return merge(below, above, path)
    if isinstance(above, Mapping) and above and isinstance(below, list | tuple):
        items = list(below)
        for key, value in above.items():
            index = _index(key, len(items), path)
            items[index] = _laid(items[index], value, (*path, str(key)))
        return items
    return above


def _index(key: object, count: int, path: Path) -> int:
    if not _INDEX.fullmatch(str(key)) or int(str(key)) >= count:
        there = f"one of 0 to {count - 1}, for there are {count}" if count else "none, for the list is empty"
        raise StudyError(f"{'.'.join(path)}: expected the number of an item, {there}; got {shown(key)}")
    return int(str(key))


def leaves(values: Table, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value in nested tables with its path; a list counts as one value."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def at(values: Any, path: Path) -> Any:
    """Return the value at ``path`` in nested tables and lists; None if there is none."""
    for part in path:
        if isinstance(values, list | tuple):
            values = dict(enumerate(values)).get(int(part)) if _INDEX.fullmatch(part) else None
        else:
            values = values.get(part) if isinstance(values, Mapping) else None
    return values


def flat(values: Table, prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one, under dotted keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found


def nest(dotted: str, value: Any) -> dict[str, Any]:
    """Return ``a.b`` = value as ``{"a": {"b": value}}``; `StudyError` where that is too deep."""
    first, *rest = dotted.split(".")
    if len(rest) >= DEEPEST:
        raise StudyError(f"{first}: nested deeper than {DEEPEST} tables and lists")
    for part in reversed(rest):
        value = {part: value}
    return {first: value}


def _other_kind(below: Table, above: Table) -> bool:
    return any(above[tag] != below[tag] for tag in TAGS if tag in above and tag in below)


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


_hints = cache(get_type_hints)  # which takes longer than all the rest


@cache
def _adapter(cls: type, key: str) -> TypeAdapter[Any]:
    config = ConfigDict(arbitrary_types_allowed=True)  # tuples of layers and the like, already built
    return TypeAdapter(_hints(cls)[key], config=config)


def _value(cls: type, key: str, value: Any, where: str) -> Any:
    hint = _hints(cls)[key]
    if isinstance(hint, type) and hint.__module__.startswith("assay."):
        return _instance(hint, value, f"{where}.{key}")
    try:
        return _adapter(cls, key).validate_python(_tuples(value), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        hint = " (write it without quotes)" if isinstance(value, str) and _is_number(value) else ""
        raise StudyError(f"{where}.{key}: {_expected(first['msg'])}; got {shown(value)}{hint}") from None


def _instance(cls: type, value: Any, where: str) -> Any:
    """Accept an object that was already built; a table cannot hold one."""
    if not isinstance(value, cls):
        raise StudyError(f"{where}: expected {cls.__name__}; got {shown(value)}")
    return value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _expected(message: str) -> str:
    """Return Pydantic's message in the words of a study file, which has lists."""
    return (message[:1].lower() + message[1:]).replace("a valid tuple", "a list, such as [1, 2]")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _at(where: str, cls: type[T], values: dict[str, Any]) -> T:
    try:
        return cls(**values)
    except AssayError as error:
        raise type(error)(f"{where}: {error}") from None


def field_schema(cls: type, key: str) -> dict[str, Any]:
    """Return the JSON Schema of a field's values; lists of fixed length as older drafts write them."""
    found: dict[str, Any] = _as_items(_adapter(cls, key).json_schema())
    return found


def _as_items(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_as_items(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {"items" if key == "prefixItems" else key: _as_items(value) for key, value in schema.items()}
