"""Rates, ratios and shares, and what happens to methods that cannot be timed."""

import numpy as np
import processes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.bench import rates
from assay.bench.clock import Timing
from assay.bench.methods import METHODS, Method
from assay.bench.problem import BATCH, Problem, Trainer
from assay.bench.rates import Pace, Rate, RateComparison, compare
from assay.errors import AssayError, UnsupportedError

PROBLEM = Problem("D", images_count=300)
SECONDS = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=9)


def rate(*seconds: float, method: str = "numba", models: int = 1, steps: int = 10) -> Rate:
    return Rate(method, models, steps, Timing(seconds))


def test_a_rate_counts_the_steps_of_all_models():
    found = rate(4.0, 1.0, 2.0, 5.0, 8.0, models=3, steps=40)
    assert found.rounds == (30, 120, 60, 24, 15)
    assert found.median == 30
    assert found.quartiles == (24, 60)


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    """The machine was ten times as slow in the second round, for both."""
    ours, theirs = rate(1.0, 10.0, 1.0), rate(4.0, 30.0, 2.0)
    assert ours.over(theirs) == pytest.approx(3)
    assert ours.median / theirs.median == pytest.approx(4)


@given(SECONDS, st.floats(0.1, 10), st.integers(1, 8))
def test_a_ratio_does_not_depend_on_the_machines_speed(seconds, factor, models):
    fast = rate(*seconds, models=models)
    slow = rate(*(factor * value for value in seconds))
    assert fast.over(slow) == pytest.approx(models * factor)
    assert slow.over(fast) == pytest.approx(1 / (models * factor))


def test_what_was_timed_once_is_compared_with_the_median():
    assert rate(5.0).over(rate(1.0, 2.0, 30.0)) == pytest.approx(2 / 5)


def test_the_share_of_the_peak():
    """100 steps a second of 100 examples, on a machine of twice the operations that these take."""
    flops = PROBLEM.network.training_flops
    peak = Rate("sgemm", 1, 2 * 100 * BATCH * flops, Timing((1.0, 1.0)))
    comparison = RateComparison(PROBLEM, (rate(0.1, 0.1),), peak, {})
    assert comparison.share(comparison.rates[0]) == pytest.approx(0.5)


def test_without_the_yardstick_there_is_no_ratio():
    ours, theirs = rate(1.0), rate(2.0, method="eager")
    assert RateComparison(PROBLEM, (ours, theirs), ours, {}).ratio(ours) == 2
    assert RateComparison(PROBLEM, (ours,), ours, {}).ratio(ours) is None


class Fake(Trainer):
    """Counts its steps; the first one fails where it is told to."""

    def __init__(self, problem, error=None):
        super().__init__(problem)
        self.taken, self.error = [], error

    def epoch(self, steps):
        if self.error:
            raise self.error
        self.taken.append((self.epochs, steps))

    def scores(self):
        return np.zeros((BATCH, 47))


def fake(monkeypatch, name, error=None, own=False):
    made = []

    def make(problem):
        made.append(Fake(problem, error))
        return made[-1]

    monkeypatch.setitem(METHODS, name, Method(name, "numpy", lambda: make, own=own))
    monkeypatch.setattr(rates, "process", processes.here)
    return made


def test_more_steps_than_images_are_several_epochs():
    trainer = Fake(PROBLEM)
    trainer.train(2)
    trainer.train(7)
    assert trainer.taken == [(1, 2), (2, 3), (3, 3), (4, 1)]


def test_every_epoch_has_its_own_order_of_the_first_images():
    trainer = Fake(PROBLEM)
    trainer.epochs = 1
    first, others = trainer.batches(2), trainer.batches(2, seed=1)
    trainer.epochs = 2
    for batches in (first, others, trainer.batches(2)):
        assert batches.shape == (2, BATCH)
        assert sorted(batches.ravel()) == list(range(200))
    assert len({batches.tobytes() for batches in (first, others, trainer.batches(2))}) == 3


def test_methods_take_turns_and_those_that_cannot_are_left_out(monkeypatch):
    fake(monkeypatch, "eager")
    fake(monkeypatch, "keras", UnsupportedError("has no such layer"))
    fake(monkeypatch, "jax", ValueError("first line\nsecond line"))
    found = compare(PROBLEM, ["eager", "keras", "jax"], Pace(3, 0.001))
    assert [one.method for one in found.rates] == ["eager"]
    assert found.left_out == {
        "keras": "has no such layer",
        "jax": "does not work here (ValueError: first line)",
    }
    assert len(found.rates[0].rounds) == len(found.peak.rounds) == 3
    assert found.ratio(found.rates[0]) == 1
    assert found.peak.median > 1e8


def test_a_method_that_takes_too_long_is_timed_once(monkeypatch):
    fake(monkeypatch, "eager")
    fake(monkeypatch, "vmap")
    monkeypatch.setattr(rates, "take", lambda name, steps: 11.0 if name == "vmap" else 1.0)
    found = compare(PROBLEM, ["eager", "vmap"], Pace(3, 0.001))
    assert len(found.rate("eager").rounds) == 3
    assert found.rate("vmap").rounds == (1 / 11,)
    assert found.rate("keras") is None


def test_a_bug_of_assays_is_no_reason(monkeypatch):
    fake(monkeypatch, "numba", ValueError("a bug"), own=True)
    with pytest.raises(ValueError, match="a bug"):
        METHODS["numba"].ready(PROBLEM)
    fake(monkeypatch, "numba", UnsupportedError("no layer"), own=True)
    with pytest.raises(AssayError, match="no layer"):
        METHODS["numba"].ready(PROBLEM)
