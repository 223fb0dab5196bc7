"""Studies built from dataclasses are the studies that a file says, and meet the same errors."""

import json

import numpy as np
import pytest
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from junk import studies
from tiny import tiny_study

from assay.data import DataSpec
from assay.errors import StudyError, UsageError
from assay.nn import Linear
from assay.optim import SGD, Adam
from assay.optim.augment import Shift
from assay.optim.base import Optimizer
from assay.optim.penalties import L2
from assay.optim.recipe import Recipe
from assay.optim.schedules import CosineAnnealingLR, StepLR, WarmUp
from assay.study import toml
from assay.study.architectures import ConvBlocks, ConvPool, Dense
from assay.study.builtin import builtin, load_study
from assay.study.claims import Claim
from assay.study.factors import Factor
from assay.study.study import Study

FILE = """\
name = "own"
question = "Does it?"
seeds = 3
control = "0.1-small"

[network]
family = "ConvPool"
maps = [4, 6]

[optimizer]
rule = "SGD"
lr = 0.05
momentum = 0.9

[training]
epochs = 2
schedule = { kind = "WarmUp", steps = 1, after = { kind = "CosineAnnealingLR", T_max = 2 } }
penalties = [{ kind = "L2", strength = 1e-4 }]
augment = [{ kind = "shift", pixels = 1 }]

[data]
train = 500
valid = 100

[factors.lr]
"0.1".optimizer.lr = 0.1
"0.01".optimizer.lr = 0.01

[factors.size]
small.network = { kernel_size = 3 }
large = { network = { kernel_size = 5 }, training = { batch_size = 20 } }

[[claims]]
sentence = "Fast is better."
expect = ["0.1-small > 0.01-small"]

[quick]
seeds = 2
training.epochs = 1
network = { family = "ConvPool", maps = [2] }
"""


def own(**changes):
    """The study of `FILE`, built in Python."""
    given = {
        "network": ConvPool(maps=(4, 6)),
        "recipe": Recipe(
            SGD(lr=0.05, momentum=0.9),
            epochs=2,
            schedule=WarmUp(1, CosineAnnealingLR(2)),
            penalties=(L2(1e-4),),
            augment=(Shift(1),),
        ),
        "data": DataSpec(train=500, valid=100),
        "factors": [
            Factor("optimizer.lr", [0.1, 0.01]),
            Factor(
                "",
                {
                    "small": {"network.kernel_size": 3},
                    "large": {"network.kernel_size": 5, "training": {"batch_size": 20}},
                },
                name="size",
            ),
        ],
        "seeds": 3,
        "control": "0.1-small",
        "claims": [Claim("Fast is better.", ("0.1-small > 0.01-small",))],
        "quick": {"seeds": 2, "training.epochs": 1, "network": ConvPool((2,))},
    }
    return Study(**{"name": "own", "question": "Does it?", **given, **changes})


def test_it_is_the_study_that_the_file_says():
    assert own() == Study.from_tables(toml.loads(FILE))
    assert own().digest == Study.from_tables(toml.loads(FILE)).digest
    assert own().quickened() == Study.from_tables(toml.loads(FILE)).quickened()


@pytest.mark.parametrize("seeds", [3, [0, 1, 2], (0, 1, 2), range(3), np.arange(3).tolist()])
def test_seeds_are_a_number_or_a_list(seeds):
    assert own(seeds=seeds) == own()


def test_the_number_of_seeds_is_the_last_look_and_else_the_usual_one():
    assert own(seeds=None, looks=[3, 6]).seeds == tuple(range(6))
    assert own(seeds=None).seeds == tuple(range(5))


@pytest.mark.parametrize(
    ("levels", "names"),
    [
        ([0.1, 1e-5, 100000.0, 1e7], ["0.1", "1e-05", "100000", "1e07"]),
        (np.array([0.5, 0.25]), ["0.5", "0.25"]),
        ({"slow": 0.1, "fast": np.float64(0.5)}, ["slow", "fast"]),
    ],
)
def test_levels_are_called_after_their_values(levels, names):
    study = own(factors=[Factor("optimizer.lr", levels)], control=None, claims=())
    assert [arm.name for arm in study.arms] == names
    values = levels.values() if isinstance(levels, dict) else levels
    assert [arm.settings.recipe.optimizer.lr for arm in study.arms] == list(values)
    assert json.loads(json.dumps(study.to_tables()))["factors"] == study.factors


def test_levels_can_be_networks_rules_and_schedules_and_are_exactly_those():
    """A default is said where the shared table has another value, and only there."""
    study = Study(
        "a",
        "?",
        network=ConvPool(maps=(7,), kernel_size=3),
        recipe=Recipe(Adam(lr=0.5, eps=1e-3)),
        factors=[
            Factor("network", [ConvPool(), Dense()]),
            Factor("optimizer", {"adam": Adam(), "sgd": SGD(0.1)}, name="rule"),
            Factor("training.schedule", [StepLR(3), CosineAnnealingLR(4)]),
            Factor("training.augment", {"none": (), "shift": [Shift()]}),
        ],
    )
    found = {arm.name: arm.settings for arm in study.arms}
    assert len(found) == 16
    assert {s.architecture for s in found.values()} == {ConvPool(), Dense()}
    assert {s.recipe.optimizer for s in found.values()} == {Adam(), SGD(0.1)}
    assert found["Dense-sgd-StepLR-shift"].recipe == Recipe(SGD(0.1), schedule=StepLR(3), augment=(Shift(),))
    assert study.factors["rule"]["adam"] == {"optimizer": {"rule": "Adam", "lr": 0.001, "eps": 1e-08}}
    assert study.factors["network"]["Dense"] == {"network": {"family": "Dense"}}


def in_a_function():
    """Return a class that no file has at its top."""

    class Own(Optimizer):
        slots = step = None

    return Own


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"network": ConvPool(activation="Relu")},
            "network.activation: input should be",
        ),
        ({"network": "ConvPool"}, "network must be a table; got 'ConvPool'"),
        ({"network": Linear(3)}, "network: expected a value, a table, or one of assay's networks"),
        ({"network": Dense}, "network must be a table; got <class"),
        ({"recipe": Adam()}, "recipe: expected a Recipe; got Adam"),
        ({"recipe": Recipe(in_a_function()(0.1))}, "recipe.optimizer: Own is not at the top of a .py file"),
        ({"data": "emnist"}, "data must be a table; got 'emnist'"),
        ({"factors": [Factor("optimizer.lr", [0.1, 0.1])]}, "two levels are called '0.1'"),
        ({"factors": [Factor("optimizer.lr", [-0.1])]}, "expected a letter or digit"),
        (
            {"factors": [Factor("optimizer.lr", 3)]},
            "factor 'lr': levels must be a list of values or a mapping",
        ),
        (
            {"factors": [Factor("optimizer.lr", "ab")]},
            "levels must be a list of values or a mapping; got 'ab'",
        ),
        ({"factors": [Factor("optimizer.lr", [])]}, "factor 'lr' needs a table of levels"),
        ({"factors": [Factor("optimiser.lr", [0.1])]}, "unknown key 'optimiser' .*'optimizer'"),
        ({"factors": [Factor("optimizer.rl", [0.1])]}, "optimizer: unknown key 'rl'"),
        ({"factors": [Factor("", [3], name="a")]}, "level '3': expected a mapping of settings to values"),
        ({"factors": [Factor("", {"a": {}})]}, "factor '': expected a letter or digit"),
        ({"factors": [Factor("optimizer.lr", [0.1])] * 2}, "two factors are called 'lr'"),
        ({"factors": ["lr"]}, "factors: expected a Factor; got 'lr'"),
        ({"factors": 3}, "factors must be a list of Factor or a table; got 3"),
        ({"claims": ["a > b"]}, r"claims\[0\]: expected a table"),
        ({"claims": 3}, "claims must be a list"),
        ({"seeds": "ab"}, "seeds must be a number of seeds or a list"),
        ({"seeds": range(10**9)}, "seeds must be a number of seeds or a list"),
        ({"seeds": 0}, "seeds must be from 1"),
        ({"quick": {"training.epochs": 0}}, "-quick: training: epochs must be an integer"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, line):
    with pytest.raises(StudyError, match=f"^own.*{line}") as caught:
        own(**{"control": None, "claims": (), **changes})
    assert len(str(caught.value).splitlines()) == 1


def test_a_level_cannot_take_away_what_all_arms_share():
    """No study file can: there is no word for "as if it were not there"."""
    with pytest.raises(StudyError, match=r"level 'a': network.stride: None cannot be laid over 1 \(leave"):
        Study(
            "a",
            "?",
            network=ConvBlocks(stride=1),
            recipe=Recipe(Adam()),
            factors=[Factor("network", {"a": ConvBlocks()})],
        )


def endless():
    value: list[object] = []
    value.append(value)
    return value


def test_what_has_no_end_is_refused():
    with pytest.raises(StudyError, match="nested deeper"):
        own(base={"network": {"maps": endless()}}, network=None)


@settings(max_examples=drawn(30))
@given(studies())
def test_any_study_survives_its_own_toml(values):
    study = Study.from_tables(values)
    assert Study.from_tables(toml.loads(study.to_toml())) == study


@pytest.mark.parametrize("name", builtin())
def test_a_built_in_study_survives_its_own_toml(name, tmp_path):
    study = load_study(name)
    for one in (study, study.quickened()):
        (tmp_path / "own.toml").write_text(one.to_toml(), encoding="utf-8")
        assert load_study(tmp_path / "own.toml") == one


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(TEXT, TEXT, st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=9, unique=True))
def test_any_words_and_seeds_survive_toml(question, source, seeds):
    study = own(question=question, source=source, seeds=seeds)
    assert Study.from_tables(toml.loads(study.to_toml())) == study


def test_one_setting_in_dots_or_in_tables_is_the_same():
    study = tiny_study("glyphs")
    dotted = study.override({"training.epochs": 2, "optimizer.lr": 0.5, "data.train": 90})
    assert dotted == study.override(
        {"training": {"epochs": 2}, "optimizer": {"lr": 0.5}, "data": {"train": 90}}
    )
    assert {arm.settings.recipe.epochs for arm in dotted.arms} == {2}


def test_an_override_can_be_a_dataclass_which_replaces_the_table():
    study = tiny_study("glyphs").override({"data": DataSpec(train=50)})
    assert study.data == DataSpec(train=50)
    plain = tiny_study("glyphs", factors={}, control="tiny")
    assert plain.override({"network": Dense((3,))}).arms[0].settings.architecture == Dense((3,))
    assert plain.override({"network.filters": 3}).arms[0].settings.architecture == ConvBlocks(1, 3)


@pytest.mark.parametrize("overrides", [{"network.reduction": "strided"}, {"network": {"reduction": "max"}}])
def test_an_override_that_a_level_hides_is_refused(overrides):
    with pytest.raises(
        UsageError, match=r"^tiny: network.reduction='\w+': does not reach arm 'max'|'average'"
    ):
        tiny_study("glyphs").override(overrides)
