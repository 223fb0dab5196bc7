"""What simulated studies are asked, and the table of the answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from assay.streams import stream

Outcomes = Mapping[str, np.ndarray]
"""What became of each of the studies, by name: true or false, or a number, (studies,); or the same of each
comparison of a study, (studies, comparisons), of which the worst comparison counts. NaN: a study that the
question does not concern."""

BROKEN = "**broken**"
"""Stands behind a number that breaks its promise."""

Simulation = Callable[[np.random.Generator, int], Outcomes]
"""Simulates so many studies at once."""


@dataclass(frozen=True)
class Promise:
    """What a procedure says of itself: a rate within ``tolerance`` of ``nominal``, or on one side of it."""

    nominal: float
    tolerance: float = 0.005
    """0 where chance has no part in it, such as that two numbers say the same."""
    side: str = ""
    """``<=`` for a rate that is no more, ``>=`` for one that is no less."""

    def kept(self, rate: float, studies: int) -> bool:
        """Whether the simulated rate keeps it; with few studies chance may do more than the tolerance."""
        error = max(sqrt(p * (1 - p) / studies) for p in (rate, self.nominal))
        gap, tolerance = rate - self.nominal, max(self.tolerance, 3 * error) if self.tolerance else 0.0
        return (gap <= tolerance or self.side == ">=") and (gap >= -tolerance or self.side == "<=")

    def __str__(self) -> str:
        return f"{self.side or '='} {self.nominal:.3f}"


@dataclass(frozen=True)
class Topic:
    """One table: a line a setting, a column an outcome; ``promises`` are of the outcomes that have one.

    A setting may lack an outcome, where the question makes no sense.
    """

    name: str
    text: str
    settings: Mapping[str, Simulation]
    promises: Mapping[str, Promise] = field(default_factory=dict)

    def simulate(self, setting: str, studies: int) -> dict[str, float]:
        """Return the rate of each outcome, or its mean."""
        found = self.settings[setting](stream(studies, "simulated", self.name, setting), studies)
        return {
            outcome: self._worst(outcome, np.nanmean(x, axis=0))
            for outcome, x in found.items()
            if not np.isnan(x).all()
        }

    def _worst(self, outcome: str, means: np.ndarray) -> float:
        """Return the mean of the worst comparison: coverage should be high, all else low."""
        low_is_worse = "cover" in outcome
        return float(means.min() if low_is_worse else means.max())

    def broken(self, found: Mapping[str, float], studies: int) -> list[str]:
        """Return the outcomes that break their promise."""
        return [
            n for n, promise in self.promises.items() if n in found and not promise.kept(found[n], studies)
        ]


def one_by_one(study: Callable[[np.random.Generator], Mapping[str, float]]) -> Simulation:
    """Return the simulation that makes one study after the other."""

    def simulate(rng: np.random.Generator, studies: int) -> Outcomes:
        outcomes = [study(rng) for _ in range(studies)]
        return {name: np.array([outcome[name] for outcome in outcomes]) for name in outcomes[0]}

    return simulate


def lines(topic: Topic, studies: int) -> Iterator[str]:
    """Yield a topic as Markdown, a line at a time."""
    found = {setting: topic.simulate(setting, studies) for setting in topic.settings}
    columns = list(dict.fromkeys(outcome for line in found.values() for outcome in line))
    promised = topic.promises
    titles = [f"{name} ({promised[name]})" if name in promised else name for name in columns]
    yield from (f"## {topic.name}", "", topic.text, "")
    yield "| " + " | ".join(("", *titles)) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for setting, line in found.items():
        broken = topic.broken(line, studies)
        cells = [_cell(line, name) + (f" {BROKEN}" if name in broken else "") for name in columns]
        yield "| " + " | ".join((setting, *cells)) + " |"
    yield ""


def _cell(line: Mapping[str, float], name: str) -> str:
    """Return a number with four digits behind the point, or fewer where it is large."""
    if name not in line:
        return ""
    return f"{line[name]:.4f}" if abs(line[name]) < 10 else f"{line[name]:.1f}"
