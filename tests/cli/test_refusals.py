"""``show``, ``plan`` and ``run`` refuse alike what cannot be trained or compares nothing, before all else."""

from pathlib import Path

import pytest
from bounded import bounded
from example_counts import drawn
from hypothesis import HealthCheck, given, settings
from junk import junk_studies
from said import Assay
from tiny import tiny_tables

from assay import data
from assay.nn.network import Network
from assay.study.toml import dumps as to_toml

LISTED = [
    {"layer": "Flatten"},
    {"layer": "Linear", "out_features": 8},
    {"layer": "ReLU"},
    {"layer": "Linear"},
]
TANH = [*LISTED[:2], {"layer": "Tanh"}, LISTED[3]]
WIDE = [LISTED[0], {"layer": "Linear", "out_features": 9}, *LISTED[2:]]
LAYERS = {"family": "Layers", "layers": LISTED}
DENSE = {"family": "Dense", "hidden": [8]}
NAN = float("nan")
NORM = {"n": {"plain": {}, "bn": {"network": {"batch_norm": True}}}}


def level(**network):
    return {"network": network}


REFUSED = {
    "one example for batch normalisation": (
        {"network": DENSE, "factors": NORM, "data": {"train": 201}, "training": {"batch_size": 100}},
        "tiny: arm 'bn': 201 training images in batches of 100: layer batchnorm1: ",
    ),
    "factors that overwrite each other": (
        {
            "network": LAYERS,
            "factors": {
                "act": {"relu": level(layers=LISTED), "tanh": level(layers=TANH)},
                "width": {"w8": level(layers=LISTED), "w9": level(layers=WIDE)},
            },
        },
        "factors 'act' and 'width' both write network.layers, so the later would win (write it once in "
        "[network], and let 'act' change network.layers.2.layer alone, and 'width' network.layers.1.out_feat",
    ),
    "two factors with one key": (
        {
            "network": DENSE,
            "factors": {"one": {"a": level(hidden=[1])}, "two": {"x": level(hidden=[2]), "y": {}}},
        },
        "factors 'one' and 'two' both write network.hidden, so the later would win",
    ),
    "an unknown layer that another level hides": (
        {
            "network": LAYERS,
            "factors": {"one": {"a": level(layers=[{"layer": "Tonh"}])}, "two": {"x": level(layers=LISTED)}},
        },
        "factors 'one' and 'two' both write network.layers",
    ),
    "an item that is not there": (
        {"network": LAYERS, "factors": {"act": {"a": {}, "b": level(layers={"4": {"layer": "Tanh"}})}}},
        "level 'b': network.layers: expected the number of an item, one of 0 to 3, for there are 4; got '4'",
    ),
    "two levels alike": (
        {"network": DENSE, "factors": {"one": {"a": level(hidden=[9]), "b": level(hidden=[9])}}},
        "arms 'a' and 'b' are the same run",
    ),
    "a level that keeps the momentum": (
        {
            "network": DENSE,
            "optimizer": {"rule": "SGD", "lr": 0.1, "momentum": 0.9},
            "factors": {"one": {"a": {}, "b": {"optimizer": {"rule": "SGD", "lr": 0.1}}}},
        },
        "(change one of their levels, which keeps what it does not name, or leave one out)",
    ),
    "a rule among the options of training": (
        {"training": {"optimizer": {"rule": "Adam"}}},
        "training: unknown key 'optimizer' (known: augment, batch_size, dtype, epochs, ",
    ),
    "two spellings alike": (
        {"network": LAYERS, "factors": {"one": {"a": {}, "b": level(**DENSE)}}},
        "arms 'a' and 'b' are the same run",
    ),
    "units beyond memory": ({"network": {"family": "Dense", "hidden": [10**9]}}, "a run takes about"),
    "maps beyond memory": ({"network": {"family": "ConvPool", "maps": [10**9]}}, "a run takes about"),
    "images beyond memory": ({"data": {"train": 9_000_000}}, "glyphs: the images take"),
    "layers by the thousand": ({"network": {"family": "Dense", "hidden": [8] * 4000}}, "hidden: 4,000 are"),
    "arms by the thousand": (
        {"seeds": 1, "factors": {f"f{i}": {f"l{j}": {} for j in range(n)} for i, n in enumerate([300, 330])}},
        "99,000 arms are more than 1,000",
    ),
    "a slope of nan": (
        {"network": {"family": "Layers", "layers": [{"layer": "LeakyReLU", "negative_slope": NAN}, *LISTED]}},
        "negative_slope must be a finite number; got nan",
    ),
}  # fmt: skip


def study(changes):
    """Return a study of drawn characters, as a file; without a factor of its own, of one arm."""
    values = {**tiny_tables(), "engine": "auto", "factors": {}, "quick": {}, **changes}
    values["data"] = {"source": "glyphs", "train": 60, "valid": 10, "test": 10, **changes.get("data", {})}
    return to_toml({key: value for key, value in values.items() if key not in ("control", "quick")})


@pytest.fixture
def nothing_big(monkeypatch):
    """A machine of 4 GiB on which no weight may be drawn, no character and no engine be looked at."""
    monkeypatch.setattr("assay.records.free_memory.available", lambda: 2**32)
    for owner, name in ((Network, "initialise"), (data.loading, "load"), (data.glyphs, "draw")):
        monkeypatch.setattr(owner, name, lambda *_: pytest.fail("more was done than looking"))
    monkeypatch.setattr("assay.engines.choose", lambda *_: pytest.fail("an engine was asked"))


@pytest.mark.usefixtures("nothing_big")
@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED)
def test_show_plan_and_run_refuse_in_the_same_words_before_anything_is_made(changes, words, assay: Assay):
    Path("own.toml").write_text(study(changes))
    lines = set()
    for command in ("show", "plan", "run"):
        with bounded():
            said = assay(command, "own.toml")
        assert (said.status, said.out) == (2, "")
        assert said.err.count("\n") == 1
        lines.add(said.err)
    (line,) = lines
    assert line.startswith("assay: error: ")
    assert words in line
    assert [path.name for path in Path().iterdir()] == ["own.toml"]


SIZES = ("0", "-1", "1.5", '"x"', "true", "nan", "[]", "1e9", "1000000000")


@pytest.mark.usefixtures("nothing_big")
@pytest.mark.parametrize(
    "setting",
    [
        *(f"network.hidden=[{value}]" for value in SIZES), "network.hidden=0", "network.hidden=1e9",
        "network.maps=[0]", "network.hidden.9=3", "network.activation=relu", "data.train=61",
        "training.batch_size=59", "training.batch_size=1", "training.batch_size=9999999",
        "training.epochs=99999999999", "training.schedule={kind='StepLR', step_size=1, gamma=1e300}",
        "optimizer.lr=nan", f"{'a.' * 1000}b=1", f"network.hidden=[{'9' * 5000}]", f"epochs={'9' * 5000}",
        f"network.hidden={'[' * 1000}{']' * 1000}", f"network.hidden=[{'9,' * 5000}]",
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_a_setting_that_cannot_be_trained_is_one_line(setting, assay: Assay):
    network = {"family": "Dense", "hidden": [8], "batch_norm": True}
    training = {"batch_size": 20, "epochs": 3}
    Path("own.toml").write_text(study({"network": network, "training": training}))
    with bounded():
        said = assay("run", "own.toml", "-s", setting)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("assay: error: ")
    assert len(said.err) < 1500


@settings(
    max_examples=drawn(25),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values=junk_studies())
def test_show_of_a_study_with_junk_in_it_is_a_plan_or_one_line(values, assay: Assay, monkeypatch):
    """The plan of what is accepted is drawn; what it would cost is not measured here."""
    monkeypatch.setattr("assay.cli.drawing.costs", lambda _: "costs")
    monkeypatch.setattr("assay.running.estimate.estimate", lambda *_: None)
    try:
        Path("own.toml").write_text(to_toml(values))
    except (AttributeError, TypeError, ValueError):  # TOML has no null
        return
    said = assay("show", "own.toml")
    assert "Traceback" not in said.err
    assert (said.status, said.err.count("\n")) in ((0, 0), (2, 1))
    assert said.err == "" or said.err.startswith("assay: error: ")
