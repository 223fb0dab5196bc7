"""Which engine trains a network where nobody says: the fastest, found without more ado than it takes."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay import engines
from assay.engines import choice, speed
from assay.engines.base import Engine
from assay.engines.numba import NumbaEngine
from assay.errors import UnsupportedError
from assay.nn import GELU, Flatten, Linear, ReLU, Residual
from assay.nn.network import Network
from assay.optim import SGD, NAdam
from assay.optim.recipe import Recipe
from assay.records import observations
from assay.study.architectures import ConvBlocks, Dense

SMALL = Dense((3,)).build((1, 2, 2), 5)
LARGE = ConvBlocks(4, 64).build((1, 28, 28), 47)
RECIPE = Recipe(SGD(0.1))
BFLOAT16 = Recipe(SGD(0.1), dtype="bfloat16")


class Own(ReLU):
    """A user's own layer."""


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine without a GPU on which nothing was measured before."""
    monkeypatch.setattr(observations, "folder", lambda: tmp_path)
    monkeypatch.setattr(speed, "has_gpu", lambda: False)
    monkeypatch.setitem(engines.ENGINES, "torch", engines.ENGINES["torch:cpu"])


@pytest.fixture
def measured(monkeypatch):
    """Put rates in the place of the clock's, and keep what was asked for."""
    asked = []

    def pretend(**rates):
        def look_up(engine, network, recipe):
            asked.append(engine.name)
            return rates[engine.name.replace(":", "_")]

        monkeypatch.setattr(speed, "steps_per_second", look_up)
        return asked

    return pretend


@pytest.fixture
def nothing_measured(monkeypatch):
    def refuse(*args):
        raise AssertionError("measured where there is nothing to choose")

    monkeypatch.setattr(speed, "compare", refuse)


@pytest.fixture
def no_bfloat16(monkeypatch):
    """A processor that does not multiply bfloat16."""
    monkeypatch.setattr(NumbaEngine, "dtypes", Engine.dtypes)


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    ("numba", "torch", "best", "why"),
    [
        (1610.4, 180.2, "numba", "numba: 1,610 steps/s; torch:cpu 180"),
        (12.04, 13.56, "torch:cpu", "torch:cpu: 13.6 steps/s; numba 12"),
        (7.0, 7.0, "numba", "numba: 7 steps/s; torch:cpu 7"),
    ],
)
def test_of_two_the_faster_is_taken_and_said_why(numba, torch, best, why, measured):
    asked = measured(numba=numba, torch_cpu=torch)
    choice = engines.choose("auto", LARGE, RECIPE)
    assert (choice.engine.name, choice.why) == (best, why)
    assert asked == ["numba", "torch:cpu"]


@pytest.mark.parametrize(("torch", "best"), [(1.0, "numba"), (3.0, "torch:cpu")])
def test_what_was_measured_once_is_not_measured_again(torch, best, measured):
    measured(numba=2.0, torch_cpu=torch)
    first = engines.choose("auto", LARGE, RECIPE)
    asked = measured(numba=torch, torch_cpu=2.0)
    asked.clear()
    again = engines.choose("auto", LARGE, RECIPE)
    assert (first.engine.name, first.why) == (again.engine.name, again.why)
    assert again.engine.name == best
    assert not asked


def test_a_network_of_few_operations_is_numbas(nothing_measured):
    choice = engines.choose("auto", SMALL, RECIPE)
    assert (choice.engine.name, choice.why) == ("numba", "the fastest below 200M FLOPs a minibatch")


@pytest.mark.parametrize(("dtype", "least"), [("float32", 200e6), ("bfloat16", 50e6)])
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(1, 2000), size=st.integers(1, 4000))
def test_engines_are_compared_from_a_number_of_flops_of_a_minibatch(dtype, least, width, size):
    """A minibatch of few examples counts as a full one."""
    network, recipe = Dense((width,)).build((1, 8, 8), 5), Recipe(SGD(0.1), size, dtype=dtype)
    compared = not choice._numba_is_unrivalled(network, recipe)
    assert compared == (network.flops * max(size, 100) >= least)


def test_a_gpu_may_be_faster_with_the_smallest(measured, monkeypatch):
    monkeypatch.setattr(speed, "has_gpu", lambda: True)
    measured(numba=2.0, torch_cpu=3.0)
    assert engines.choose("auto", SMALL, RECIPE).engine.name == "torch:cpu"


@pytest.mark.parametrize(("gpu", "best"), [(2001.0, "torch:cuda"), (1999.0, "numba")])
def test_a_gpu_is_weighed_against_all_processors(gpu, best, monkeypatch):
    """On the CPU each processor trains a run of its own."""

    class OnGPU(type(engines.ENGINES["torch:cpu"]())):
        sessions_at_once = 1

        def __init__(self):
            super().__init__("cpu")
            self.name = "torch:cuda"

    for name in ("torch", "torch:cuda"):
        monkeypatch.setitem(engines.ENGINES, name, OnGPU)
    monkeypatch.setattr("assay.records.machine.processors", lambda: 20)
    monkeypatch.setattr(
        speed, "steps_per_second", lambda engine, *_: 100.0 if engine.name == "numba" else gpu
    )
    assert engines.choose("auto", LARGE, RECIPE).engine.name == best


@pytest.mark.parametrize(
    ("layer", "recipe", "best", "why"),
    [
        (Residual((Linear(4),)), RECIPE, "torch:cpu", "numba has no Residual"),
        (ReLU(), Recipe(NAdam()), "torch:cpu", "numba has no NAdam"),
        (ReLU(), BFLOAT16, "torch:cpu", "numba has no bfloat16"),
        (
            Own(),
            RECIPE,
            "reference",
            "the slowest one: numba has no Own; it takes layers that have compiled functions, elementwise",
        ),
    ],
    ids=["layer", "rule", "precision", "own layer"],
)
def test_where_one_alone_has_all_nothing_is_measured(layer, recipe, best, why, nothing_measured, no_bfloat16):
    network = Network((Flatten(), Linear(4), layer, Linear(5)), (1, 2, 2))
    choice = engines.choose("auto", network, recipe)
    assert (choice.engine.name, choice.why) == (best, why)


@pytest.mark.parametrize("network", [SMALL, LARGE], ids=["small", "large"])
def test_without_pytorch_numba_needs_no_measurement(network, no_torch, nothing_measured):
    choice = engines.choose("auto", network, RECIPE)
    assert (choice.engine.name, choice.why) == ("numba", "PyTorch is not installed")


def test_without_pytorch_the_rest_is_the_reference_engines(no_torch, nothing_measured, no_bfloat16):
    network = Network((Flatten(), Residual((Linear(4),)), GELU(), Linear(5)), (1, 2, 2))
    assert engines.choose("auto", network, RECIPE).engine.name == "reference"
    with pytest.raises(UnsupportedError, match=r"'reference' has no bfloat16 \(use --engine torch\)"):
        engines.choose("auto", network, BFLOAT16)


@pytest.mark.parametrize("name", ["numba", "torch:cpu", "reference"])
def test_an_engine_that_is_asked_for_is_not_measured(name, nothing_measured):
    choice = engines.choose(name, LARGE, RECIPE)
    assert (choice.engine.name, choice.why) == (name, "")


@pytest.mark.parametrize("name", ["numba", "torch:cpu", "reference"])
def test_an_engine_with_which_runs_were_begun_is_kept(name, nothing_measured):
    choice = engines.resume(name, LARGE, RECIPE)
    assert (choice.engine.name, choice.why) == (name, "the runs were begun with it")


@pytest.mark.parametrize("name", ["torch:cpu", "torch:cuda"])
def test_an_engine_that_is_gone_is_named(name, no_torch):
    with pytest.raises(UnsupportedError, match=rf"^begun with engine '{name}', which cannot be used here \("):
        engines.resume(name, LARGE, RECIPE)


def test_pytorch_is_not_imported_for_a_small_network():
    code = """
import sys
from assay import make_plan, load_study
from assay.engines import choice
from assay.engines import speed
speed.has_gpu = lambda: False
print(*(cohort.engine.name for cohort in make_plan(load_study("pooling").quickened()).cohorts))
assert "torch" not in sys.modules
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["numba", "numba"]
