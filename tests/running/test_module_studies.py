"""Studies of a user's PyTorch modules: trained, killed, continued, read, used, and refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch_nets
from blocks import blocks, save
from safetensors.torch import load_file
from tiny import outcome
from typer.testing import CliRunner

import assay
from assay.cli import main
from assay.cli.app import app
from assay.data import load
from assay.engines.torch import TorchEngine
from assay.errors import StudyError, UnsupportedError, UsageError
from assay.exchange.exporting import export_results
from assay.findings.findings import build
from assay.findings.inside import look_inside
from assay.records.runs import Status
from assay.results import Results
from assay.running.events import EpochEnded
from assay.running.plan import Plan, make_plan
from assay.running.run import run
from assay.study import own_code
from assay.study.builtin import load_study

STUDY = """
name = "nets"
question = "Does dropout help this network?"
control = "without"
seeds = 2
network = { family = "Module", module = "nets.py:Small", width = 3 }
optimizer = { rule = "Adam", lr = 0.01 }
training = { batch_size = 16, epochs = 3 }
data = { source = "SOURCE", train = 150, valid = 40, test = 61 }
factors.dropout.without.network.drop = 0.0
factors.dropout.half.network.drop = 0.5
"""


@pytest.fixture
def forgetful(monkeypatch):
    """Return what makes assay forget which code it has read and trusts, as a new process does."""

    def forget():
        for name in ("_snapshots", "_live", "_folders"):
            monkeypatch.setattr(own_code, name, {})
        for name in ("_trusted", "_unchecked"):
            monkeypatch.setattr(own_code, name, set())

    forget()
    return forget


@pytest.fixture
def own(tmp_path, characters, forgetful):
    """A folder with a study and the networks that it names."""
    text = Path(torch_nets.__file__).read_text("utf-8")
    (tmp_path / "nets.py").write_text(
        f"{text}\n# {tmp_path}\n"
    )  # a digest of its own, hence modules of its own
    (tmp_path / "nets.toml").write_text(STUDY.replace("SOURCE", characters))
    return tmp_path


def study(own, trust=("nets.py",), **changes):
    return load_study(own / "nets.toml", trust=trust).override(changes)


def trained(own, out="out", **options):
    with run(study(own), own / out, progress=False, **options) as results:
        return outcome(results)


@pytest.fixture(autouse=True)
def in_threads(monkeypatch):
    """Processes, each with a PyTorch of its own, take long to start, and are tested elsewhere."""
    monkeypatch.setattr(Plan, "isolated", False)


def test_workers_kills_and_new_processes_make_no_difference(own, forgetful):
    expected = trained(own, "whole", workers=1)
    assert all(row.status is Status.DONE for key, row in expected.items() if not isinstance(key, tuple))
    assert len({row.test.loss for key, row in expected.items() if not isinstance(key, tuple)}) == 4

    def kill(event):
        if isinstance(event, EpochEnded) and event.record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study(own), own / "killed", workers=2, progress=False, on_event=kill)
    forgetful()
    assert trained(own, "killed", workers=2) == expected


@pytest.mark.usefixtures("undrawn")
def test_its_results_are_read_without_running_it(own, forgetful):
    trained(own)
    forgetful()
    (own / "nets.py").unlink()
    with Results.open(own / "out") as results:
        report = build(results, look_inside(results))
        assert [
            said for said in report.limits if "The network of without and half is a PyTorch module" in said
        ]
        assert {layers.names for layers in report.layers} == {("conv", "norm", "head")}
        with pytest.raises(UsageError, match=r"needs to run code of its own, nets.py .*--trust nets.py"):
            results.module()
    with pytest.raises(UnsupportedError, match=r"own PyTorch module, which cannot be written .export to"):
        export_results(own / "out", "torch", trust=["nets.py"])
    with Results.open(own / "out", trust=["nets.py"]) as results:  # from the copy in the folder
        [path] = export_results(results, "safetensors")
        results.module().load_state_dict(load_file(path))
        assert look_inside(results).features is not None
        results.write_report(own / "report.html")


def test_the_trained_module_gives_the_scores_of_the_runs_test(own):
    with run(study(own), own / "out", progress=False) as results:
        test = load(results.study.data).test
        x = torch.from_numpy(test.images[:, None].astype(np.float32) / 255)
        for row in results.runs:
            module = results.module(row.arm, row.seed)
            assert type(module).__name__ == "Small"
            assert not module.training
            with torch.no_grad():
                scores = module(x).numpy()
            np.testing.assert_allclose(
                scores, results.network(row.arm, row.seed).scores(test.images), rtol=1e-5, atol=1e-5
            )
            np.testing.assert_array_equal(scores.argmax(1), results.store.predicted(row.id))
        [answer] = results.predict(test.images[0])
        assert answer.character in results.header.classes


def test_arguments_are_levels_and_names_are_what_a_plan_shows(own):
    plan = make_plan(study(own, **{"network.width": 5}))
    assert {cohort.engine.name for cohort in plan.cohorts} == {TorchEngine().name}
    assert {cohort.network.parameter_count for cohort in plan.cohorts} == {5 * 9 + 10 + 5 * 36 * 6 + 6}
    words = ["show", str(own / "nets.toml"), "--trust", "nets.py", "--format", "json"]
    shown = CliRunner().invoke(app, words)
    layers = json.loads(shown.stdout)["arms"][0]["layers"]
    assert [row["layer"] for row in layers] == ["conv", "norm", "drop", "head", "module"]
    (own / "nets.toml").write_text((own / "nets.toml").read_text().replace("drop = 0.5", "drop = 0.0"))
    with pytest.raises(StudyError, match="arms 'without' and 'half' are the same run"):
        make_plan(study(own))


def test_arms_that_differ_by_what_a_module_does_not_print_are_two(own):
    text = (own / "nets.toml").read_text().replace("Small", "Leaky").replace(", width = 3", "")
    (own / "nets.toml").write_text(text.replace("network.drop", "network.slope"))
    without, half = make_plan(study(own)).cohorts
    assert without.network != half.network
    assert str(without.network.layers) != str(half.network.layers)


WRONG = [
    ({"network.widht": 3}, "Small has no argument 'widht' .did you mean 'width'"),
    ({"network.module": "nets.py:Smal"}, "no class 'Smal' .did you mean 'Small'"),
    ({"network.module": "nets.py:functional"}, "expected a class derived from torch's Module"),
    ({"network.width": "wide"}, "nets.py:Small: nets.py, line "),
    ({"network.init": "He"}, "init"),
    ({"network.compile": "yes"}, "compile"),
    ({"training.batch_size": 149}, None),
]


@pytest.mark.parametrize(("changes", "words"), WRONG, ids=[str([*changes]) for changes, _ in WRONG])
def test_what_is_wrong_is_said_in_a_line(changes, words, own):
    if words is None:
        assert make_plan(study(own, **changes))
        return
    with pytest.raises(StudyError, match=words) as caught:
        make_plan(study(own, **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Mistaken", r"nets.py, line \d+: RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        ("Weightless", "no parameters, nothing to train"),
        ("Several", "returns tuple, expected a tensor of scores"),
        ("Restless", "other scores for the same images in evaluation mode"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused_before_any_run(name, words, own):
    text = (own / "nets.toml").read_text().replace("Small", name).replace(", width = 3", "")
    text = text.replace("network.drop = 0.0", "training.batch_size = 8").replace("network.drop = 0.5", "")
    (own / "nets.toml").write_text(text.replace("factors.dropout.half.", "factors.dropout.half = {}"))
    with pytest.raises(StudyError, match=words) as caught:
        run(study(own), own / "out", progress=False)
    assert "\n" not in str(caught.value)


def test_a_network_that_fails_in_training_costs_its_own_runs_alone(own):
    text = (own / "nets.toml").read_text().replace(", width = 3", "")
    text = text.replace("network.drop = 0.5", 'network.module = "nets.py:Failing"')
    (own / "nets.toml").write_text(text.replace("without.network.drop = 0.0", "without = {}"))
    with run(study(own), own / "out", progress=False) as results:
        assert {row.status for row in results.of("without")} == {Status.DONE}
        for row in results.of("half"):
            assert (row.status, row.message) == (Status.FAILED, "ValueError: no luck today")


def test_without_pytorch_it_is_said_what_to_install(own, monkeypatch):
    monkeypatch.setattr("assay.engines.choice.find_spec", lambda name: None)
    with pytest.raises(
        UnsupportedError, match=r"family 'Module' needs PyTorch \(pip install 'assay\[torch\]'\)"
    ):
        make_plan(study(own))


def test_epochs_stop_early_in_it_as_in_any_network(own):
    changes = {"training.patience": 1, "training.epochs": 6}
    with run(study(own, **changes), own / "out", progress=False) as results:
        assert all(row.epochs - row.best_epoch <= 1 for row in results.runs)


def test_a_class_of_the_running_program_will_do(characters, tmp_path, forgetful):
    found = assay.Study(
        name="classes",
        question="Which?",
        network=assay.Module(torch_nets.Small, arguments={"width": 2}),
        recipe=assay.Recipe(assay.optim.Adam(lr=0.01), batch_size=16, epochs=1),
        data=assay.DataSpec(characters, train=150, valid=40, test=61),
        factors=[assay.Factor("network.drop", {"none": 0.0, "half": 0.5}, name="drop")],
        seeds=1,
    )
    assert found.to_tables()["network"]["module"] == "torch_nets.py:Small"
    with run(found, tmp_path / "out", progress=False) as results:
        assert [row.status for row in results.runs] == [Status.DONE] * 2


@pytest.mark.usefixtures("undrawn")
def test_the_page_on_pytorch_does_as_it_says(tmp_path, monkeypatch, forgetful):
    monkeypatch.chdir(tmp_path)
    save("docs/pytorch.md", tmp_path)
    text = Path("drop.toml").read_text().replace("epochs = 5", "epochs = 1")
    text = text.replace("train = 4000", "train = 300, valid = 100, test = 100")
    Path("drop.toml").write_text(f"seeds = 1\n{text}")
    assert main(["run", "drop.toml", "--trust", "nets.py"]) == 0
    code = next(block.text for block in blocks("docs/pytorch.md") if "results.module" in block.text)
    code = code.replace('"assay-runs/width"', '"assay-runs/drop", trust=["nets.py"]')
    names = {}
    exec(compile(code.replace('"wide"', '"with"'), "pytorch.md", "exec"), names)
    assert names["scores"].shape == (10, 47)
    assert [*torch.load("wide.pt")] == [*names["module"].state_dict()]
