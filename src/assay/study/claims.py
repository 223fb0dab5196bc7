"""Claims: published sentences, written so that a study can test them.

A claim expects relations between arms, each a line of words separated by spaces::

    max > average               max is above average
    0.005 < 0.05 < 0.01         a chain: each pair of neighbours
    0.5 <= 1.0                  0.5 is not above 1.0: it "does not help"
    relu = tanh                 equivalent, within the study's margin of the metric
    two-layers = 1.5 x one-layer    a ratio of costs, within the claim's tolerance
    average-8 never learns      no run leaves chance level, and so few do that it counts as never

All must hold for the claim to be supported; one that fails contradicts it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from sys import float_info
from typing import Any

from assay.errors import StudyError, require, shown, suggestion
from assay.records.metrics import METRICS
from assay.study import tables
from assay.study.tables import Table

RELATIONS = ("<", "<=", "=", ">=", ">")
NEVER_LEARNS = ("never", "learns")


@dataclass(frozen=True)
class Relation:
    """The relation expected of one pair: ``a relation factor x b``; ``b`` is None for "a never learns"."""

    a: str
    relation: str
    b: str | None = None
    factor: float = 1.0

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms it mentions."""
        return (self.a,) if self.b is None else (self.a, self.b)

    def __str__(self) -> str:
        if self.b is None:
            return f"{self.a} {' '.join(NEVER_LEARNS)}"
        factor = "" if self.factor == 1 else f"{self.factor:g} x "
        return f"{self.a} {self.relation} {factor}{self.b}"


@dataclass(frozen=True)
class Claim:
    """A published sentence and what it expects.

    ``metric`` is what the arms are compared by, one of ``assay.records.metrics.METRICS``.
    ``tolerance`` is the factor by which a ratio may miss "factor x arm" and
    still count as about that. ``share`` is the share of runs that may learn in an arm that "never
    learns": no number of runs can show that none ever would. ``source`` says where the sentence is from.
    """

    sentence: str
    expect: tuple[str, ...]
    metric: str = "test_accuracy"
    source: str = ""
    tolerance: float = 1.25
    share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a claim that cannot be tested."""
        if not self.sentence.strip():
            raise StudyError("sentence is empty (say what is claimed)")
        if self.metric not in METRICS:
            raise StudyError(f"metric: unknown {shown(self.metric)} ({suggestion(self.metric, METRICS)})")
        require(1 < self.tolerance < 100, "tolerance", self.tolerance, "a factor above 1 and below 100")
        require(0 < self.share < 1, "share", self.share, "a share above 0 and below 1")
        if not self.relations:
            raise StudyError("expect: needs at least one relation, such as 'max > average'")
        if any(found.factor != 1 for found in self.relations) and not METRICS[self.metric].ratio:
            raise StudyError(f"expect: {self.metric} is compared by difference, not by a factor")

    @cached_property
    def relations(self) -> tuple[Relation, ...]:
        """The expected relations, with chains split into pairs."""
        return tuple(found for line in self.expect for found in _relations(line))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms it mentions, each once, in order."""
        return tuple(dict.fromkeys(arm for found in self.relations for arm in found.arms))


def from_tables(values: Any, where: str) -> tuple[Claim, ...]:
    """Return the claims of a study file's ``[[claims]]``."""
    if not isinstance(values, list | tuple):
        raise StudyError(f"{where}: claims must be a list of tables; got {shown(values)}")
    return tuple(_claim(value, f"{where}: claims[{index}]") for index, value in enumerate(values))


def to_table(claim: Claim) -> dict[str, Any]:
    """Return a claim as a study-file table; a default ``share`` is omitted, as older files lack the key."""
    values: dict[str, Any] = tables.table(claim)
    return {key: value for key, value in values.items() if (key, value) != ("share", Claim.share)}


def check(
    claims: tuple[Claim, ...], published: Mapping[str, Table], arms: tuple[str, ...], where: str
) -> None:
    """Refuse arms that the study does not have, and published numbers that are invalid."""
    for index, claim in enumerate(claims):
        for arm in claim.arms:
            _known(arm, arms, f"{where}: claims[{index}]")
    for arm, row in published.items():
        _known(arm, arms, f"{where}: published")
        if not isinstance(row, Mapping):
            raise StudyError(f"{where}: published.{arm}: expected a table of numbers; got {shown(row)}")
        for key, value in row.items():
            _check_published(key, value, f"{where}: published.{arm}")


def _claim(value: Any, where: str) -> Claim:
    if isinstance(value, Claim):
        return value
    if not isinstance(value, Mapping):
        raise StudyError(f"{where}: expected a table with 'sentence' and 'expect'; got {shown(value)}")
    return tables.build(Claim, value, where)


def _relations(line: str) -> Iterator[Relation]:
    """Parse one line."""
    words = line.split()
    if tuple(words[1:]) == NEVER_LEARNS:
        yield Relation(words[0], " ".join(NEVER_LEARNS))
        return
    if len(words) == 5 and words[1] == "=" and words[3] == "x":
        yield Relation(words[0], "=", words[4], _factor(words[2], line))
        return
    if len(words) < 3 or len(words) % 2 == 0 or not set(words[1::2]) <= set(RELATIONS):
        raise StudyError(
            f"expect: cannot read {shown(line)} (write 'a > b', 'a <= b', 'a = 1.5 x b' or 'a never learns')"
        )
    for index in range(0, len(words) - 2, 2):
        yield Relation(words[index], words[index + 1], words[index + 2])


def _factor(word: str, line: str) -> float:
    try:
        factor = float(word)
    except ValueError:
        factor = 0.0
    if not (isfinite(factor) and factor > 0):
        raise StudyError(f"expect: {shown(line)}: expected a positive factor; got {shown(word)}")
    return factor


def _known(arm: str, arms: tuple[str, ...], where: str) -> None:
    if arm not in arms:
        raise StudyError(f"{where}: no arm {arm!r} ({suggestion(arm, arms)})")


def _check_published(key: str, value: Any, where: str) -> None:
    if key == "doubt":
        if not isinstance(value, str):
            raise StudyError(f"{where}.doubt: expected the reason in words; got {shown(value)}")
        return
    if key not in METRICS:
        raise StudyError(f"{where}: unknown key {shown(key)} ({suggestion(key, [*METRICS, 'doubt'])})")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= float_info.max:
        raise StudyError(f"{where}.{key}: expected a number >= 0; got {shown(value)}")
    if METRICS[key].margin == "accuracy" and value > 1:
        raise StudyError(f"{where}.{key}: expected a share from 0 to 1 (0.884, not 88.4); got {shown(value)}")
