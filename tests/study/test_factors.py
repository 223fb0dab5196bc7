"""A study compares what it says: each factor changes keys of its own, and each level's changes hold."""

import re
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_study, tiny_tables

from assay.errors import StudyError
from assay.study import factors, tables
from assay.study.study import Study

WIDTHS, TANH = [16, 32], {"layer": "Tanh"}


def listed(activation: str = "ReLU", units: int = 16) -> list[dict]:
    return [
        {"layer": "Flatten"},
        {"layer": "Linear", "out_features": units},
        {"layer": activation},
        {"layer": "Linear"},
    ]


def refused(levels: dict[str, dict], **changes) -> str:
    with pytest.raises(StudyError) as caught:
        Study.from_tables({**tiny_tables(**changes), "factors": levels, "control": None}, "f")
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_two_factors_that_write_one_key_are_refused():
    line = refused(
        {
            "one": {"a": {"network": {"filters": 2}}, "b": {"network": {"filters": 3}}},
            "two": {"x": {"network": {"filters": 4}}, "y": {"network": {"filters": 5}}},
        }
    )
    assert line == (
        "f: tiny: factors 'one' and 'two' both write network.filters, so the later would win "
        "(let each change keys of its own, or make one factor of their combinations)"
    )


def test_two_factors_that_write_one_list_are_told_which_items_each_means():
    acts = {name: {"network": {"layers": listed(activation=name)}} for name in ("ReLU", "Tanh")}
    widths = {f"w{units}": {"network": {"layers": listed(units=units)}} for units in WIDTHS}
    line = refused({"act": acts, "width": widths})
    assert "factors 'act' and 'width' both write network.layers" in line
    assert "write it once in [network]" in line
    assert "'act' change network.layers.2.layer alone, and 'width' network.layers.1.out_features" in line


def test_what_the_refusal_says_instead_makes_every_arm_another_network():
    base = {"network": {"family": "Layers", "layers": listed()}}
    acts = {name: {"network": {"layers": {"2": {"layer": name}}}} for name in ("ReLU", "Tanh")}
    widths = {f"w{n}": {"network": {"layers": {"1": {"out_features": n}}}} for n in WIDTHS}
    study = Study.from_tables(
        {**tiny_tables(), **base, "factors": {"act": acts, "width": widths}, "control": None}, "f"
    )
    found = {arm.name: arm.settings.architecture.layers for arm in study.arms}
    assert found == {f"{name}-w{n}": tuple(listed(name, n)) for name, n in product(("ReLU", "Tanh"), WIDTHS)}


@pytest.mark.parametrize(
    ("one", "two", "key"),
    [
        ({"network": {"layers": listed()}}, {"network": {"layers": {"2": TANH}}}, "network.layers"),
        ({"network": {"layers": {"2": TANH}}}, {"network": {"layers": listed()}}, "network.layers"),
        ({"optimizer": {"rule": "SGD", "lr": 1}}, {"optimizer": {"lr": 2}}, "optimizer.lr"),
        ({"engine": "auto"}, {"engine": "numba"}, "engine"),
        ({"training": {"augment": {"kind": "x"}}}, {"training": {"augment": 3}}, "training.augment"),
    ],
)  # fmt: skip
def test_a_part_of_what_another_factor_writes_is_its_key_too(one, two, key):
    assert f"both write {key}, so" in refused({"a": {"x": one, "y": {}}, "b": {"u": two, "v": {}}})


def test_an_invalid_level_cannot_hide_behind_another():
    unknown = {"network": {"layers": [{"layer": "Tonh"}]}}
    good = {"network": {"layers": listed()}}
    refused({"a": {"x": unknown}, "b": {"u": good}}, network={"family": "Layers", "layers": listed()})
    line = refused(
        {"a": {"x": {"network": {"filtres": 3}}}, "b": {"u": {"network": {"family": "Dense"}}}},
    )
    assert "arm 'x-u': network.filtres of level 'x' is lost: a later level replaces the table" in line


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ({"network": {"family": "Layers", "layers": [{"layer": "Tonh"}]}}, "unknown 'Tonh'"),
        ({"network": {"family": "ConvBlocks", "filtres": 3}}, "unknown key 'filtres'"),
        ({"network": {"family": "ConvBlocks", "filters": 0}}, "filters must be an integer >= 1; got 0"),
        ({"optimizer": {"rule": "Adem"}}, "unknown 'Adem'"),
        ({"optimizer": {"rule": "Adam", "lr": "0.1"}}, "lr: input should be a valid number"),
        ({"optimizer": {"rule": "Adam", "momentum": 0.1}}, "unknown key 'momentum'"),
    ],
)
def test_a_mistake_in_what_all_share_cannot_hide_behind_every_level(base, words):
    every = {"network": {"family": "Dense", "hidden": [3]}, "optimizer": {"rule": "SGD", "lr": 1}}
    levels = {"x": every, "y": {**every, "training": {"epochs": 5}}}
    values = {**tiny_tables(), "factors": {"a": levels}, "control": "x"}
    assert Study.from_tables(values, "f").arms
    with pytest.raises(StudyError, match=f"^f: tiny: (network|optimizer).*{re.escape(words)}"):
        Study.from_tables({**values, **base}, "f")


def test_what_all_share_may_wait_for_what_levels_add():
    base = {"network": {"family": "Layers"}, "optimizer": {"rule": "SGD", "nesterov": True}}
    levels = {
        str(momentum): {"network": {"layers": listed()}, "optimizer": {"momentum": momentum}}
        for momentum in (0.5, 0.9)
    }
    assert (
        len(Study.from_tables({**tiny_tables(), **base, "factors": {"m": levels}, "control": None}, "f").arms)
        == 2
    )


def test_a_setting_that_a_later_level_replaces_is_not_lost_silently():
    decays = {name: {"optimizer": {"weight_decay": value}} for name, value in (("none", 0.0), ("some", 0.1))}
    rules = {"adam": {}, "sgd": {"optimizer": {"rule": "SGD", "lr": 0.1}}}
    assert "optimizer.weight_decay of level 'none' is lost" in refused({"decay": decays, "rule": rules})
    study = tiny_study("glyphs", factors={"rule": rules, "decay": decays}, control=None)
    assert {arm.settings.recipe.optimizer.weight_decay for arm in study.arms} == {0.0, 0.1}


KEYS = st.sampled_from("abcd")
LEVELS = st.dictionaries(
    KEYS, st.integers(0, 2) | st.dictionaries(KEYS, st.integers(0, 2), min_size=1, max_size=2), max_size=3
)


@given(st.lists(st.lists(LEVELS, min_size=1, max_size=2), min_size=2, max_size=3))
def test_factors_that_pass_hide_nothing_of_each_other_in_any_order(found):
    """Whatever passes is merged to the same tables in every order of the factors, with all that was set."""
    named = {f"f{i}": {f"l{j}": level for j, level in enumerate(levels)} for i, levels in enumerate(found)}
    owners = [{path for level in levels for path, _ in tables.leaves(level)} for levels in found]
    prefixes = [{path[:n] for path in own for n in range(1, len(path) + 1)} for own in owners]
    if any(owners[a] & prefixes[b] for a, b in permutations(range(len(found)), 2)):
        with pytest.raises(StudyError, match="both write"):
            factors.expect_own_keys(named, "s")
        return
    factors.expect_own_keys(named, "s")
    for chosen in product(*found):
        forward = backward = {}
        for level in chosen:
            forward = tables.merge(forward, level)
        for level in reversed(chosen):
            backward = tables.merge(backward, level)
        assert dict(tables.leaves(forward)) == dict(tables.leaves(backward))
        factors.expect_reach([("x", level) for level in chosen], forward, "s")
