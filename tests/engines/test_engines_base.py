"""What all engines share: the order of the data, the start, and how a run is measured."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from assay import engines
from assay.engines.base import EVALUATION_BATCH, Session, State, epoch_order, initial_state
from assay.engines.reference import ReferenceEngine
from assay.errors import UnsupportedError, UsageError
from assay.nn.network import to_input
from assay.optim import SGD, Adam
from assay.optim.recipe import Recipe
from assay.study.architectures import Dense

NETWORK = Dense((3,)).build((1, 2, 2), 5)
RECIPE = Recipe(SGD(lr=0.1))


class Oracle(Session):
    """Answers image i with row i of a table of scores, one table a run."""

    def __init__(self, tables):
        super().__init__(NETWORK, RECIPE, range(len(tables)))
        self.tables = tables

    def train_epoch(self, images, labels, epoch, on_steps):
        raise NotImplementedError

    def scores(self, images):
        return [table[images[:, 0, 0].astype(int) * 256 + images[:, 0, 1]] for table in self.tables]

    def states(self):
        raise NotImplementedError

    def memory(self):
        raise NotImplementedError


def numbered(count):
    """Return images whose first two pixels say which they are."""
    number = np.arange(count)
    return (
        np.stack([number // 256, number % 256, 0 * number, 0 * number], 1).reshape(-1, 2, 2).astype(np.uint8)
    )


@pytest.mark.parametrize("count", [1, 2, EVALUATION_BATCH - 1, EVALUATION_BATCH, EVALUATION_BATCH + 1, 1203])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_run_is_measured_on_the_whole_split_and_not_by_means_of_means(count, dtype):
    rng = np.random.default_rng(count)
    tables = [rng.normal(scale=scale, size=(count, 5)).astype(dtype) for scale in (1, 30)]
    labels = rng.integers(5, size=count)
    for table, found in zip(tables, Oracle(tables).evaluate(numbered(count), labels), strict=True):
        scores = torch.tensor(table, dtype=torch.float64)
        expected = float(cross_entropy(scores, torch.tensor(labels)))
        assert found.loss == pytest.approx(expected, rel=1e-12)
        assert np.array_equal(found.predicted, scores.argmax(1).numpy())
        assert np.array_equal(found.correct, found.predicted == labels)
        assert found.accuracy == np.mean(found.predicted == labels)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_no_number_makes_the_loss_none(bad):
    table = np.zeros((700, 5), np.float32)
    table[650, 3] = bad
    evaluation = Oracle([table, np.zeros((700, 5))]).evaluate(numbered(700), np.zeros(700, np.int64))
    assert np.isnan(evaluation[0].loss)
    assert evaluation[1].loss == pytest.approx(np.log(5))


@given(st.integers(0, 2**63 - 1), st.integers(2, 200), st.integers(1, 1000))
def test_the_order_of_an_epoch_is_a_function_of_seed_and_epoch(seed, size, epoch):
    order = epoch_order(seed, size, epoch)
    assert np.array_equal(order, epoch_order(seed, size, epoch))
    assert np.array_equal(np.sort(order), np.arange(size))


def test_orders_of_seeds_and_epochs_differ():
    orders = {epoch_order(seed, 50, epoch).tobytes() for seed in range(40) for epoch in range(1, 41)}
    assert len(orders) == 1600


@given(st.integers(0, 2**63 - 1))
def test_a_run_starts_from_its_seed_in_every_precision(seed):
    double = initial_state(NETWORK, Recipe(Adam(), dtype="float64"), seed)
    single = initial_state(NETWORK, Recipe(Adam()), seed)
    assert (double.step, single.step) == (0, 0)
    for name, value in double.parameters.items():
        assert (value.dtype, single.parameters[name].dtype) == (np.float64, np.float32)
        assert np.array_equal(single.parameters[name], value.astype(np.float32))
        for key in ("exp_avg", "exp_avg_sq"):
            assert single.slots[name][key].dtype == np.float32
            assert not single.slots[name][key].any()


def test_a_copied_state_is_left_alone():
    state = State({"w": np.zeros(2)}, {"w": {"m": np.zeros(2)}}, 7)
    copy = state.copy()
    state.parameters["w"] += 1
    state.slots["w"]["m"] += 1
    assert not copy.parameters["w"].any()
    assert not copy.slots["w"]["m"].any()
    assert copy.step == 7


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_become_numbers_from_0_to_1(dtype):
    x = to_input(np.array([[[0, 255], [51, 1]]], np.uint8), NETWORK, dtype)
    assert x.dtype == dtype
    assert x.shape == (1, 1, 2, 2)
    np.testing.assert_allclose(x.ravel(), [0, 1, 0.2, 1 / 255], rtol=1e-6)


class Poor(ReferenceEngine):
    name = "poor"

    def lacks(self, network, recipe):
        return ["layer 'Linear'", "rule 'SGD'"]


def test_what_an_engine_lacks_is_named():
    with pytest.raises(UnsupportedError, match=r"engine 'poor' has no layer 'Linear', rule 'SGD'$"):
        Poor().check(NETWORK, RECIPE)


def test_an_engine_that_lacks_something_is_refused_by_its_name(monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "poor", Poor)
    with pytest.raises(UnsupportedError, match=r"'poor' .* \(use --engine reference, which has all\)$"):
        engines.engine("poor", NETWORK, RECIPE)


def test_an_unknown_engine_is_refused_with_a_suggestion():
    with pytest.raises(UsageError, match=r"engine 'refrence' is unknown \(did you mean 'reference'\?\)"):
        engines.engine("refrence", NETWORK, RECIPE)
