"""Sessions into whose state a number that is not finite is put before an epoch, whatever the engine."""

from collections.abc import Callable, Sequence
from typing import Any

from assay.engines.base import Engine, Session, State

Poison = Callable[[State], None]


class Poisoned(Session):
    """A session that goes on from a poisoned state in ``epoch``; sessions continue from states exactly."""

    def __init__(
        self, engine: Engine, network: Any, recipe: Any, seeds: Sequence[int], states: Sequence[State]
    ) -> None:
        super().__init__(network, recipe, seeds)
        self.engine, self.inner = engine, engine.session(network, recipe, seeds, states)
        self.epoch, self.run = 0, 0
        self.poison: Poison = lambda state: None

    def train_epoch(self, images: Any, labels: Any, epoch: int, on_steps: Any) -> None:
        if epoch == self.epoch:
            states = self.inner.states()
            self.poison(states[self.run])
            self.inner = self.engine.session(self.network, self.recipe, self.seeds, states)
        self.inner.train_epoch(images, labels, epoch, on_steps)

    def scores(self, images: Any) -> Any:
        return self.inner.scores(images)

    def evaluate(self, images: Any, labels: Any, **more: Any) -> Any:
        return self.inner.evaluate(images, labels, **more)

    def states(self) -> list[State]:
        return self.inner.states()

    def broken(self) -> list[int]:
        return self.inner.broken()

    def memory(self) -> int:
        return self.inner.memory()


def into(name: str, value: float, slot: str = "") -> Poison:
    """Return what puts ``value`` into the last entry of a parameter, a buffer, or a parameter's ``slot``."""

    def poison(state: State) -> None:
        array = state.slots[name][slot] if slot else state.weights[name]
        array.reshape(-1)[-1] = value

    return poison
