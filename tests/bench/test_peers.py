"""Every method does the same training: same weights, same minibatches, same rule, hence the same loss."""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from itertools import product

import numpy as np
import pytest
import torch

from assay.bench.methods import METHODS, Method
from assay.bench.networks import NETWORKS
from assay.bench.peers.pooling import averaged
from assay.bench.peers.script import run_script
from assay.bench.problem import BATCH, Problem
from assay.bench.whole_study import Size, _study, _write_data, run_study
from assay.engines.numba.kernels.pairs import SUPPORTED
from assay.engines.reference import ReferenceEngine
from assay.errors import UnsupportedError
from assay.nn import AdaptiveAvgPool2d, AvgPool2d
from assay.study.architectures import ConvBlocks

REDUCTIONS = ("max", "average", "strided", "dilated")
SMALL = {f"small-{kind}": ConvBlocks(2, 4, kind, init="HeUniform") for kind in REDUCTIONS}
SMALLEST = "smallest"  # for the compiler, which takes seconds for each layer
IMAGES, STEPS = 400, 7
TOLERANCES = {
    "numba-bf16": (5e-3, 0.1),
    "torch-bf16": (5e-3, 0.1),
    "autocast": (5e-3, 0.1),
    "keras": (1e-5, 0.01),  # adds Adam's epsilon at another place
}
"""Of the loss at the start and of its change, where they are not those of float32."""

COMPILED = "compile"


@pytest.fixture(autouse=True, scope="module")
def small_networks():
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, architecture in {**SMALL, SMALLEST: ConvBlocks(1, 4, init="HeUniform")}.items():
            monkeypatch.setitem(NETWORKS, name, architecture)
        yield


@pytest.fixture(autouse=True)
def as_many_threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@cache
def expected(network: str) -> tuple[float, float]:
    """Return the loss before and after STEPS, as the plain mathematics has it: an epoch of 4, one of 3."""
    problem = Problem(network, IMAGES)
    session = ReferenceEngine().session(problem.network, problem.recipe(), [0], [problem.state(0)])

    def loss() -> float:
        return session.evaluate(problem.images[:BATCH], problem.labels[:BATCH])[0].loss

    before = loss()
    session.train_epoch(problem.images, problem.labels, 1, lambda _: None)
    session.train_epoch(problem.images[: 3 * BATCH], problem.labels[: 3 * BATCH], 2, lambda _: None)
    return before, loss()


def missing(method: Method) -> bool:
    return find_spec(method.needs) is None


TRIED = [
    (name, network)
    for name, method in METHODS.items()
    for network in ("A1", *SMALL)
    if name != COMPILED and (not method.own or network in ("A1", "small-max"))
]
"""Peers have each reduction written out; assay's own engines are held to the reference in any network."""


@pytest.mark.parametrize(("name", "network"), TRIED)
def test_every_method_trains_as_the_mathematics_says(name, network):
    if missing(METHODS[name]):
        pytest.skip(f"{METHODS[name].needs} is not installed")
    if name == "numba-bf16" and not SUPPORTED:
        pytest.skip("the processor does not multiply bfloat16 (AVX512-BF16)")
    problem = Problem(network, IMAGES, models=2 if METHODS[name].several else None)
    trainer = METHODS[name].load()(problem)
    before, after = expected(network)
    found = trainer.loss()
    trainer.train(STEPS)
    assert after < before
    start, change = TOLERANCES.get(name, (1e-5, 1e-3))
    assert found == pytest.approx(before, rel=start)
    assert trainer.loss() - found == pytest.approx(after - before, rel=change)
    assert trainer.models == (2 if METHODS[name].several else 1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # its compiler's own
def test_torch_compile_trains_as_the_mathematics_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))  # what is kept may be for other registers
    problem = Problem(SMALLEST, IMAGES)
    try:
        trainer = METHODS[COMPILED].load()(problem)
    except UnsupportedError as error:
        pytest.skip(str(error))
    from torch._inductor import config as inductor  # its import takes seconds

    # Which instructions the processor has is taken from its flags, not found out by compiling for each.
    with inductor.patch({"cpp.vec_isa_ok": True}):
        trainer.train(STEPS)
        assert trainer.loss() == pytest.approx(expected(SMALLEST)[1], rel=1e-4)


@pytest.mark.parametrize("name", ["numba", "vmap", "jax"])
def test_every_model_has_weights_and_minibatches_of_its_own(name):
    """Model 0 trains the same whatever is trained beside it."""
    if missing(METHODS[name]):
        pytest.skip(f"{METHODS[name].needs} is not installed")
    losses = []
    for models in (1, 3):
        trainer = METHODS[name].load()(Problem("small-max", IMAGES, models=models))
        trainer.train(STEPS)
        losses.append(trainer.loss())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_without_a_compiler_torch_compile_says_so(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"needs a C\+\+ compiler"):
        METHODS[COMPILED].load()(Problem("A1", IMAGES))


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    lacking = replace(METHODS["keras"], needs="no_such_library")
    with pytest.raises(UnsupportedError, match=r"no_such_library is not installed \(pip install"):
        lacking.ready(Problem("A1", IMAGES))


@pytest.mark.parametrize(("size", "output"), list(product(range(1, 12), range(1, 5))))
def test_adaptive_pooling_in_a_fixed_window_gives_the_same_or_is_refused(size, output):
    x = np.random.default_rng(0).normal(size=(2, 3, size, size))
    layer = AdaptiveAvgPool2d(output)
    try:
        s = averaged(layer, x.shape[1:])
    except UnsupportedError:
        return
    fixed = AvgPool2d(s.kernel_size, stride=s.stride)
    np.testing.assert_allclose(fixed.forward({}, x)[0], layer.forward({}, x)[0])


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.startswith("B4")])
def test_the_networks_own_adaptive_pooling_has_a_fixed_window(name):
    for node in Problem(name).network.nodes:
        if isinstance(node.layer, AdaptiveAvgPool2d):
            averaged(node.layer, node.input_shape)


def test_flops_of_a_step():
    """Forward, back to the weights, and back to the input of all layers but the first; biases too."""
    forward = [(2 * inputs + 1) * units for inputs, units in [(784, 100), *[(100, 100)] * 3, (100, 47)]]
    assert Problem("D").network.training_flops == 3 * sum(forward) - forward[0]


def test_script_and_study_reach_the_same_accuracy(tmp_path):
    size = Size(train=3000, valid=300, test=1500, seeds=2, epochs=2)
    _write_data(tmp_path / "data", size)
    study = _study(tmp_path / "data", size)
    script, own = run_script(study, 1), run_study(study, tmp_path / "out")
    assert len(script) == len(own) == 2
    assert min(script + own) > 0.1  # of 47 classes
    assert np.mean(script) == pytest.approx(np.mean(own), abs=0.1)
