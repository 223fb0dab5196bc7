"""Tables to dataclasses and back.

A study file is TOML; what it says are dataclasses. `build` makes one from a
table and refuses, in one line that names the key, whatever the dataclass does
not have or cannot hold; `table` writes it as a table again.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from assay.errors import AssayError, StudyError, suggestion

T = TypeVar("T")
Table = Mapping[str, Any]
DEEPEST = 32
TAGS = ("rule", "family", "layer", "kind")


def build(cls: type[T], values: Table, where: str) -> T:
    """Return ``cls(**values)``, checked; ``where`` names the table in errors."""
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise StudyError(f"{where}: unknown key {key!r} ({suggestion(key, known)})")
    for key, field in known.items():
        if _required(field) and key not in values:
            raise StudyError(f"{where}: key {key!r} is missing")
    checked = {key: _value(cls, key, value, where) for key, value in values.items()}
    return _at(where, cls, checked)


def choose(kinds: Mapping[str, type[T]], tag: str, values: Table, where: str) -> T:
    """Build the dataclass of ``kinds`` that the key ``tag`` names, from the other keys."""
    if tag not in values:
        raise StudyError(f"{where}: key {tag!r} is missing (known: {', '.join(sorted(kinds))})")
    name = values[tag]
    if not isinstance(name, str) or name not in kinds:
        raise StudyError(f"{where}.{tag}: unknown {name!r} ({suggestion(str(name), kinds)})")
    return build(kinds[name], {key: value for key, value in values.items() if key != tag}, where)


def check_plain(value: Any, where: str, path: tuple[object, ...] = ()) -> None:
    """Refuse what TOML and JSON cannot both hold, and tables in tables without end."""
    if isinstance(value, str | int | float):
        return
    place = f"{where}: {'.'.join(map(str, path))}"
    if not isinstance(value, Mapping | list | tuple):
        raise StudyError(f"{place}: expected text, a number, a list or a table; got {value!r}")
    if len(path) > DEEPEST:
        raise StudyError(f"{where}: {path[0]}: nested deeper than {DEEPEST} tables and lists")
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        if isinstance(value, Mapping) and not (isinstance(key, str) and key.isprintable()):
            raise StudyError(f"{place}: keys must be printable text; got {key!r}")
        check_plain(item, where, (*path, key))


def table(value: Any) -> Any:
    """Return a dataclass as plain tables, lists and values, ready for JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: table(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: table(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [table(item) for item in value]
    return value


def merge(base: Table, overrides: Table) -> dict[str, Any]:
    """Return ``base`` with ``overrides`` laid over it, table by table.

    A table that names another ``rule``, ``family``, ``layer`` or ``kind`` replaces the
    whole one below it, because the other keys belong to the kind that left;
    where the table below names none, its keys stay.
    """
    merged = dict(base)
    for key, value in overrides.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and not _other_kind(below, value):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


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
    """Return ``a.b`` = value as ``{"a": {"b": value}}``."""
    first, _, rest = dotted.partition(".")
    return {first: nest(rest, value) if rest else value}


def _other_kind(below: Table, above: Table) -> bool:
    return any(
        above[tag] != below[tag]
        for tag in ("rule", "family", "layer", "kind")
        if tag in above and tag in below
    )


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


@cache
def _adapter(cls: type, key: str) -> TypeAdapter[Any]:
    config = ConfigDict(arbitrary_types_allowed=True)  # tuples of layers and the like, already built
    return TypeAdapter(get_type_hints(cls)[key], config=config)


def _value(cls: type, key: str, value: Any, where: str) -> Any:
    hint = get_type_hints(cls)[key]
    if isinstance(hint, type) and hint.__module__.startswith("assay."):
        return _instance(hint, value, f"{where}.{key}")
    try:
        return _adapter(cls, key).validate_python(_tuples(value), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise StudyError(f"{where}.{key}: {_lower(first['msg'])}; got {value!r}") from None


def _instance(cls: type, value: Any, where: str) -> Any:
    """Take what was built already; a table cannot hold it."""
    if not isinstance(value, cls):
        raise StudyError(f"{where}: expected {cls.__name__}; got {value!r}")
    return value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _at(where: str, cls: type[T], values: dict[str, Any]) -> T:
    try:
        return cls(**values)
    except AssayError as error:
        raise type(error)(f"{where}: {error}") from None
