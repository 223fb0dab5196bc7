"""The schema of study files accepts what assay accepts, and no misspelt key."""

import copy
import re

import jsonschema
import pytest
from blocks import blocks

from assay.errors import AssayError
from assay.study import toml
from assay.study.builtin import builtin, load_study
from assay.study.schema import study_schema
from assay.study.study import Study

SCHEMA = study_schema()
VALID = jsonschema.Draft7Validator(SCHEMA)
NESTED = """
name = "nested"
question = "q"
engine = "reference"
seeds = [0, 4]
optimizer = { rule = "NAdam", betas = [0.9, 0.99] }
margins = { loss = 1.1 }
[network]
family = "Layers"
layers = [
  { layer = "ZeroPad2d", padding = [0, 1, 0, 1] },
  { layer = "Residual", layers = [
    { layer = "Conv2d", out_channels = 1, kernel_size = [3, 3], padding = 1, weight_init = "HeNormal" },
  ] },
  { layer = "Flatten" },
  { layer = "Linear" },
]
[training]
schedule = { kind = "WarmUp", steps = 2, after = { kind = "StepLR", step_size = 3 } }
augment = [{ kind = "elastic", alpha = 34, sigma = 4 }]
[factors.pad]
one = {}
two.network.layers.0.padding = 2
"""


def tables(name):
    if name == "nested":
        return toml.loads(NESTED)
    if name == "documented":
        return toml.loads(next(b.text for b in blocks("docs/studies.md") if b.saved_as == "dropout.toml"))
    return toml.loads(load_study(name).to_toml())


NAMES = [*builtin(), "documented", "nested"]


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert {key for key in re.findall(r"#/definitions/(\w+)", str(SCHEMA))} <= set(SCHEMA["definitions"])


@pytest.mark.parametrize("name", NAMES)
def test_studies_are_valid(name):
    Study.from_tables(tables(name))
    assert [error.message for error in VALID.iter_errors(tables(name))] == []


def places(value, path=()):
    """Yield the path of each key of nested tables, those that name arms, factors and levels left out."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        free = path[:1] in (("factors",), ("published",)) and len(path) < {"factors": 3}.get(path[0], 2)
        if isinstance(key, str) and not free and not key.isdecimal():
            yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_key_is_refused_wherever_it_stands(name):
    whole = tables(name)
    found = list(places(whole))
    assert found
    for index, path in enumerate(found):
        wrong = copy.deepcopy(whole)
        table = wrong
        for part in path[:-1]:
            table = table[part]
        table[f"{path[-1]}x"] = table.pop(path[-1])
        assert not VALID.is_valid(wrong), path
        if index % 5 == 0:  # which takes its time, and is tested elsewhere
            with pytest.raises(AssayError):
                Study.from_tables(wrong)


WRONG = (
    ("name", 3), ("question", ""), ("seeds", 0), ("seeds", "five"), ("margin", "small"), ("control", 1),
    ("claims", {}), ("claims", [{"sentence": "s"}]), ("factors", []), ("margins", {"accuracy": 1}),
    ("network", {"family": "Dence"}), ("network", {"family": "Dense", "maps": [1]}),
    ("network", {"family": "Dense", "hidden": "many"}), ("network", {"family": "Dense", "init": "He"}),
    ("optimizer", {"rule": "Adam", "momentum": 0.9}), ("optimizer", {"rule": "Adam", "betas": [0.9]}),
    ("training", {"epochs": 1.5}), ("training", {"schedule": {"kind": "StepLR", "gamma": 0.1, "T_max": 3}}),
    ("training", {"penalties": [{"kind": "L3"}]}), ("training", {"dtype": "float16"}),
    ("data", {"source": 3}), ("engine", 1), ("quick", {"name": "q"}), ("looks", 3), ("parent", "x"),
)  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_wrong_value_is_refused_by_both(key, value):
    whole = tables("documented") | {key: value}
    assert not VALID.is_valid(whole)
    with pytest.raises(AssayError):
        Study.from_tables(whole)
