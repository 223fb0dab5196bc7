"""Networks, rules and data given as dataclasses, converted to the tables of a study file."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import reduce
from typing import Any

import numpy as np

from assay.data import DataSpec
from assay.errors import StudyError, shown
from assay.nn.layer import Layer
from assay.optim import Optimizer
from assay.optim.augment import KINDS, Transform
from assay.optim.penalties import Penalty
from assay.optim.recipe import Recipe
from assay.optim.schedules import Schedule
from assay.study import tables
from assay.study.architecture import Architecture
from assay.study.architectures import FAMILIES
from assay.study.layer_tables import LAYERS
from assay.study.own_code import reference_to
from assay.study.settings import PENALTIES, RULES, SCHEDULES
from assay.study.tables import DEEPEST, Table

TAGGED: tuple[tuple[type[Any], str, Mapping[str, type[Any]]], ...] = (
    (Architecture, "family", FAMILIES),
    (Optimizer, "rule", RULES),
    (Schedule, "kind", SCHEDULES),
    (Penalty, "kind", PENALTIES),
    (Transform, "kind", KINDS),
    (Layer, "layer", LAYERS),
)
"""Each base class with several kinds, the key that names the kind, and the kinds."""

OWN = (Layer, Optimizer, Penalty)
"""The base classes from which a user can derive classes for studies."""


def plain(value: Any, where: str, below: Any = None, depth: int = 0) -> Any:
    """Return ``value`` with dataclasses as tables, tuples as lists and NumPy's numbers as Python's.

    A table has the fields that differ from their defaults, as one writes a file, and those that it has to
    write because ``below``, the table that it is to be laid over, holds another value. Raises `StudyError`,
    naming ``where``, for a class that no study file can name.
    """
    if depth > DEEPEST:
        return value  # which is refused when tables are checked
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, type) or is_dataclass(value):
        return _named_class(value, where) if isinstance(value, type) else _table(value, where, below, depth)
    if isinstance(value, Mapping):
        under = below if isinstance(below, Mapping) else {}
        places = {key: f"{where}{'.' if depth else ': '}{key}" for key in value}
        return {key: plain(v, places[key], under.get(key), depth + 1) for key, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item, where, None, depth + 1) for item in value]
    return value


def shared(network: Any, recipe: Recipe | None, data: Any, engine: str | None, where: str) -> dict[str, Any]:
    """Return what all arms share as the tables of a study file; None values are omitted."""
    if isinstance(network, Layer):
        raise StudyError(
            f"{where}: network: expected a value, a table, or one of assay's networks; got {shown(network)}"
        )
    found = {"network": network, "data": data, "engine": engine}
    written = {key: plain(value, f"{where}: {key}") for key, value in found.items() if value is not None}
    if recipe is not None:
        if not isinstance(recipe, Recipe):
            raise StudyError(f"{where}: recipe: expected a Recipe; got {shown(recipe)}")
        training = plain(recipe, f"{where}: recipe")
        written |= {"optimizer": training.pop("optimizer"), "training": training}
    return written


def undotted(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return ``values`` with keys such as ``training.epochs`` as the tables that they stand for.

    Shorter keys come first, so that a list is there before items of it are changed.
    """
    shorter_first = sorted(values, key=lambda key: str(key).count("."))
    return reduce(tables.merge, (_nested(key, values[key]) for key in shorter_first), {})


def _nested(key: Any, value: Any) -> dict[Any, Any]:
    return tables.nest(key, value) if isinstance(key, str) else {key: value}


def _table(value: Any, where: str, below: Any, depth: int) -> dict[str, Any]:
    tag, name = _kind(value, where)
    under: Table = below if isinstance(below, Mapping) and below.get(tag, name) == name else {}
    table: dict[str, Any] = {tag: name} if tag else {}
    for field in fields(value):
        item = getattr(value, field.name)
        if not field.init or (field.name not in under and item == field.default):
            continue
        if item is None:
            raise StudyError(
                f"{where}.{field.name}: None cannot be laid over {shown(under.get(field.name))} "
                f"(leave {field.name} out of what all arms share)"
            )
        table[field.name] = plain(item, f"{where}.{field.name}", under.get(field.name), depth + 1)
    return table


def _kind(value: Any, where: str) -> tuple[str, str]:
    """Return the key that names a dataclass's kind, and the name; empty if there is only one kind."""
    if type(value) in (DataSpec, Recipe):
        return "", ""
    return _class(type(value), where, value)


def _named_class(cls: type, where: str) -> Any:
    """Return a class that a setting can be as its name; any other as it is, to be refused later."""
    if hasattr(cls, "state_dict"):  # one of PyTorch's modules, which is not imported to find out
        return reference_to(cls, where)
    return _class(cls, where)[1] if issubclass(cls, OWN) else cls


def _class(cls: type, where: str, found: object = None) -> tuple[str, str]:
    """Return the key that names a class, and its name: one of assay's, or ``file.py:Name``."""
    for base, tag, kinds in TAGGED:
        if issubclass(cls, base):
            name = next((name for name, kind in kinds.items() if kind is cls), None)
            if name is None and issubclass(cls, OWN):
                name = reference_to(cls, where)
            if name is None:
                known = ", ".join(kind.__name__ for kind in kinds.values())
                raise StudyError(
                    f"{where}: {cls.__name__} is no {base.__name__.lower()} that a study file can "
                    f"name (known: {known})"
                )
            return tag, name
    raise StudyError(
        f"{where}: expected a value, a table, or one of assay's networks, rules, schedules, penalties or "
        f"transforms; got {shown(found)}"
    )
