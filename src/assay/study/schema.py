"""The JSON Schema of study files, made from the dataclasses that read them: for completion in editors.

A level, and what all arms share, may leave to the other what a table needs, so no key of a table is required,
but its keys must be those of the kind that it names, or, where it names none, of one of the kinds.
"""

from collections.abc import Mapping
from dataclasses import fields
from inspect import cleandoc
from typing import Any

from assay.data import DataSpec
from assay.nn.layer import Layer
from assay.optim.augment import KINDS
from assay.optim.recipe import Recipe
from assay.optim.schedules import Schedule
from assay.records.metrics import MARGINS, METRICS
from assay.study import checks
from assay.study.architectures import FAMILIES
from assay.study.claims import Claim
from assay.study.initializers import INITIALIZERS
from assay.study.layer_tables import LAYERS, NESTED
from assay.study.module_family import Module
from assay.study.own_references import LAYER_KEYS
from assay.study.seeds import MOST
from assay.study.settings import PENALTIES, RULES, SCHEDULES
from assay.study.tables import field_schema

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The version that editors' TOML plug-ins read."""

Schema = dict[str, Any]
Kinds = Mapping[str, type[Any]]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
OWN: Schema = {"type": "string", "pattern": r"\.py:[A-Za-z_][A-Za-z0-9_]*$"}
"""A class of the user's own, whose arguments no schema knows."""
DIGEST: Schema = {"type": "string", "pattern": f"^{checks.DIGEST.pattern}$"}
PART: Schema = {"type": "object", "propertyNames": {"pattern": "^[0-9]+$"}}
"""A table over a list: it changes items by their numbers."""


def study_schema() -> Schema:
    """Return the schema of a study file as JSON has it."""
    settings = {key: _ref(key) for key in ("network", "optimizer", "training")} | {"engine": TEXT}
    counted = {"seeds": _seeds(), "looks": _list(WHOLE), "control": TEXT, "margin": NUMBER}
    margins = _object({name: NUMBER for name in MARGINS if name != "accuracy"})
    shared = {**settings, **counted, "margins": margins, "data": _ref("data")}
    levels = _map(_map(_object(settings)))
    own: dict[str, Schema] = {
        "name": {"type": "string", "pattern": f"^{checks.NAME.pattern}$"},
        "question": {"type": "string", "minLength": 1, "description": "What the study is to answer."},
        "source": TEXT,
        "factors": {**levels, "description": "By factor and level, the settings that the level changes."},
        "claims": _list(_ref("claim")),
        "published": _map(_object({name: NUMBER for name in METRICS} | {"doubt": TEXT})),
        "published_images": {"type": "integer", "minimum": 1},
        "parent": DIGEST,
        "code": _map(DIGEST),
        "quick": {**_object(shared), "description": "What --quick lays over everything."},
    }
    whole = _object(shared | own)
    head = {"$schema": DRAFT, "title": "A study of assay's", "required": ["name", "question"]}
    return {**head, **whole, "definitions": _definitions()}


def _definitions() -> Schema:
    training = _fields(Recipe)
    return {
        "network": _kinds("family", FAMILIES),
        "optimizer": _or_own("rule", RULES),
        "training": _described(Recipe, _object(training)),
        "data": _described(DataSpec, _object(_fields(DataSpec))),
        "claim": {**_object(_fields(Claim)), "required": ["sentence", "expect"]},
        "layer": _or_own("layer", LAYERS),
        "schedule": _kinds("kind", SCHEDULES),
        "penalty": _or_own("kind", PENALTIES),
        "transform": _kinds("kind", KINDS),
    }


def _kinds(tag: str, kinds: Kinds) -> Schema:
    """Return the schema of a table that is one of several kinds, which the key ``tag`` names."""
    own = {name: _fields(cls) for name, cls in kinds.items()}
    every: dict[str, list[Schema]] = {}
    for found in own.values():
        for key, schema in found.items():
            if schema not in every.setdefault(key, []):
                every[key].append(schema)
    some = {key: schemas[0] if len(schemas) == 1 else {"anyOf": schemas} for key, schemas in every.items()}
    chosen = [
        {
            "if": {"properties": {tag: {"const": name}}, "required": [tag]},
            "then": _described(kinds[name], _table(kinds[name], {tag: TEXT, **found})),
        }
        for name, found in own.items()
    ]
    every_key = _object({tag: {"enum": list(kinds)}, **some})
    if Module not in kinds.values():
        return {**every_key, "allOf": chosen}
    module = {"properties": {tag: {"const": Module.__name__}}, "required": [tag]}
    return {"type": "object", "allOf": [*chosen, {"if": {"not": module}, "then": every_key}]}


def _table(cls: type[Any], properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of a table; other keys of a `Module` are arguments of the user's class."""
    return {**_object(properties), **({"additionalProperties": True} if cls is Module else {})}


def _or_own(tag: str, kinds: Kinds) -> Schema:
    """Return the schema of a table that names one of several kinds, or a class of the user's own."""
    named = {"properties": {tag: OWN}, "required": [tag]}
    return {"if": named, "then": {"type": "object"}, "else": _kinds(tag, kinds)}


def _fields(cls: type[Any]) -> dict[str, Schema]:
    """Return the schema of each field of a dataclass, with its default."""
    found = {}
    for field in fields(cls):
        if (cls, field.name) == (Recipe, "optimizer"):
            continue  # a table of its own
        schema = dict(_field(cls, field.name))
        if isinstance(field.default, str | int | float):
            schema["default"] = field.default
        found[field.name] = schema
    return found


def _field(cls: type[Any], key: str) -> Schema:
    """Return the schema of a field: what a study file writes for it."""
    named: dict[str, Schema] = {
        "schedule": _ref("schedule"),
        "after": _ref("schedule"),
        "penalties": _list(_ref("penalty")),
        "augment": _list(_ref("transform")),
    }
    if issubclass(cls, Recipe | Schedule) and key in named:
        return named[key]
    if key in ("weight_init", "bias_init"):
        return {"enum": list(INITIALIZERS)}
    if key in NESTED and (issubclass(cls, Layer) or cls is FAMILIES["Layers"]):
        items = {"patternProperties": {"^[0-9]+$": _ref("layer")}}
        return {"anyOf": [_list(_ref("layer")), {**_object({}), **items}]}
    if key in LAYER_KEYS and cls in FAMILIES.values():
        schema = field_schema(cls, key)
        plain = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "object"]
        return {"anyOf": [*plain, OWN, _ref("layer")]}
    special: dict[tuple[type[Any], str], Schema] = {
        (Module, "module"): TEXT,
        (Claim, "metric"): {"enum": list(METRICS)},
    }
    return special.get((cls, key)) or _or_part(field_schema(cls, key))


def _or_part(schema: Schema) -> Schema:
    """Return a schema; in the place of a list there may be a table that changes items of it."""
    return {"anyOf": [schema, PART]} if schema.get("type") == "array" else schema


def _seeds() -> Schema:
    return {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST}, _list(WHOLE)], "default": 5}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _described(cls: type[Any], schema: Schema) -> Schema:
    """Return a schema with the first sentence of what the class says of itself."""
    return {**schema, "description": " ".join(cleandoc(cls.__doc__ or "").partition("\n\n")[0].split())}
