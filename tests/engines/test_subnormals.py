"""Numbers too small to be normal are 0 while an engine computes, and afterwards what they were."""

from threading import Thread

import numpy as np
import pytest

from assay.engines import engine
from assay.engines.base import initial_state
from assay.engines.control_register import POSSIBLE
from assay.engines.subnormals import flushed
from assay.optim import Adam
from assay.optim.recipe import Recipe
from assay.study.architectures import Dense

pytestmark = pytest.mark.skipif(
    not POSSIBLE, reason="only processors of the x86-64 kind are told, by what Numba compiles"
)
LEAST = float(np.finfo(np.float32).tiny)


def is_kept(number=LEAST):
    """Tell whether half of the least normal number is a number in this thread."""
    return bool(np.float32(number) * np.float32(0.5) > 0)


def test_are_zero_inside_only():
    assert is_kept()
    with flushed():
        assert not is_kept()
        with flushed():
            assert not is_kept()
        assert not is_kept()
    assert is_kept()


def test_an_error_inside_leaves_all_as_it_was():
    with pytest.raises(ZeroDivisionError), flushed():
        raise ZeroDivisionError
    assert is_kept()


def test_operands_count_too():
    small = np.float32(LEAST) * np.float32(0.5)
    with flushed():
        assert small * np.float32(2) == 0
    assert small * np.float32(2) == np.float32(LEAST)


def test_other_threads_go_on_as_before():
    found = []
    with flushed():
        inside = Thread(target=lambda: found.append("ended"))
        inside.start()
        inside.join()
    other = Thread(target=lambda: found.append(is_kept()))
    other.start()
    other.join()
    assert found == ["ended", True]


@pytest.mark.parametrize("name", ["reference", "numba", "torch:cpu"])
def test_moments_of_weights_without_a_gradient_end_at_zero(name):
    """The pixels are background: Adam's moments of their weights only shrink."""
    network, recipe = Dense((5,)).build((1, 4, 4), 3), Recipe(Adam(lr=0.01), batch_size=8)
    state = initial_state(network, recipe, 0)
    moments = state.slots["linear1.weight"]["exp_avg"]
    moments[...] = LEAST
    session = engine(name, network, recipe).session(network, recipe, [0], [state])
    session.train_epoch(np.zeros((8, 4, 4), np.uint8), np.arange(8) % 3, 1, lambda _: None)
    (after,) = session.states()
    assert np.all(after.slots["linear1.weight"]["exp_avg"] == 0)
    assert np.all(after.parameters["linear1.weight"] == state.parameters["linear1.weight"])
    assert is_kept()
