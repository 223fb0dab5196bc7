"""How many seeds a study needs to detect a difference, from the spread that a pilot showed."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np

from assay.errors import UsageError
from assay.records.metrics import PERCENT
from assay.stats import (
    Pair,
    compare_arms,
    look_alpha,
    minimum_detectable_difference,
    sd_upper_bound,
    seeds_for_equivalence,
    seeds_needed,
)
from assay.store.readout import ALPHA, Readout
from assay.study import tables
from assay.study.study import Study

STORED_SD = 0.00354
"""The spread of paired differences, a share, assumed where there is no pilot.

That of two arms whose seeds spread by 0.25 points each, as small convolutional networks on EMNIST do, and
independently: pairing different networks gains little.
"""
NOT_OF_RUNS = ("name", "question", "source", "seeds", "looks", "parent", "control", "margin", "margins")
"""Keys of a study that do not affect its runs; nor do the tables of claims, numbers and `quick`."""


@dataclass(frozen=True)
class Need:
    """The seeds that the comparison of ``a`` with ``b`` needs.

    ``seen`` is the standard deviation of the pilot's ``n`` paired differences, a share, None without three of
    them; ``sd`` is the value planned with, its upper 80% bound or else ``STORED_SD``. ``alone`` seeds tell
    the difference if it is the only comparison, ``family`` as one of its comparisons; ``equivalent`` seeds
    show in the family that two equal arms are.
    """

    a: str
    b: str
    seen: float | None
    n: int
    sd: float
    alone: int
    family: int
    equivalent: int


@dataclass(frozen=True)
class SeedPlan:
    """What each comparison of a study needs to detect a true ``difference``, a share, with ``power``.

    ``alpha`` is the level of all tests together; ``margin`` the study's. ``changed`` says in which
    settings the pilot differs from the study: "training.epochs: 2 there, 8 here".
    """

    needs: tuple[Need, ...]
    difference: float
    power: float
    margin: float
    alpha: float
    changed: tuple[str, ...] = ()

    @property
    def seeds(self) -> int:
        """How many seeds detect the difference in every comparison of the family."""
        return max(need.family for need in self.needs)

    @property
    def equivalent(self) -> int:
        """How many seeds show that equal arms are equivalent, in every comparison of the family."""
        return max(need.equivalent for need in self.needs)

    def detectable(self, seeds: int) -> float:
        """Return the smallest difference that this many seeds detect in every comparison of the family."""
        sd, alpha = max(need.sd for need in self.needs), self.alpha / len(self.needs)
        return minimum_detectable_difference(max(seeds, 2), sd, power=self.power, alpha=alpha)


def plan_seeds(
    study: Study, difference: float | None = None, *, power: float = 0.8, pilot: Readout | None = None
) -> SeedPlan:
    """Return how many seeds ``study`` needs to detect a true ``difference`` (a share), by default its margin.

    A ``pilot`` may be any results of arms with the same names, complete or not: only spreads are looked
    at, and never means. Raises `UsageError` for a study of one arm and for invalid numbers.
    """
    difference = study.margin / PERCENT if difference is None else difference
    if not 0 < difference < 1:
        raise UsageError(
            f"resolve must be above 0 and below 100 points; got {PERCENT * difference:.6g} "
            "(in Python it is a share: 0.003)"
        )
    if not ALPHA < power < 1:
        raise UsageError(f"power must be above {ALPHA} and below 1; got {power}")
    if len(study.arms) < 2:
        raise UsageError(f"{study.name}: has one arm, so there is no difference to tell")
    pairs = _pairs(study, pilot)
    alpha = look_alpha(study.looks) if study.looks else ALPHA
    needs = tuple(_need(pair, difference, power, alpha, len(pairs)) for pair in pairs)
    changed = _changed(study, pilot) if pilot else ()
    return SeedPlan(needs, difference, power, study.margin / PERCENT, alpha, changed)


def is_pilot(study: Study, pilot: Readout) -> bool:
    """Whether ``pilot`` shows the spread of any of the study's comparisons."""
    return any(pair.comparison.sd for pair in _pairs(study, pilot))


def _pairs(study: Study, pilot: Readout | None) -> tuple[Pair, ...]:
    """Return the study's comparisons over what the pilot has; no seeds at all where it lacks an arm."""
    values: dict[str, np.ndarray] = {}
    if pilot:
        values = {arm.name: pilot.counted(arm.name) for arm in pilot.study.arms}
    missing = np.full(len(pilot.study.seeds) if pilot else 1, nan)
    arms = {arm.name: values.get(arm.name, missing) for arm in study.arms}
    return compare_arms(arms, control=study.control, margin=study.margin / PERCENT).pairs


def _need(pair: Pair, difference: float, power: float, alpha: float, m: int) -> Need:
    seen = pair.comparison.sd or None  # equal differences show no spread
    sd = STORED_SD if seen is None else sd_upper_bound(seen, pair.comparison.n)
    return Need(
        a=pair.a,
        b=pair.b,
        seen=seen,
        n=pair.comparison.n,
        sd=sd,
        alone=seeds_needed(sd, difference, power=power, alpha=alpha),
        family=seeds_needed(sd, difference, power=power, alpha=alpha / m),
        equivalent=seeds_for_equivalence(sd, pair.comparison.margin, power=power, alpha=alpha / m),
    )


def _changed(study: Study, pilot: Readout) -> tuple[str, ...]:
    """Return in which settings the pilot's runs differ from the study's."""
    there, here = (_settings(values) for values in (pilot.header.study, study.to_tables()))
    keys = sorted(key for key in {*there, *here} if there.get(key) != here.get(key))
    return tuple(f"{key}: {there.get(key)} there, {here.get(key)} here" for key in keys)


def _settings(values: Mapping[str, object]) -> dict[str, object]:
    left_out = (*NOT_OF_RUNS, "claims", "published", "quick")
    return tables.flat({key: value for key, value in values.items() if key not in left_out})
