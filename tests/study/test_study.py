"""A study file says one thing, or is refused in one line that names the file and the key."""

import json
from copy import deepcopy
from math import prod

import pytest
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_study, tiny_tables

from assay.errors import AssayError, StudyError
from assay.optim import SGD, Adam
from assay.records.metrics import MARGINS
from assay.study.builtin import load_study
from assay.study.settings import Settings
from assay.study.study import Study

GOOD = """\
name = "tiny"
question = "Does it?"
seeds = 2

[network]
family = "ConvBlocks"
layers = 1

[optimizer]
rule = "Adam"
lr = 0.01

[training]
epochs = 1

[factors.reduction]
max.network.reduction = "max"
average.network.reduction = "average"
"""


def refusal(text_or_values, tmp_path):
    """Return the one line with which a file is refused."""
    path = tmp_path / "my.toml"
    if isinstance(text_or_values, bytes):
        path.write_bytes(text_or_values)
    else:
        path.write_text(text_or_values)
    with pytest.raises(StudyError) as caught:
        load_study(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


def changed(old, new):
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_the_file_that_the_malformed_ones_start_from_is_good(tmp_path):
    (tmp_path / "my.toml").write_text(GOOD)
    assert [arm.name for arm in load_study(tmp_path / "my.toml").arms] == ["max", "average"]


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("seeds = 2", "sedds = 2", ["unknown key 'sedds'", "did you mean 'seeds'?"]),
        ("layers = 1", "leyers = 1", ["network", "'leyers'", "did you mean 'layers'?"]),
        ("epochs = 1", "epoch = 1", ["training", "'epoch'", "did you mean 'epochs'?"]),
        ("max.network.reduction", "max.netwrok.reduction", ["level 'max'", "'netwrok'", "'network'"]),
        ('"ConvBlocks"', '"ConvBlock"', ["network.family", "'ConvBlock'", "'ConvBlocks'"]),
        ('"ConvBlocks"', '["ConvBlocks"]', ["network.family", "['ConvBlocks']"]),
        ('family = "ConvBlocks"', "", ["network", "'family' is missing"]),
        ('name = "tiny"', "", ["'name' is missing"]),
        ('"Does it?"', '" "', ["question is empty"]),
        ('"Does it?"', "3", ["question must be text", "3"]),
        ('"Adam"', '"adam"', ["optimizer.rule", "'adam'", "did you mean 'Adam'?"]),
        ("seeds = 2", "seeds = [1, 1, 2]", ["seed 1 listed twice", "not independent runs"]),
        ("seeds = 2", 'seeds = "5"', ["seeds must be", "'5'"]),
        ("seeds = 2", "seeds = true", ["seeds must be", "True"]),
        ("seeds = 2", "seeds = 1.5", ["seeds must be", "1.5"]),
        ("seeds = 2", "seeds = -1", ["seeds must be from 1", "-1"]),
        ("seeds = 2", "seeds = 0", ["seeds must be from 1", "0"]),
        ("seeds = 2", "seeds = []", ["seeds must be at least 1"]),
        ("seeds = 2", "seeds = [-1]", ["seeds must be integers 0..2^63-1", "-1"]),
        ("seeds = 2", "seeds = [true]", ["seeds must be integers 0..2^63-1", "True"]),
        ("seeds = 2", f"seeds = [{2**70}]", ["seeds must be integers 0..2^63-1", str(2**70)]),
        ("seeds = 2", f"seeds = {2**70}", ["seeds must be from 1 to 100,000", str(2**70)]),
        ("lr = 0.01", "lr = nan", ["optimizer", "lr must be a finite number > 0", "nan"]),
        ("lr = 0.01", "lr = inf", ["lr must be a finite number > 0", "inf"]),
        ("lr = 0.01", "lr = 0", ["lr must be a finite number > 0", "0"]),
        ("lr = 0.01", "lr = -1", ["lr must be a finite number > 0", "-1"]),
        ("lr = 0.01", 'lr = "1e-3"', ["optimizer.lr", "valid number", "'1e-3'"]),
        ("lr = 0.01", f"lr = 1{'0' * 400}", ["optimizer", "lr"]),
        ("lr = 0.01", "lr = 1979-05-27", ["optimizer.lr"]),
        ("epochs = 1", "epochs = 0", ["training", "epochs must be an integer >= 1", "0"]),
        ("layers = 1", "layers = 0", ["network", "layers must be an integer >= 1", "0"]),
        ('reduction = "max"', 'reduction = "maxx"', ["network.reduction", "'maxx'"]),
        ('max.network.reduction = "max"', "max = 3", ["level 'max'", "3"]),
        ('max.network.reduction = "max"', 'max.data.source = "x"', ["level 'max'", "unknown key 'data'"]),
        ("[factors.reduction]", "[factors.'../x']", ["'../x'", "letters, digits"]),
        ("max.network", "'../x'.network", ["'../x'", "letters, digits"]),
        ("max.network", "''.network", ["got ''", "letters, digits"]),
        ("max.network", "'..'.network", ["'..'", "letters, digits"]),
        ("max.network", f"{'x' * 300}.network", ["xxx", "64 at most"]),
        ("max.network", '"a\\nb".network', ["'a\\nb'", "printable"]),
        ("max.network", '"\\u001b[31m".network', ["'\\x1b[31m'", "printable"]),
        ("max.network", "Average.network", ["'average' exists already, as 'Average'"]),
        ('name = "tiny"', 'name = ".."', ["'..'", "letters, digits"]),
        ('name = "tiny"', 'name = "a\\nb"', ["'a\\nb'", "letters, digits"]),
        ('name = "tiny"', "name = 3", ["name", "3"]),
        ("seeds = 2", "margin = 0", ["margin must be points, a number above 0 and below 100", "0"]),
        ("seeds = 2", "margin = -0.1", ["margin must be", "-0.1"]),
        ("seeds = 2", "margin = nan", ["margin must be", "nan"]),
        ("seeds = 2", "margin = inf", ["margin must be", "inf"]),
        (
            "seeds = 2",
            f"margin = 0x{'f' * 5000}",
            ["margin must be points", "a number of thousands of digits"],
        ),
        ("seeds = 2", f"seeds = 0x{'f' * 5000}", ["seeds must be from 1 to 100,000"]),
        ("seeds = 2", f"seeds = [0x{'f' * 5000}]", ["seeds must be integers 0..2^63-1"]),
        ("seeds = 2", f"looks = [3, 0x{'f' * 5000}]", ["seeds must be from 1 to 100,000"]),
        ("layers = 1", f"layers = 0x{'f' * 5000}", ["network.layers: expected a number below 1e308"]),
        ("seeds = 2", "margin = true", ["margin must be a number", "True"]),
        ("seeds = 2", "margin = 100", ["margin must be points", "below 100; got 100"]),
        ("seeds = 2", f"margin = 1{'0' * 400}", ["margin must be points"]),
        ("seeds = 2", "margins = 3", ["margins must be a table", "3"]),
        ("seeds = 2", "margins.los = 1.1", ["margins: unknown key 'los'", "did you mean 'loss'?"]),
        ("seeds = 2", "margins.loss = 1", ["margins.loss: expected a factor above 1, at most 10; got 1"]),
        ("seeds = 2", "margins.time = 0.05", ["margins.time: expected a factor above 1"]),
        ("seeds = 2", "margins.memory = 10.5", ["margins.memory: expected a factor", "got 10.5"]),
        ("seeds = 2", f"margins.loss = 1{'0' * 400}", ["margins.loss: expected a number below 1e308"]),
        ("seeds = 2", "margins.loss = nan", ["margins.loss: expected a factor", "nan"]),
        ("seeds = 2", "margins.loss = true", ["margins.loss: expected a factor", "True"]),
        ("seeds = 2", "margins.overfit = 0", ["margins.overfit: expected points, a number above 0", "got 0"]),
        ("seeds = 2", "margins.accuracy = 0.3", ["margins.accuracy", "is called margin"]),
        ("seeds = 2", "quick.margins.loss = 0", ["tiny-quick", "margins.loss: expected a factor"]),
        ("seeds = 2", 'control = "maxx"', ["control 'maxx' is no arm", "did you mean 'max'?"]),
        ("seeds = 2", "control = 3", ["control must be", "3"]),
        ("seeds = 2", "engine = 3", ["engine", "3"]),
        ("seeds = 2", "quick = 3", ["quick must be a table", "3"]),
        ("seeds = 2", "quick.sedds = 3", ["tiny-quick", "unknown key 'sedds'", "'seeds'"]),
        ("seeds = 2", "quick.seeds = 0", ["tiny-quick", "seeds must be from 1", "0"]),
        ("seeds = 2", "quick.margin = 'x'", ["tiny-quick", "margin must be a number", "'x'"]),
        ("seeds = 2", "quick.training.epochs = 0", ["tiny-quick", "epochs must be", "0"]),
        ("seeds = 2", f"quick.a = {'[' * 40}{']' * 40}", ["quick", "nested deeper than 32"]),
    ],
)
def test_a_value_that_cannot_be_is_refused(old, new, parts, tmp_path):
    line = refusal(changed(old, new), tmp_path)
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (GOOD.encode() + b"# caf\xe9", ["line 19: not UTF-8"]),
        (GOOD.encode("utf-16"), ["line 1: not UTF-8"]),
        (GOOD + "seeds = = 2", ["not valid TOML", "line 19", "column"]),
        (GOOD + "a = narrow", ["not valid TOML", "line 19", "(texts stand in quotes)"]),
        (
            GOOD + "max.network.filters = 3\nmax.network.filters = 4",
            ["not valid TOML", "(a key stands there twice)"],
        ),
        (GOOD + "[factors.reduction]", ["not valid TOML", "Cannot declare", "line 19"]),
        (GOOD + f"a = {'[' * 100_000}{']' * 100_000}", ["not valid TOML"]),
        (GOOD + f"a = {'9' * 5000}", ["not valid TOML", "digits"]),
        (GOOD + f"{'a.' * 400_000}a = 1", ["not valid TOML: line 19 has more than 1,000 dots"]),
        (GOOD + "#" * 2_000_000, ["larger than 1,000,000 bytes"]),
        ("", ["'name' is missing"]),
    ],
    ids=[
        "latin-1",
        "utf-16",
        "syntax",
        "no quotes",
        "key twice",
        "table twice",
        "deep",
        "digits",
        "dots",
        "large",
        "empty",
    ],
)
def test_a_file_that_is_no_study_is_refused(text, parts, tmp_path):
    line = refusal(text, tmp_path)
    for part in parts:
        assert part in line


def test_a_byte_order_mark_is_no_error(tmp_path):
    (tmp_path / "my.toml").write_text(GOOD, encoding="utf-8-sig")
    assert load_study(tmp_path / "my.toml").name == "tiny"


@pytest.mark.parametrize("source", ["poling", "x" * 5000, "a\0b.toml", "none.toml", "/dev/zero.toml", ""])
def test_a_study_that_is_not_there(source):
    with pytest.raises(StudyError):
        load_study(source)


def test_a_folder_is_no_study_file(tmp_path):
    with pytest.raises(StudyError, match="not a file"):
        load_study(tmp_path)


def test_a_misspelt_built_in_study_is_guessed():
    with pytest.raises(StudyError, match=r"did you mean 'pooling'\?"):
        load_study("poolnig")


def test_more_runs_than_anyone_can_wait_for_are_refused_at_once():
    levels = {f"l{index}": {} for index in range(1000)}
    with pytest.raises(StudyError, match="5,000,000,000 runs are more than 100,000"):
        Study.from_tables(
            tiny_tables(factors={"a": levels, "b": levels, "c": levels}, seeds=5, control="x"), "f"
        )


@pytest.mark.parametrize("counts", [(99_000,), (330, 300), (10, 10, 10, 99), (1001,)])
def test_more_arms_than_anyone_can_compare_are_refused_before_any_is_built(counts, monkeypatch):
    monkeypatch.setattr(Settings, "from_tables", lambda *_: pytest.fail("an arm was built"))
    factors = {f"f{i}": {f"l{j}": {} for j in range(count)} for i, count in enumerate(counts)}
    with pytest.raises(StudyError, match=rf"{prod(counts):,} arms are more than 1,000 \(use fewer levels\)"):
        Study.from_tables(tiny_tables(factors=factors, seeds=1, control=None), "f")


def test_a_hundred_thousand_seeds_are_checked_in_no_time():
    assert len(Study.from_tables(tiny_tables(seeds=50_000), "f").seeds) == 50_000


def test_arms_whose_names_run_together_are_refused():
    factors = {"a": {"x": {}, "x-y": {}}, "b": {"y-z": {}, "z": {}}}
    with pytest.raises(StudyError, match="arm 'x-y-z' exists already"):
        Study.from_tables(tiny_tables(factors=factors, control="x-z"), "f")


def test_arms_are_every_combination_of_levels():
    factors = {
        "reduction": {
            "max": {"network": {"reduction": "max"}},
            "dilated": {"network": {"reduction": "dilated"}},
        },
        "rule": {
            "sgd": {"optimizer": {"rule": "SGD", "lr": 0.5}},
            "adam": {"optimizer": {"lr": 0.02}},
            "slow": {"optimizer": {"lr": 0.001}, "engine": "auto"},
        },
    }
    study = tiny_study("glyphs", factors=factors, control="max-adam")
    found = {
        arm.name: (arm.settings.architecture.reduction, arm.settings.recipe.optimizer) for arm in study.arms
    }
    rules = {
        "sgd": SGD(lr=0.5),
        "adam": Adam(lr=0.02, weight_decay=1e-5),
        "slow": Adam(lr=0.001, weight_decay=1e-5),
    }
    assert list(found) == [f"{reduction}-{rule}" for reduction in ("max", "dilated") for rule in rules]
    assert found == {f"{r}-{name}": (r, rule) for r in ("max", "dilated") for name, rule in rules.items()}
    assert study.arm("dilated-slow").levels == {"reduction": "dilated", "rule": "slow"}
    assert {arm.name: arm.settings.engine for arm in study.arms}["max-slow"] == "auto"
    with pytest.raises(StudyError, match="no arm 'max-adm'"):
        study.arm("max-adm")


def test_a_study_without_factors_has_one_arm():
    study = tiny_study("glyphs", factors={}, control="tiny")
    assert [arm.name for arm in study.arms] == ["tiny"]


@pytest.mark.parametrize("quick", [{}, {"seeds": 2, "network": {"filters": 2}}])
def test_a_study_survives_its_own_tables(quick):
    study = tiny_study("glyphs", quick=quick, margin=0.5, control="max")
    again = Study.from_tables(json.loads(json.dumps(study.to_tables())), "x")
    assert again == study
    assert again.digest == study.digest


def test_margins_are_the_usual_ones_unless_declared():
    study = tiny_study("glyphs", margin=0.5, margins={"loss": 1.1, "overfit": 2})
    found = {name: study.margin_of(name) for name in MARGINS}
    assert found == {"accuracy": 0.5, "overfit": 2, "loss": 1.1, "time": 1.05, "memory": 1.05}
    assert Study.from_tables(study.to_tables(), "x") == study
    assert study.override({"margins": {"time": 1.2}}).margin_of("time") == 1.2


def test_a_study_without_margins_is_the_study_it_was():
    """Its digest, by which results are known, is that of before there were margins."""
    assert "margins" not in tiny_study("glyphs").to_tables()
    assert tiny_study("glyphs").digest.startswith("d2cfb764d81cdd21")


@pytest.mark.parametrize("key", ["network", "optimizer", "training", "data", "factors", "quick"])
def test_a_table_that_is_none_is_refused(key):
    with pytest.raises(StudyError, match=rf"^f: .*{key}.* must be a table; got 3$"):
        Study.from_tables({**tiny_tables(), key: 3}, "f")


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": [0, 2]}, {"margin": 0.4}, {"margins": {"loss": 1.1}}, {"control": "max"},
        {"optimizer": {"lr": 0.02}},
        {"training": {"epochs": 4}}, {"network": {"filters": 4}}, {"data": {"split_seed": 1}},
        {"engine": "auto"},
    ],
)  # fmt: skip
def test_every_setting_is_in_the_digest(change):
    assert tiny_study("glyphs", **change).digest != tiny_study("glyphs").digest


def test_the_quick_profile_is_laid_over():
    study = tiny_study("glyphs", quick={"seeds": 5, "training": {"epochs": 1}, "control": "max"})
    quick = study.quickened()
    assert (quick.name, quick.seeds, quick.control) == ("tiny-quick", (0, 1, 2, 3, 4), "max")
    assert {arm.settings.recipe.epochs for arm in quick.arms} == {1}
    assert {arm.settings.recipe.batch_size for arm in quick.arms} == {16}
    assert {arm.settings.recipe.epochs for arm in study.arms} == {3}
    with pytest.raises(StudyError, match="tiny-quick: has no"):
        quick.quickened()


def test_overrides_reach_every_arm_and_leave_the_study_alone():
    study = tiny_study("glyphs")
    other = study.override(
        {"seeds": 3, "optimizer": {"lr": 0.5}, "engine": "auto", "data": {"source": "idx:x"}}
    )
    assert other.seeds == (0, 1, 2)
    assert {arm.settings.recipe.optimizer for arm in other.arms} == {Adam(lr=0.5, weight_decay=1e-5)}
    assert {arm.settings.engine for arm in other.arms} == {"auto"}
    assert other.data.source == "idx:x"
    assert study == tiny_study("glyphs")


@pytest.mark.parametrize(
    "overrides",
    [
        {"seeds": 0}, {"seeds": "x"}, {"margin": "x"}, {"margins": 3},
        {"margins": {"loss": "x"}}, {"control": 3}, {"control": "y"}, {"name": "y"},
        {"engine": 1}, {"data": 1}, {"training": {"epochs": 0}}, {"network": {"layer": 3}},
        {"optimizer": None},
    ],
)  # fmt: skip
def test_an_override_that_cannot_be_is_refused(overrides):
    with pytest.raises(AssayError, match=r"^tiny: "):
        tiny_study("glyphs").override(overrides)


def test_a_study_written_in_python_meets_the_same_errors():
    with pytest.raises(StudyError, match="seeds must be"):
        Study(name="a", question="q", base=tiny_tables()["network"], factors={}, seeds="ab")
    with pytest.raises(StudyError, match="unknown key 'family'"):
        Study(name="a", question="q", base=tiny_tables()["network"], factors={})


@pytest.mark.parametrize(
    ("layers", "parts"),
    [
        ([], ["layers: expected at least one"]),
        ([{"layer": "Conv3d"}], ["layers[0].layer", "'Conv3d'", "did you mean 'Conv2d'?"]),
        (
            [{"layer": "Flatten"}, {"layer": "Linear", "out_featrues": 3}],
            ["layers[1]", "did you mean 'out_features'?"],
        ),
        ([{"layer": "Conv2d", "out_channels": 3}], ["layers[0]", "'kernel_size' is missing"]),
        ([{"layer": "Linear", "weight_init": "Glorot"}], ["layers[0]", "weight_init", "'Glorot'"]),
        (["Conv2d"], ["network.layers"]),
    ],
)
def test_a_list_of_layers_is_checked_before_there_is_data(layers, parts):
    network = {"family": "Layers", "layers": layers}
    with pytest.raises(AssayError) as caught:
        Study.from_tables({**tiny_tables(factors={}, control="tiny"), "network": network}, "f.toml")
    line = str(caught.value)
    assert line.startswith("f.toml: ")
    for part in parts:
        assert part in line


def test_a_level_and_an_override_can_address_the_items_of_a_list():
    layers = [
        {"layer": "Flatten"},
        {"layer": "Linear", "out_features": 9},
        {"layer": "ReLU"},
        {"layer": "Linear"},
    ]
    factors = {"act": {"relu": {}, "tanh": {"network": {"layers": {"2": {"layer": "Tanh"}}}}}}
    values = {**tiny_tables(), "network": {"family": "Layers", "layers": layers}, "factors": factors}
    study = Study.from_tables({**values, "control": "relu"}, "f")
    wide = study.override({"network": {"layers": {"1": {"out_features": 30}}}})
    for found, units in ((study, 9), (wide, 30)):
        assert [
            (
                arm.settings.architecture.layers[1]["out_features"],
                arm.settings.architecture.layers[2]["layer"],
            )
            for arm in found.arms
        ] == [(units, "ReLU"), (units, "Tanh")]
    with pytest.raises(
        StudyError, match=r"^tiny: network\.layers: .* one of 0 to 3, for there are 4; got '4'$"
    ):
        study.override({"network": {"layers": {"4": {"out_features": 30}}}})
    factors["act"]["tanh"]["network"]["layers"] = {"7": {"layer": "Tanh"}}
    with pytest.raises(
        StudyError, match=r"^f: tiny: level 'tanh': network\.layers: .* for there are 4; got '7'$"
    ):
        Study.from_tables({**values, "control": "relu"}, "f")


FULL = tiny_tables(
    margin=0.2,
    quick={"seeds": 2, "network": {"filters": 2}},
    optimizer={"betas": [0.9, 0.99]},
    factors={
        "a": {"x": {"network": {"stride": 1}}, "y": {}},
        "b": {"u": {"optimizer": {"lr": 0.1}}, "v": {}},
    },
    control="x-u",
)
WORDS = st.sampled_from(
    ["max", "rule", "family", "Layers", "Dense", "SGD", "layers", "hidden", "seeds", "x", ""]
)
values = st.recursive(
    WORDS | st.text(max_size=6) | st.integers() | st.floats() | st.booleans() | st.none() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


LISTED = {
    **FULL,
    "network": {
        "family": "Layers",
        "layers": [
            {"layer": "Conv2d", "out_channels": 2, "kernel_size": [3, 3], "weight_init": "HeNormal"},
            {"layer": "MaxPool2d", "kernel_size": 2, "padding": [1, 0]},
            {"layer": "Flatten"},
            {"layer": "Linear"},
        ],
    },
    "factors": {"a": {"x": {}, "y": {"optimizer": {"rule": "SGD", "lr": 1}}}, "b": {"u": {}}},
    "quick": {},
}


def places(table, prefix=()):
    """Return the path of everything in nested tables and lists."""
    keys = list(table) if isinstance(table, dict) else range(len(table))
    inner = [key for key in keys if isinstance(table[key], dict | list)]
    return [(*prefix, key) for key in keys] + [
        path for key in inner for path in places(table[key], (*prefix, key))
    ]


@st.composite
def mutants(draw):
    table = deepcopy(draw(st.sampled_from([FULL, LISTED])))
    for _ in range(draw(st.integers(1, 3))):
        *path, key = draw(st.sampled_from(places(table) or [("name",)]))
        parent = table
        for part in path:
            parent = parent[part]
        action = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if action == "replace" or isinstance(parent, list):
            parent[key] = draw(values)
        elif action == "add":
            parent[draw(WORDS | st.text(max_size=6))] = draw(values)
        else:
            value = parent.pop(key, None)
            if action == "rename":
                parent[draw(WORDS | st.sampled_from(sorted(parent) or ["x"]))] = value
    return table


def loaded(table):
    """Return the study, or the line with which it is refused."""
    try:
        return Study.from_tables(table, "f.toml")
    except AssayError as error:
        return str(error)


@settings(max_examples=drawn(150))
@given(mutants())
def test_whatever_is_done_to_a_study_it_loads_or_says_why_in_one_line(table):
    found = loaded(table)
    if isinstance(found, str):
        assert found.startswith("f.toml: ")
        assert len(found.splitlines()) == 1
    else:
        assert Study.from_tables(json.loads(json.dumps(found.to_tables())), "x").digest == found.digest


def test_a_shared_mistake_is_not_the_first_arms(tmp_path):
    assert refusal(changed("lr = 0.01", "lr = nan"), tmp_path).startswith("tiny: optimizer: lr must be")


def test_a_levels_mistake_is_its_arms(tmp_path):
    bad = GOOD + "average.network.filters = 0\n"
    assert refusal(bad, tmp_path).startswith("tiny: arm 'average': network: filters must be")


def test_a_study_is_described_in_one_line():
    study = tiny_study("glyphs")
    assert repr(study) == f"<Study tiny: 2 arms x 2 seeds: {study.question}>"
