"""The page on study files has every key that the code takes, and no other."""

import inspect
import re
from dataclasses import fields
from typing import get_args, get_type_hints

import pytest
import torch
from blocks import ROOT

from assay.data import DataSpec
from assay.engines import AUTO, ENGINES
from assay.nn import ReLU
from assay.nn.activation import Activation
from assay.optim.augment import KINDS
from assay.optim.recipe import Recipe
from assay.records.metrics import METRICS
from assay.study.architectures import FAMILIES
from assay.study.claims import Claim
from assay.study.layer_tables import ACTIVATIONS, INITIALIZERS, LAYERS, ActivationName
from assay.study.settings import PENALTIES, RULES, SCHEDULES, SETTINGS
from assay.study.study import Study

PAGE = (ROOT / "docs" / "studies.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^###? (.*?)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
CODE = re.compile(r"`([^`]+)`")


def keys(section: str) -> list[str]:
    """Return the first column of a section's table of keys."""
    table = SECTIONS[section].partition("| key |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.M)


def names(cls: type) -> list[str]:
    """Return the fields of a dataclass, in order."""
    return [field.name for field in fields(cls)]


def test_the_study_itself():
    own = {*names(Study), *SETTINGS} - {"base"}
    assert set(keys("The study")) == own
    assert len(keys("The study")) == len(own)


def test_a_claim():
    section = SECTIONS["Claims and published numbers"].replace("| key of a claim |", "| key |")
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == {*names(Claim)}
    assert [name for name in METRICS if f"`{name}`" not in section] == []
    for line in re.findall(r"^\| `([^`]+ [^`]+)` \|", section, re.M):
        assert Claim("So.", (line,), metric="seconds_per_epoch").relations


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family(family: str):
    assert keys(f'`family = "{family}"`') == names(FAMILIES[family])


def test_training_and_data():
    assert keys("`[training]`") == [name for name in names(Recipe) if name != "optimizer"]
    assert keys("`[data]`") == names(DataSpec)


TABLES = {"rule": RULES, "schedule.kind": SCHEDULES, "penalties.kind": PENALTIES, "augment.kind": KINDS}


@pytest.mark.parametrize("heading", TABLES)
def test_each_kind_with_its_keys(heading: str):
    table = PAGE.partition(f"| `{heading}` | keys |\n")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^(|]*)", table, re.M)
    assert [name for name, _ in rows] == list(TABLES[heading])
    for name, listed in rows:
        assert CODE.findall(listed) == names(TABLES[heading][name]), name


def test_the_learning_rate_of_a_rule_that_names_none_is_pytorchs():
    """The page, the code and PyTorch say the same."""
    said = re.findall(r"(0\.\d+) for ((?:`\w+`(?:, | and )?)+)", SECTIONS["`[optimizer]`"])
    listed = {rule: float(rate) for rate, rules in said for rule in CODE.findall(rules)}
    assert listed == {name: rule().lr for name, rule in RULES.items()}
    theirs = {name: inspect.signature(getattr(torch.optim, name)).parameters["lr"].default for name in RULES}
    assert listed == theirs


def test_each_activation_by_its_name():
    assert set(ACTIVATIONS) <= set(CODE.findall(SECTIONS["`[network]`"]))
    activations = {n for n, c in LAYERS.items() if issubclass(c, Activation | ReLU)}
    assert activations == set(ACTIVATIONS) == set(get_args(ActivationName))


def test_each_engine_and_precision_by_its_name():
    (engines,) = re.findall(r"^\| `engine` \| (.*)$", PAGE, re.M)
    assert set(CODE.findall(engines)) == {AUTO, *ENGINES}
    (precisions,) = re.findall(r"^\| `dtype` \| (.*)$", PAGE, re.M)
    assert set(CODE.findall(precisions)) == set(get_args(get_type_hints(Recipe)["dtype"]))


def test_each_initialiser_by_its_name():
    assert set(INITIALIZERS) <= set(CODE.findall(SECTIONS["`[network]`"]))


def test_layers_are_the_ones_of_the_page_on_layers():
    described = (ROOT / "docs" / "layers.md").read_text("utf-8")
    assert all(f".. autoclass:: assay.nn.{name}\n" in described for name in LAYERS)
