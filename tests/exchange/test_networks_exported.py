"""Trained networks give the same answers in ONNX Runtime and in plain PyTorch."""

import inspect
import json
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest
import torch
from all_layers import MAPS, NETWORKS, network, weights
from later import onnx, onnxruntime
from safetensors.torch import load_file
from tiny import tiny_study

from assay import nn
from assay.errors import UnsupportedError, UsageError
from assay.exchange.card import card
from assay.exchange.exporting import export_results
from assay.exchange.onnx_model import model_of
from assay.exchange.torch_script import _listed, write_torch
from assay.findings.trained import Trained, load_test
from assay.nn.network import Network, to_input
from assay.running.run import run

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def results(tmp_path_factory, characters):
    with run(tiny_study(characters), tmp_path_factory.mktemp("run") / "out", progress=False) as found:
        yield found


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(0, 1, (100, *MAPS)).astype(np.float32)


def in_onnx_runtime(model, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def script(path):
    """Import a script as a stranger would: by its path, with nothing of assay's."""
    spec = spec_from_file_location(path.stem.replace("-", "_"), path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_networks_hold_every_layer():
    def kinds(layers):
        for layer in layers:
            yield type(layer)
            yield from kinds(node.layer for node in layer.inner((4, 8, 7)))

    exported = {
        value for value in vars(nn).values() if inspect.isclass(value) and issubclass(value, nn.Layer)
    }
    inner = {nn.Conv2d, nn.BatchNorm2d, nn.Tanh}
    assert exported - {nn.Layer} == {*kinds(sum((NETWORKS[name] for name in NETWORKS), ()))} | inner


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_runtime_gives_the_same_scores(name, images):
    """For any number of images, on 100 of them to 1e-5."""
    built = network(name)
    own = weights(built)
    model = model_of(built, own, {}).SerializeToString()
    for batch in (images, images[:1]):
        expected = built.forward(own, batch)[0]
        np.testing.assert_allclose(in_onnx_runtime(model, batch), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_plain_pytorch_gives_the_same_scores(name, images, results, tmp_path):
    built = network(name)
    trained = Trained(built, weights(built), "float32", run=results.runs[0])
    write_torch(results, trained, tmp_path / "net.py")
    model = script(tmp_path / "net.py").load(tmp_path / "net.safetensors")
    with torch.no_grad():
        found = model(torch.tensor(images)).numpy()
    np.testing.assert_allclose(found, built.forward(trained.weights, images)[0], rtol=1e-5, atol=1e-5)


def test_a_network_in_float64_stays_so_in_pytorch_and_is_rounded_in_onnx(images, results, tmp_path):
    built = network("normalised")
    trained = Trained(built, weights(built, "float64"), "float64", run=results.runs[0])
    write_torch(results, trained, tmp_path / "net.py")
    model = script(tmp_path / "net.py").load(tmp_path / "net.safetensors")
    x = images.astype(np.float64)
    with torch.no_grad():
        expected = built.forward(trained.weights, x)[0]
        np.testing.assert_allclose(model(torch.tensor(x)).numpy(), expected, rtol=1e-12, atol=1e-12)
    onnx_model = model_of(built, trained.weights, {}).SerializeToString()
    np.testing.assert_allclose(in_onnx_runtime(onnx_model, images), expected, rtol=1e-4, atol=1e-5)


def test_a_trained_run_answers_as_it_did_when_the_test_set_was_opened(results, tmp_path):
    [path] = export_results(results, "onnx", arm="max", seed=1, out=tmp_path)
    trained, test = results.network("max", 1), load_test(results)
    scores = in_onnx_runtime(path, to_input(test.images, trained.network, "float32"))
    np.testing.assert_array_equal(scores.argmax(axis=1), results.store.predicted(trained.run.id))
    properties = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert json.loads(properties["classes"]) == list(results.header.classes)
    assert (properties["arm"], properties["seed"]) == ("max", "1")
    assert float(properties["test_accuracy"]) == trained.run.test_accuracy
    assert properties["study_digest"] == results.header.digest


def test_the_script_and_the_weights_of_a_trained_run(results, tmp_path):
    paths = export_results(results, "torch", out=tmp_path / "new" / "folder")
    trained, test = results.network(), load_test(results)
    name = f"{trained.run.arm}-{trained.run.seed}"
    assert [path.rpartition("/")[2] for path in paths] == [f"{name}.py", f"{name}.safetensors"]
    module = script(tmp_path / "new" / "folder" / f"{name}.py")
    with torch.no_grad():
        scores = module.load(paths[1])(torch.tensor(to_input(test.images, trained.network, "float32")))
    np.testing.assert_array_equal(scores.argmax(1).numpy(), results.store.predicted(trained.run.id))
    assert tuple(module.CLASSES) == results.header.classes
    [alone] = export_results(results, "safetensors", out=tmp_path)
    for key, value in load_file(alone).items():
        np.testing.assert_array_equal(value.numpy(), trained.weights[key])


def test_no_text_of_a_strangers_study_becomes_code(results, tmp_path, monkeypatch):
    trap = 'Is """this" a \\""" trap?\n"""\nraise SystemExit\n"""'
    traps = {"question": trap, "data": trap, "classes": [trap, "'"]}
    monkeypatch.setattr("assay.exchange.torch_script.card", lambda *given: {**card(*given), **traps})
    write_torch(results, results.network(), tmp_path / "net.py")
    module = script(tmp_path / "net.py")
    assert [trap, "'"] == module.CLASSES
    assert "raise SystemExit" in module.__doc__


def test_a_layer_of_ones_own_is_refused_by_name():
    @dataclass(frozen=True)
    class Mine(nn.ReLU):
        pass

    built = Network((Mine(), *NETWORKS["maxima"]), MAPS)
    with pytest.raises(UnsupportedError, match="layer relu1: Mine has no ONNX operator"):
        model_of(built, weights(built), {})
    with pytest.raises(UnsupportedError, match="layer relu1: Mine has no PyTorch module"):
        _listed(built.nodes, "")


def test_what_cannot_be_exported_is_said(results, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"unknown format 'onx' .did you mean 'onnx'"):
        export_results(results, "onx")
    with pytest.raises(UsageError, match="writes all runs, so --arm and --seed do not go with it"):
        export_results(results, "csv", arm="max")
    monkeypatch.setattr("assay.exchange.extras.find_spec", lambda name: None)
    for to in ("onnx", "parquet"):
        with pytest.raises(UsageError, match=rf"pip install 'assay\[{to}\]'"):
            export_results(results, to, out=tmp_path)
