"""Every engine of the CPU passes the tests that are published for engines, and those tests catch mistakes."""

from dataclasses import replace

import numpy as np
import pytest

from assay.engines import ENGINES
from assay.engines.reference import ReferenceEngine, ReferenceSession
from assay.testing import EngineConformance


class TestReference(EngineConformance):
    engine = ENGINES["reference"]()


class TestNumba(EngineConformance):
    engine = ENGINES["numba"]()


class TestTorch(EngineConformance):
    engine = ENGINES["torch:cpu"]()


class Own(ReferenceSession):
    """A session with a mistake; each subclass has one."""


class Imprecise(Own):
    def scores(self, images):
        return [scores * (1 + 1e-6) for scores in super().scores(images)]


class Forgetful(Own):
    def __init__(self, network, recipe, seeds, state):
        super().__init__(network, recipe, seeds, state)
        for memory in self._state.slots.values():
            for slot in memory.values():
                slot[...] = 0
        self._state.step = 0


class HandsOutItsOwn(Own):
    def states(self):
        return [self._state]


class ReportsTooMany(Own):
    def train_epoch(self, images, labels, epoch, on_steps):
        super().train_epoch(images, labels, epoch, lambda steps: on_steps(1000 * steps))


class ReportsNothing(Own):
    def train_epoch(self, images, labels, epoch, on_steps):
        super().train_epoch(images, labels, epoch, lambda steps: None)


class LearnsFromTests(Own):
    def evaluate(self, images, labels, **more):
        for value in self._state.parameters.values():
            np.add(value, np.finfo(value.dtype).eps, out=value)
        return super().evaluate(images, labels, **more)


class KeepsOthers(Own):
    def evaluate(self, images, labels, **more):
        (found,) = super().evaluate(images, labels, **more)
        return [found if found.scores is None else replace(found, scores=found.scores[::-1])]


class Modest(Own):
    def memory(self):
        return 0


MISTAKES = {
    Imprecise: "test_agrees_with_the_reference",
    Forgetful: "test_resumes_bit_for_bit",
    HandsOutItsOwn: "test_states_are_copies",
    ReportsTooMany: "test_steps_are_counted",
    ReportsNothing: "test_steps_are_counted",
    LearnsFromTests: "test_the_same_run_is_the_same_bits",
    KeepsOthers: "test_keeps_the_scores_that_it_evaluated",
    Modest: "test_says_what_a_run_takes",
}


def conformance_of(session, lacking):
    class Engine(ReferenceEngine):
        def lacks(self, network, recipe):
            return list(lacking)

        def session(self, network, recipe, seeds, states):
            return session(network, recipe, seeds, states[0])

    tests = EngineConformance()
    tests.engine = Engine()
    return tests


@pytest.mark.parametrize(("mistake", "name"), MISTAKES.items(), ids=[one.__name__ for one in MISTAKES])
def test_a_mistake_is_caught(mistake, name):
    getattr(conformance_of(ReferenceSession, []), name)()
    with pytest.raises(AssertionError):
        getattr(conformance_of(mistake, []), name)()


def test_an_engine_that_has_nothing_is_not_passed_by():
    with pytest.raises(AssertionError, match="lacks something of every network or recipe"):
        conformance_of(ReferenceSession, ["everything"]).test_something_is_tried()
