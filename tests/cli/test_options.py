"""The options that change a study."""

import inspect
import json
from dataclasses import fields

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from said import Assay

from assay.cli import options, plan, reproduce, run, studies
from assay.cli.settings import setting
from assay.errors import StudyError, UsageError
from assay.optim import SGD, Adam

PLAIN = st.one_of(
    st.integers(-(10**9), 10**9), st.booleans(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Z"])), st.lists(st.integers(0, 9)),
)  # fmt: skip


@given(PLAIN)
def test_a_value_is_read_as_toml(value):
    assert setting(f"network.filters = {json.dumps(value)}") == ("network.filters", value)


@given(st.text())
def test_any_value_is_read_as_something(text: str):
    """A text that TOML does not know, or that would smuggle in another key, stands for itself."""
    value = setting(f"a.b={text}")[1]
    assert isinstance(value, str | int | float | list | dict) or hasattr(value, "isoformat")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".001", 0.001), ("-.5", -0.5), ("+.5", 0.5), ("1.", 1.0), ("-2.", -2.0), ("1e-3", 1e-3),
        ("1.e-3", 1e-3), (".5e2", 50.0), ("[.5, 1., 2]", [0.5, 1.0, 2]),
        ("{p = .5, on = yes}", {"p": 0.5, "on": True}),
        *((word, True) for word in ("true", "True", "yes", "Yes", "TRUE")),
        *((word, False) for word in ("false", "False", "no", "No")), ("[True, no]", [True, False]),
        *((text, text) for text in ("max", "yes-man", "no.", "v1.", "1.2.3", "say yes", "a.b", "..", "1.e")),
        ("'yes'", "yes"), ('".5"', ".5"), ("emnist/balanced", "emnist/balanced"),
    ],
)  # fmt: skip
def test_numbers_and_truths_may_be_written_as_people_do(text: str, value):
    found = setting(f"network.key={text}")[1]
    assert (type(found), found) == (type(value), value)


def test_an_arm_may_be_called_no():
    assert setting("control=no") == ("control", "no")
    assert setting("name=1.") == ("name", "1.")


def test_each_option_is_declared_once_and_reaches_every_command():
    for command in (run.run, plan.plan, studies.show, reproduce.reproduce):
        names = list(inspect.signature(command).parameters)
        assert {field.name for field in fields(options.Choices)} < set(names)
        assert "choices" not in names


def test_a_value_brings_no_second_key():
    assert setting("seeds=1\nname='x'") == ("seeds", "1\nname='x'")


def test_another_data_set_replaces_all_of_the_table(characters: str):
    quick = options.Choices(quick=True).study("pooling")
    assert (quick.data.source, quick.data.train) == ("glyphs", 10000)
    other = options.Choices(quick=True, data=characters).study("pooling")
    assert (other.data.source, other.data.train, other.data.valid) == (characters, None, None)
    assert options.Choices(quick=True, data="glyphs").study("pooling").data == quick.data


def test_settings_come_last():
    study = options.Choices(quick=True, epochs=7, settings=["training.epochs=9", "data.train=470"]).study(
        "pooling"
    )
    assert {arm.settings.recipe.epochs for arm in study.arms} == {9}
    assert study.data.train == 470


@given(st.permutations(["optimizer.rule=SGD", "optimizer.lr=0.5", "optimizer.weight_decay=0.25", "seeds=3"]))
def test_the_order_of_settings_does_not_matter(settings: list[str]):
    study = options.Choices(settings=settings).study("pooling")
    assert study.seeds == (0, 1, 2)
    assert {arm.settings.recipe.optimizer for arm in study.arms} == {SGD(0.5, 0.25)}


LAYERS = 'network.layers=[{layer="Flatten"},{layer="LeakyReLU",negative_slope=0.2},{layer="Linear"}]'


@given(st.permutations([LAYERS, "network.family=Layers", "network.layers.1.layer=Tanh"]))
def test_an_item_of_a_list_can_be_set(settings: list[str]):
    (arm,) = options.Choices(settings=settings).study("best").arms
    assert [layer["layer"] for layer in arm.settings.architecture.layers] == ["Flatten", "Tanh", "Linear"]
    (arm,) = options.Choices(settings=["network.layers.19.p=0.5"]).study("best").arms
    assert arm.settings.architecture.layers[19] == {"layer": "Dropout", "p": 0.5}


def test_a_table_that_every_arm_completes_reaches_every_arm():
    study = options.Choices(settings=["optimizer={lr = 0.5}"]).study("pooling")
    assert {arm.settings.recipe.optimizer for arm in study.arms} == {Adam(0.5, 1e-5)}


def test_an_item_of_a_list_that_a_level_sets_is_not_reached(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'name = "a"\nquestion = "?"\noptimizer.rule = "Adam"\n[network]\nfamily = "Dense"\nhidden = [9, 9]\n'
        "[factors.width]\nsame = {}\nwide.network.hidden.1 = 30\n"
    )
    study = options.Choices(settings=["network.hidden.0=20"]).study(str(path))
    assert [arm.settings.architecture.hidden for arm in study.arms] == [(20, 9), (20, 30)]
    with pytest.raises(UsageError, match=r"network\.hidden\.1=5: does not reach arm 'wide'"):
        options.Choices(settings=["network.hidden.1=5"]).study(str(path))


def test_options_that_are_not_given_change_nothing():
    from assay.study.builtin import load_study

    assert options.Choices().study("optimizers").digest == load_study("optimizers").digest


@pytest.mark.parametrize("setting", ["optimizer.lr=0.1", "optimizer.weight_decay=0.1"])
def test_a_setting_that_would_not_reach_every_arm_is_refused(setting: str):
    with pytest.raises(UsageError, match="does not reach arm"):
        options.Choices(settings=[setting]).study("optimizers")


def test_quick_needs_a_quick_table(tmp_path):
    path = tmp_path / "plain.toml"
    path.write_text(
        'name = "plain"\nquestion = "?"\n[network]\nfamily = "Dense"\n[optimizer]\nrule = "Adam"\n'
    )
    with pytest.raises(StudyError, match="quick"):
        options.Choices(quick=True).study(str(path))


@pytest.mark.parametrize(
    ("engine", "device", "expected"),
    [
        (None, "cpu", "torch:cpu"),
        ("auto", "cpu", "torch:cpu"),
        ("torch", "cuda", "torch:cuda"),
        ("numba", None, "numba"),
    ],
)
def test_a_device_is_one_of_the_torch_engine(engine, device, expected):
    assert options.Choices(engine=engine, device=device).study("pooling").arms[0].settings.engine == expected


@pytest.mark.parametrize(("engine", "device"), [("numba", "cuda"), ("reference", "cpu"), (None, "tpu")])
def test_a_device_that_cannot_be_is_refused(engine, device):
    with pytest.raises(UsageError, match=f"--device '?{device}"):
        options.Choices(engine=engine, device=device).study("pooling")


def test_a_gpu_that_is_not_there_is_one_line(assay: Assay):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    said = assay("run", "pooling", "--quick", "--device", "cuda")
    assert said.status == 2
    assert said.err.endswith("no CUDA device (use --engine torch:cpu)\n")
