"""What simulated studies are asked, and the table of the answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from assay.streams import stream

Outcomes = Mapping[str, np.ndarray]
"""What became of each of the studies, by name: true or false, or a number, (studies,); or the same of each
comparison of a study, (studies, comparisons), of which the worst comparison counts."""

Simulation = Callable[[np.random.Generator, int], Outcomes]
"""Simulates so many studies at once."""


@dataclass(frozen=True)
class Promise:
    """What a procedure says of itself: a rate within ``tolerance`` of ``nominal``, or on one side of it."""

    nominal: float
    tolerance: float = 0.005
    side: str = ""
    """``<=`` for a rate that is no more, ``>=`` for one that is no less."""

    def kept(self, rate: float, studies: int) -> bool:
        """Whether the simulated rate keeps it; with few studies chance may do more than the tolerance."""
        error = max(sqrt(p * (1 - p) / studies) for p in (rate, self.nominal))
        gap, tolerance = rate - self.nominal, max(self.tolerance, 3 * error)
        return (gap <= tolerance or self.side == ">=") and (gap >= -tolerance or self.side == "<=")

    def __str__(self) -> str:
        return f"{self.side or '='} {self.nominal:.3f}"


@dataclass(frozen=True)
class Topic:
    """One table: a line a setting, a column an outcome; ``promises`` are of the outcomes that have one."""

    name: str
    text: str
    settings: Mapping[str, Simulation]
    promises: Mapping[str, Promise] = field(default_factory=dict)

    def simulate(self, setting: str, studies: int) -> dict[str, float]:
        """Return the rate of each outcome, or its mean."""
        found = self.settings[setting](stream(studies, "simulated", self.name, setting), studies)
        return {outcome: self._worst(outcome, np.mean(x, axis=0)) for outcome, x in found.items()}

    def _worst(self, outcome: str, means: np.ndarray) -> float:
        """Return the mean of the worst comparison: coverage should be high, all else low."""
        low_is_worse = "cover" in outcome
        return float(means.min() if low_is_worse else means.max())

    def broken(self, found: Mapping[str, float], studies: int) -> list[str]:
        """Return the outcomes that break their promise."""
        return [name for name, p in self.promises.items() if not p.kept(found[name], studies)]


def one_by_one(study: Callable[[np.random.Generator], Mapping[str, float]]) -> Simulation:
    """Return the simulation that makes one study after the other."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        outcomes = [study(rng) for _ in range(studies)]
        return {name: np.array([outcome[name] for outcome in outcomes]) for name in outcomes[0]}

    return simulate


def lines(topic: Topic, studies: int) -> Iterator[str]:
    """Yield a topic as Markdown, a line at a time."""
    yield from (f"## {topic.name}", "", topic.text, "")
    header, promised = list[str](), topic.promises
    for setting in topic.settings:
        found = topic.simulate(setting, studies)
        if not header:
            header = list(found)
            titles = [f"{name} ({promised[name]})" if name in promised else name for name in header]
            yield "| " + " | ".join(("", *titles)) + " |"
            yield "|---" * (len(header) + 1) + "|"
        broken = topic.broken(found, studies)
        cells = [f"{found[name]:.4f}" + (" **broken**" if name in broken else "") for name in header]
        yield "| " + " | ".join((setting, *cells)) + " |"
    yield ""
