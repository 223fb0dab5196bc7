"""An engine that trains several runs a session, as on a GPU, by the reference engine's arithmetic."""

from dataclasses import replace

import numpy as np

from assay.engines.base import Session
from assay.engines.reference import ReferenceEngine


class Cohort(Session):
    """Sessions of the reference engine in step."""

    def __init__(self, engine, network, recipe, seeds, states):
        super().__init__(network, recipe, seeds)
        self.engine = engine
        self.alone = [
            ReferenceEngine().session(network, recipe, [seed], [state])
            for seed, state in zip(seeds, states, strict=True)
        ]

    def train_epoch(self, images, labels, epoch, on_steps):
        if len(self.alone) > self.engine.room and epoch > 1:
            raise MemoryError("no room")
        if epoch > 1 and {*self.seeds} & {*self.engine.broken}:
            raise ValueError("no luck")
        for number, session in enumerate(self.alone):
            session.train_epoch(images, labels, epoch, (lambda step: None) if number else on_steps)

    def scores(self, images):
        return [session.scores(images)[0] for session in self.alone]

    def evaluate(self, images, labels, **more):
        found = [session.evaluate(images, labels, **more)[0] for session in self.alone]
        lost = [
            seed in self.engine.lost and session._state.step > 10
            for seed, session in zip(self.seeds, self.alone, strict=True)
        ]
        return [replace(item, loss=np.nan) if bad else item for item, bad in zip(found, lost, strict=True)]

    def states(self):
        return [session.states()[0] for session in self.alone]

    def broken(self):
        return [session.broken()[0] for session in self.alone]

    def memory(self):
        return self.alone[0].memory()


class CohortEngine(ReferenceEngine):
    """The reference engine with several runs a session; tells of the sessions that it opened."""

    def __init__(self, runs, room=99, lost=(), broken=()):
        self.runs_per_session = runs
        self.room = room
        self.lost = lost
        self.broken = broken
        self.opened = []

    def session(self, network, recipe, seeds, states):
        assert len({state.step for state in states}) == 1, "runs side by side are at the same step"
        assert len(seeds) <= self.runs_per_session
        self.opened.append(tuple(seeds))
        return Cohort(self, network, recipe, seeds, states)
