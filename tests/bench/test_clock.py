"""Timing and memory."""

import time
import tracemalloc

import numpy as np
import pytest

from assay.bench import clock
from assay.bench.clock import Timing, interleaved, peak_memory


def test_actions_take_turns():
    calls = []

    def action(name):
        def act():
            calls.append(name)
            time.sleep(0.003)  # longer than the shortest measurement, so that it is called once in each

        return act

    found = interleaved({"a": action("a"), "b": action("b")}, 3)
    assert calls == ["a", "b"] * 4  # the first round warms up
    assert all(len(timing.seconds) == 3 and min(timing.seconds) >= 0.003 for timing in found.values())


def test_short_actions_are_repeated(monkeypatch):
    """A call of a tenth of a millisecond, by this clock: 20 of them are measured at once."""
    calls = []
    monkeypatch.setattr(clock, "perf_counter", lambda: 1e-4 * len(calls))
    interleaved({"a": lambda: calls.append(1)}, 3)
    assert len(calls) == 1 + 3 * 20


def test_summary_of_a_timing():
    timing = Timing((4.0, 1.0, 2.0, 3.0, 5.0))
    assert timing.median == 3
    assert timing.quartiles == (2, 4)
    assert timing.spread == pytest.approx(1 / 3)


def test_peak_counts_results_and_what_was_freed_since():
    def action():
        np.ones(1_000_000)
        return np.ones(250_000)

    assert peak_memory(lambda: np.ones(500_000)) == pytest.approx(4e6, rel=0.01)
    assert peak_memory(action) == pytest.approx(8e6, rel=0.01)


def test_peak_does_not_count_what_was_there():
    there = np.ones(1_000_000)
    assert peak_memory(there.sum) < 1_000_000  # what other threads allocate meanwhile counts, too


def test_peak_leaves_tracing_as_it_was():
    peak_memory(lambda: None)
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        np.ones(1_000_000)  # an earlier peak is not the action's
        assert peak_memory(lambda: None) < 1_000_000  # what other threads allocate meanwhile counts, too
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
