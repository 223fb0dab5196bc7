"""float32 is float32 unless TF32 is asked for, whatever else is trained in the process."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError, Event

import pytest
import torch
from patience import PATIENCE
from tiny import tiny_study

from assay import engines
from assay.engines.base import Recipe
from assay.engines.torch.precision import _settings, precision
from assay.errors import UnsupportedError
from assay.nn import Flatten, Linear
from assay.nn.network import Network
from assay.optim import SGD

GPU = torch.device("cuda")
NETWORK = Network((Flatten(), Linear(5)), (1, 2, 2))


@pytest.mark.parametrize(("dtype", "expected"), [("float32", (False, False)), ("tf32", (True, True))])
def test_pytorch_is_told_and_gets_its_own_setting_back(dtype, expected):
    before = _settings()
    with precision(GPU, dtype)():
        assert _settings() == expected
        with precision(GPU, dtype)():
            assert _settings() == expected
        assert _settings() == expected
    assert _settings() == before


def test_the_setting_is_restored_after_an_error():
    before = _settings()
    with pytest.raises(MemoryError), precision(GPU, "float32")():
        raise MemoryError
    assert _settings() == before


@pytest.mark.parametrize(("device", "dtype"), [("cpu", "float32"), ("cuda", "float64"), ("cuda", "bfloat16")])
def test_where_it_means_nothing_it_is_left_alone(device, dtype):
    before = _settings()
    with precision(torch.device(device), dtype)():
        assert _settings() == before


def test_those_that_agree_compute_beside_each_other():
    both = Barrier(2, timeout=PATIENCE)

    def compute(_: int) -> tuple[bool, bool]:
        with precision(GPU, "tf32")():
            both.wait()
            return _settings()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(compute, range(2))) == 2 * [(True, True)]


def test_those_that_do_not_agree_wait_for_each_other():
    both, inside = Barrier(2), Event()

    def exact() -> None:
        with precision(GPU, "float32")():
            inside.set()
            with pytest.raises(BrokenBarrierError):
                both.wait(0.2)
            assert _settings() == (False, False)

    def coarse() -> tuple[bool, bool]:
        inside.wait(PATIENCE)
        with precision(GPU, "tf32")():
            assert both.broken, "entered while the other was inside"
            return _settings()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(exact), pool.submit(coarse)
        first.result()
        assert second.result() == (True, True)


@pytest.mark.parametrize("engine", ["reference", "numba", "torch:cpu"])
def test_engines_without_tf32_say_who_has_it(engine):
    with pytest.raises(
        UnsupportedError, match=rf"^engine '{engine}' has no tf32 \(use --engine torch:cuda\)$"
    ):
        engines.engine(engine, NETWORK, Recipe(SGD(), dtype="tf32"))


def test_a_study_file_can_ask_for_tf32(characters):
    study = tiny_study(characters, training={"batch_size": 16, "epochs": 2, "dtype": "tf32"})
    assert study.arms[0].settings.recipe.dtype == "tf32"


def test_parameters_and_activations_are_float32s():
    recipe = Recipe(dtype="tf32", optimizer=SGD())
    assert (recipe.parameter_dtype, recipe.layer_dtype) == ("float32", "float32")
