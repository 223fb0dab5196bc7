"""A user's own classes in a study: named, read with their neighbours, run only where they are trusted."""

import importlib
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from own_classes import LAYERS, study_text, write_own

from assay.errors import StudyError, UsageError
from assay.nn.network import Network
from assay.optim.recipe import Recipe
from assay.running.plan import make_plan
from assay.study.architectures import Dense, Layers
from assay.study.builtin import load_study
from assay.study.factors import Factor
from assay.study.own_code import snapshot_of
from assay.study.settings import Settings
from assay.study.study import Study


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The user's folder, with a study file."""
    write_own(tmp_path)
    (tmp_path / "study.toml").write_text(study_text("glyphs"))
    return tmp_path


def load(own: Path, **tables) -> Study:
    """Return a study of one arm with these tables."""
    base = {"name": "t", "question": "q", "network": {"family": "Dense"}, "optimizer": {"rule": "SGD"}}
    text = tomli_w.dumps(base | tables)
    (own / "t.toml").write_text(text)
    return load_study(own / "t.toml", trust=[name for name in ("mylayers.py", "myrules.py") if name in text])


def settings(own: Path, **tables) -> Settings:
    (arm,) = load(own, **tables).arms
    return arm.settings


def network(own: Path, shape=(1, 12, 12), **table) -> Network:
    return settings(own, network=table).architecture.build(shape, 5)


def names(found: Network) -> list[str]:
    return [node.name for node in found.nodes]


SWISH = "mylayers.py:Swish"
POOL, NORM = "mylayers.py:Pool", "mylayers.py:Norm"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"family": "Dense", "activation": SWISH}, "flatten1 linear1 swish1 linear2"),
        ({"family": "Dense", "batch_norm": "mylayers.py:Scale"}, "flatten1 linear1 scale1 relu1 linear2"),
        (
            {"family": "ConvPool", "maps": [2], "kernel_size": 3, "pooling": POOL, "batch_norm": NORM},
            "conv1 mynorm1 relu1 mypool1 flatten1 linear1",
        ),
        (
            {"family": "ConvBlocks", "layers": 1, "filters": 2, "reduction": POOL, "activation": SWISH},
            "conv1 swish1 mypool1 adaptiveavgpool1 flatten1 linear1",
        ),
        (
            {"family": "ResNet", "filters": [2, 3], "blocks": 1, "pooling": POOL, "activation": SWISH},
            "conv1 batchnorm1 swish1 residual1 swish2 mypool1 conv2 batchnorm2 swish3 residual2 swish4 "
            "adaptiveavgpool1 flatten1 linear1",
        ),
        (
            {
                "family": "Layers",
                "layers": [
                    {"layer": "Residual", "layers": [{"layer": "mylayers.py:Scale", "start": 0.1}]},
                    {"layer": "Flatten"},
                    {"layer": SWISH, "beta": 2},
                    {"layer": "Linear"},
                ],
            },
            "residual1 flatten1 swish1 linear1",
        ),
    ],
)
def test_a_layer_of_ones_own_stands_wherever_it_fits(own, table, expected):
    if table["family"] == "Dense":
        table = {"hidden": [4], **table}
    assert names(network(own, **table)) == expected.split()


def test_its_arguments_are_settings(own):
    table = {"family": "Dense", "hidden": [4], "activation": {"layer": SWISH, "beta": 2.5}}
    assert network(own, **table).nodes[2].layer.beta == 2.5
    with pytest.raises(StudyError, match=r"activation: unknown key 'bata' \(did you mean 'beta'\?\)"):
        network(own, family="Dense", activation={"layer": SWISH, "bata": 2.5})
    with pytest.raises(StudyError, match="beta: input should be a valid number; got 'wide'"):
        network(own, family="Dense", activation={"layer": SWISH, "beta": "wide"})


def test_they_can_be_factors(own):
    (own / "study.toml").write_text(
        study_text(
            "glyphs", 'factors.activation.two.network.activation = { layer = "mylayers.py:Swish", beta = 2 }'
        )
    )
    arms = load_study(own / "study.toml", trust=["mylayers.py"]).arms
    found = [arm.settings.architecture.build((1, 4, 4), 3).nodes[2].layer for arm in arms]
    assert [getattr(layer, "beta", None) for layer in found] == [None, 1.0, 2]


def test_rules_and_penalties_too(own):
    found = settings(
        own,
        optimizer={"rule": "myrules.py:Lion", "beta": 0.8},
        training={"penalties": [{"kind": "myrules.py:Huber", "strength": 0.1}]},
    ).recipe
    assert (found.optimizer.beta, found.optimizer.lr) == (0.8, 0.001)
    assert type(found.penalties[0]).__name__ == "Huber"
    with pytest.raises(StudyError, match=r"optimizer: unknown key 'bet' \(did you mean 'beta'"):
        settings(own, optimizer={"rule": "myrules.py:Lion", "bet": 0.8})
    with pytest.raises(StudyError, match="expected a class derived from assay's Optimizer"):
        settings(own, optimizer={"rule": "myrules.py:Huber"})


def test_reading_runs_nothing(own):
    marker = own / "was_run"
    for name in ("mylayers", "myrules"):
        text = (own / f"{name}.py").read_text()
        (own / f"{name}.py").write_text(f"open({str(marker)!r}, 'w').close()\n{text}")
    text = study_text("glyphs", 'factors.rule.lion.optimizer.rule = "myrules.py:Lion"')
    (own / "study.toml").write_text(text.replace('control = "relu"', 'control = "relu-lion"'))
    study = load_study(own / "study.toml")
    assert Study.from_tables(study.to_tables()) == study
    assert [arm.name for arm in study.arms] == ["relu-lion", "swish-lion"]
    with pytest.raises(UsageError, match=r"needs to run code of its own, mylayers\.py"):
        study.arms[1].settings.architecture.build((1, 4, 4), 3)
    assert not marker.exists()
    load_study(own / "study.toml", trust=["mylayers.py", "myrules.py"])
    assert marker.exists()


def test_trust_is_by_name_or_path_and_only_for_what_the_study_names(own, monkeypatch):
    load_study(own / "study.toml", trust=[own / "mylayers.py"])
    with pytest.raises(UsageError, match=r"--trust tools.py: not named by the study .*mylayers.py"):
        load_study(own / "study.toml", trust=["tools.py"])
    monkeypatch.chdir(own)
    load_study("study.toml", trust=["./mylayers.py"])


def digest(own: Path) -> str:
    return load_study(own / "study.toml").digest


def test_the_source_is_part_of_the_study_with_all_that_it_imports(own):
    before = digest(own)
    (own / "myrules.py").write_text("# another file, which the study does not name")
    assert digest(own) == before
    (own / "tools.py").write_text("def one():\n    return 2.0\n")
    changed = digest(own)
    assert changed != before
    (own / "mylayers.py").write_text(LAYERS + "# a word\n")
    assert digest(own) not in (before, changed)


def test_a_study_without_code_is_what_it_was():
    study = Study("s", "q", base={"network": {"family": "Dense"}, "optimizer": {"rule": "SGD"}})
    assert "code" not in study.to_tables()


def test_a_digest_in_the_file_is_held(own):
    study = load_study(own / "study.toml")
    (own / "study.toml").write_text(study.to_toml())
    assert load_study(own / "study.toml") == study
    (own / "tools.py").write_text("def one():\n    return 2.0\n")
    with pytest.raises(StudyError, match=r"code: mylayers.py was changed since .* \(restore the file"):
        load_study(own / "study.toml")


def test_a_stored_study_reads_no_file_by_itself(own):
    tables = tomllib.loads((own / "study.toml").read_text())
    with pytest.raises(StudyError, match=r"mylayers.py has no digest under code"):
        Study.from_tables(tables)


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("mylayers.py:Swosh", r"mylayers.py: no class 'Swosh' \(did you mean 'Swish'\?\)"),
        (
            "mylayers.py:Stranger",
            "expected a class derived from assay.nn.Layer, or .*fprop and bprop.*neither",
        ),
        ("mylayers.py:Thawed", "expected a frozen dataclass, .*above class Thawed"),
        (
            "mylayers.py:Halves",
            r"mylayers.py:Halves: has no backward \(write def backward\(self, ",
        ),
        ("mylayers.py:Nameless", "Nameless: has no kind, .*kind: ClassVar"),
        ("mylayers.py:swish", "expected a class or a function; got"),
        ("nolayers.py:Swish", "nolayers.py: no such file"),
        ("../mylayers.py:Swish", "expected a file in the folder of the study file"),
        ("/tmp/mylayers.py:Swish", "expected a file in the folder of the study file"),
        ("broken.py:Swish", r"broken.py, line 2: not valid Python"),
        ("raising.py:Swish", r"raising.py, line 3: ValueError: on purpose"),
        ("missing.py:Swish", r"missing.py, line 1: ModuleNotFoundError: No module named 'no_such_library'"),
        ("mylayers.Swish", "activation: input should be 'ReLU'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(own, reference, line):
    (own / "broken.py").write_text("x = 1\nclass Swish(:\n")
    (own / "raising.py").write_text("\n\nraise ValueError('on purpose')\n")
    (own / "missing.py").write_text("import no_such_library\n")
    (own / "t.toml").write_text(
        'name = "t"\nquestion = "q"\noptimizer = { rule = "SGD" }\n'
        f'network = {{ family = "Dense", activation = "{reference}" }}'
    )
    file, colon, _ = reference.partition(":")
    with pytest.raises(StudyError, match=line) as caught:
        make_plan(load_study(own / "t.toml", trust=[file] if colon else []))
    assert "\n" not in str(caught.value)


def test_packages_relative_and_late_imports_and_files_of_the_same_name(tmp_path):
    results = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        package = folder / "mlp" / "inner"
        package.mkdir(parents=True)
        (folder / "mlp" / "__init__.py").write_text("")
        (package / "__init__.py").write_text(f"NUMBER = {number}\n")
        (package / "deep.py").write_text("from . import NUMBER\n")
        (folder / "late.py").write_text("import mlp.inner.deep as deep\nfrom mlp.inner import deep as same\n")
        (folder / "mlp" / "layers.py").write_text(
            LAYERS.replace(
                "from tools import one",
                "def one():\n    import late\n    from .inner import deep\n"
                "    assert late.deep is late.same is deep\n    return deep.NUMBER",
            )
        )
        (folder / "s.toml").write_text(study_text("glyphs").replace("mylayers.py", "mlp/layers.py"))
        study = load_study(folder / "s.toml", trust=["mlp/layers.py"])
        layer = study.arm("swish").settings.architecture.build((1, 4, 4), 3).nodes[2].layer
        results.append(float(layer.value(np.float64(50.0))))
        files = snapshot_of(study.code["mlp/layers.py"])
        assert sorted(files.texts) == [
            "late.py", "mlp/__init__.py", "mlp/inner/__init__.py", "mlp/inner/deep.py", "mlp/layers.py",
        ]  # fmt: skip
    assert results == [50.0, 100.0]
    assert not {"late", "mlp", "mlp.layers"} & set(sys.modules)


def test_from_python_it_is_the_same_study(own, monkeypatch):
    monkeypatch.syspath_prepend(str(own))
    monkeypatch.chdir(own)
    mylayers, myrules = (importlib.import_module(name) for name in ("mylayers", "myrules"))
    try:
        studies = [
            Study(
                "own",
                "q",
                network=Dense((8,)),
                recipe=Recipe(rule),
                factors=[Factor("network.activation", levels)],
            )
            for rule, levels in (
                (myrules.Lion(beta=0.8), ["ReLU", mylayers.Swish, mylayers.FastSwish(beta=2.0)]),
                (
                    myrules.Lion(beta=0.8),
                    {
                        "ReLU": "ReLU",
                        "Swish": SWISH,
                        "FastSwish": {"layer": "mylayers.py:FastSwish", "beta": 2.0},
                    },
                ),
            )
        ]
        assert studies[0].digest == studies[1].digest
        assert [arm.name for arm in studies[0].arms] == ["ReLU", "Swish", "FastSwish"]
        listed = Layers(
            (
                {"layer": "Flatten"},
                mylayers.Swish(),
                {"layer": mylayers.Swish, "beta": 3.0},
                {"layer": "Linear"},
            )
        )
        built = [listed.build((1, 2, 2), 3)]
        study = Study("own", "q", network=listed, recipe=Recipe(myrules.Lion()))
        built.append(study.arms[0].settings.architecture.build((1, 2, 2), 3))
        assert [repr(each.layers) for each in built] == [repr(built[0].layers)] * 2
        assert built[1].layers[1] == mylayers.Swish()
    finally:
        for name in ("mylayers", "myrules", "tools"):
            sys.modules.pop(name, None)
