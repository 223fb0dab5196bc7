"""Two arms that are the same run are refused, however they are spelt; arms that differ are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import outcome, sizes, tiny_study, tiny_tables

from assay.errors import StudyError
from assay.optim import Adam
from assay.optim.recipe import Recipe
from assay.optim.schedules import Constant, CosineAnnealingLR, ExponentialLR, OneCycleLR, StepLR, WarmUp
from assay.running.plan import make_plan
from assay.running.run import run
from assay.study.architectures import from_table
from assay.study.sameness import run_of
from assay.study.study import Study

DENSE = {"family": "Dense", "hidden": [8], "init": "HeNormal"}
LINEAR = {"layer": "Linear", "weight_init": "HeNormal"}
LISTED = {
    "family": "Layers",
    "layers": [{"layer": "Flatten"}, {**LINEAR, "out_features": 8}, {"layer": "ReLU"}, LINEAR],
}
FOUND = ("weights", "predicted")
CONV = {"layer": "Conv2d", "out_channels": 3, "kernel_size": 3}
END = [{"layer": "Flatten"}, {"layer": "Linear"}]


def layers(*found):
    return {"network": {"family": "Layers", "layers": [*found, *END]}}


def residual(**arguments):
    return layers({"layer": "Residual", "layers": [{**CONV, "out_channels": 1, **arguments}]})


def training(**found):
    return {"training": found}


SAME = {
    "nothing": ({}, {}),
    "a family and its layers": ({"network": DENSE}, {"network": LISTED}),
    "a default given": (
        {"network": DENSE},
        {"network": {**DENSE, "batch_norm": False, "activation": "ReLU"}},
    ),
    "1 and 1.0": ({"optimizer": {"lr": 1}}, {"optimizer": {"lr": 1.0}}),
    "a rule and its default": ({"optimizer": {"rule": "SGD"}}, {"optimizer": {"rule": "SGD", "lr": 0.001}}),
    "one size and two": (layers(CONV), layers({**CONV, "kernel_size": [3, 3], "stride": [1, 1]})),
    "a pair within a block": (residual(padding=1), residual(padding=[1, 1])),
    "a pooling's stride": (
        layers({"layer": "MaxPool2d", "kernel_size": 2}),
        layers({"layer": "MaxPool2d", "kernel_size": 2, "stride": 2, "padding": [0, 0]}),
    ),
    "an output's size": (
        layers({"layer": "AdaptiveAvgPool2d", "output_size": 2}),
        layers({"layer": "AdaptiveAvgPool2d", "output_size": [2, 2]}),
    ),
    "all sides": (
        layers({"layer": "ZeroPad2d", "padding": 1}),
        layers({"layer": "ZeroPad2d", "padding": [1, 1, 1, 1]}),
    ),
    "dropout of nothing": (layers(CONV), layers(CONV, {"layer": "Dropout", "p": 0})),
    "no penalty": (training(penalties=[]), training(penalties=[{"kind": "L2", "strength": 0}])),
    "roles": (
        training(penalties=[{"kind": "L2", "strength": 1, "roles": ["bias", "weight"]}]),
        training(penalties=[{"kind": "L2", "strength": 1, "roles": ["weight", "bias"]}]),
    ),
    "no shift": (training(augment=[]), training(augment=[{"kind": "shift", "pixels": 0}])),
    "augmentation in another order": (
        training(augment=[{"kind": "shift"}, {"kind": "rotate"}]),
        training(augment=[{"kind": "rotate"}, {"kind": "shift"}]),
    ),
    "a batch larger than all": (training(batch_size=200), training(batch_size=300)),
    "a step after the end": (
        training(schedule={"kind": "Constant"}),
        training(schedule={"kind": "StepLR", "step_size": 3}),
    ),
    "a factor of one": (training(), training(schedule={"kind": "ExponentialLR", "gamma": 1})),
    "the device": ({"engine": "torch"}, {"engine": "torch:cpu"}),
    "the engine that auto takes": ({"engine": "auto"}, {"engine": "numba"}),
}
OTHER = {
    "engines": ({"engine": "numba"}, {"engine": "reference"}),
    "methods": (
        {"network": {"family": "ConvPool", "maps": [2], "convolution": "fft"}},
        {"network": {"family": "ConvPool", "maps": [2]}},
    ),
    "methods of one layer": (layers({**CONV, "method": "loops"}), layers(CONV)),
    "an activation": ({"network": DENSE}, {"network": {**DENSE, "activation": "Tanh"}}),
    "a slope": (layers({"layer": "LeakyReLU"}), layers({"layer": "LeakyReLU", "negative_slope": 0.2})),
    "where weights begin": ({"network": DENSE}, {"network": {**DENSE, "init": "HeUniform"}}),
    "the axis": (layers({**CONV, "stride": [1, 2]}), layers({**CONV, "stride": [2, 1]})),
    "within a block": (residual(padding=1), residual(padding=1, bias=False)),
    "the shortcut": (
        layers({"layer": "Residual", "layers": [{"layer": "ReLU"}]}),
        layers({"layer": "Residual", "layers": [{"layer": "ReLU"}], "shortcut": [{"layer": "ReLU"}]}),
    ),
    "which dropout": (
        layers({"layer": "Dropout", "p": 0}, {"layer": "Dropout"}),
        layers({"layer": "Dropout"}),
    ),
    "precision": (training(), training(dtype="float64")),
    "epochs": (training(), training(epochs=4)),
    "a batch": (training(batch_size=149), training(batch_size=150)),
    "a step before the end": (
        training(schedule={"kind": "Constant"}),
        training(schedule={"kind": "StepLR", "step_size": 2}),
    ),
    "decay of another kind": (
        training(penalties=[{"kind": "L2", "strength": 0.1}]),
        {"optimizer": {"weight_decay": 0.1}},
    ),
}  # fmt: skip


def planned(pair):
    """Plan a study of two arms; each pair names all that its arms differ in."""
    levels = {"a": pair[0], "b": pair[1]}
    return make_plan(tiny_study("glyphs", factors={"f": levels}, control="a"), sizes((1, 14, 14), 6))


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_arms_that_are_the_same_run_are_refused(pair, monkeypatch):
    monkeypatch.setattr("assay.engines.speed.has_gpu", lambda: False)
    with pytest.raises(StudyError, match=r"^tiny: arms 'a' and 'b' are the same run: .*\(change one of"):
        planned(pair)


@pytest.mark.parametrize("pair", OTHER.values(), ids=OTHER)
def test_arms_that_differ_are_compared(pair):
    assert len(planned(pair).cohorts) == 2


@pytest.mark.parametrize("name", sorted(SAME.keys() - {"nothing", "the device"}))
def test_what_is_refused_as_the_same_does_train_to_the_same_bits(name, characters, tmp_path):
    found = []
    for index, level in enumerate(SAME[name]):
        changes = {**level, "engine": "reference", "factors": {}, "control": "tiny", "seeds": 1}
        with run(tiny_study(characters, **changes), tmp_path / str(index)) as results:
            ended = outcome(results)
            found.append(
                [value for key, value in ended.items() if isinstance(key, tuple) and key[1] in FOUND]
            )
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_the_two_are_named_among_many():
    levels = {f"w{width}": {"network": {"filters": width}} for width in (2, 3, 4, 5)}
    study = Study.from_tables(
        {**tiny_tables(), "factors": {"w": {**levels, "again": levels["w4"]}}, "control": None}, "f"
    )
    with pytest.raises(StudyError, match="arms 'w4' and 'again' are the same run"):
        make_plan(study, sizes())


SCHEDULES = st.one_of(
    st.just(Constant()),
    st.builds(StepLR, st.integers(1, 6), st.sampled_from([0.1, 0.5, 1.0])),
    st.builds(ExponentialLR, st.sampled_from([0.5, 1.0])),
    st.builds(CosineAnnealingLR, st.integers(1, 6), st.sampled_from([0.0, 0.5, 1.0])),
    st.builds(OneCycleLR, st.integers(2, 6)),
    st.builds(WarmUp, st.integers(1, 3), st.builds(StepLR, st.integers(1, 6), st.just(0.1))),
)


@given(SCHEDULES, SCHEDULES, st.integers(1, 6), st.integers(1, 5))
def test_schedules_are_the_same_where_all_their_factors_are(one, other, epochs, steps):
    network = from_table(DENSE).build((1, 4, 4), 3)
    runs = [run_of(network, Recipe(Adam(), 10, epochs, schedule=s), "x", 10 * steps) for s in (one, other)]
    rates = [[s.in_steps(steps)(t) for t in range(1, epochs * steps + 1)] for s in (one, other)]
    assert (runs[0] == runs[1]) == (rates[0] == rates[1])
