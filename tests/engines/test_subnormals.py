"""Numbers too small to be normal are 0 while an engine computes, and afterwards what they were."""

from functools import partial
from threading import Barrier, Thread

import numpy as np
import pytest
from patience import PATIENCE
from torch_nets import Perceptron

from assay.engines import engine
from assay.engines.base import REPORT_EVERY, initial_state
from assay.engines.control_register import POSSIBLE
from assay.engines.subnormals import flushed
from assay.engines.torch import TorchEngine
from assay.engines.torch.module_making import ModuleSpec
from assay.engines.torch.module_network import network_of
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
    both, found = Barrier(2, timeout=PATIENCE), []

    def beside():
        both.wait()
        found.append(is_kept())

    other = Thread(target=beside)
    other.start()
    with flushed():
        both.wait()
        other.join()
    assert found == [True]


RECIPE = Recipe(Adam(lr=0.01), batch_size=8)


def module():
    return network_of(ModuleSpec("one", lambda: Perceptron(3, (1, 4, 4))), (1, 4, 4), 3), TorchEngine("cpu")


def layers(name):
    network = Dense((5,)).build((1, 4, 4), 3)
    return network, engine(name, network, RECIPE)


NAMES = ["reference", "numba", "torch:cpu", "module"]
EVERY = [*(partial(layers, name) for name in NAMES[:3]), module]


@pytest.mark.parametrize("made", EVERY, ids=NAMES)
def test_moments_of_weights_without_a_gradient_end_at_zero(made):
    """The pixels are background: Adam's moments of their weights only shrink. Whoever is told is outside."""
    network, own = made()
    state, seen = initial_state(network, RECIPE, 0), []
    first = next(name for name in state.parameters if name.endswith("weight"))
    state.slots[first]["exp_avg"][...] = LEAST
    session = own.session(network, RECIPE, [0], [state])
    session.train_epoch(
        np.zeros((8 * REPORT_EVERY, 4, 4), np.uint8),
        np.arange(8 * REPORT_EVERY) % 3,
        1,
        lambda _: seen.append(is_kept()),
    )
    (after,) = session.states()
    assert np.all(after.slots[first]["exp_avg"] == 0)
    assert np.all(after.parameters[first] == state.parameters[first])
    assert seen == [True] * len(seen) != []
    assert is_kept()


@pytest.mark.parametrize("made", EVERY, ids=NAMES)
def test_scores_are_the_same_whoever_asks(made):
    """Of weights so small that every product is: 0, though the thread is not told to take it for that."""
    network, own = made()
    state = initial_state(network, RECIPE, 0)
    for value in state.parameters.values():
        value[...] = LEAST
    images, labels = np.ones((8, 4, 4), np.uint8), np.arange(8) % 3
    session = own.session(network, RECIPE, [0], [state])
    (scores,), (found,) = session.scores(images), session.evaluate(images, labels, keep_scores=True)
    assert found.scores.tobytes() == scores.tobytes()
    with flushed():
        assert session.scores(images)[0].tobytes() == scores.tobytes()
