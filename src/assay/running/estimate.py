"""The time and memory of a plan: of the whole command that runs it, part by part.

How fast an arm is trained and evaluated (`running.pace`) is what its finished runs showed on this machine,
the fastest of them. If there are none, it takes a few training steps and evaluates a few images, on one
processor, in several rounds interleaved with those of the other arms, and the fastest round counts. If
kernels are still to be compiled, which takes far longer than an estimate may, the engine guesses its speed
from what it will multiply (`Engine.guess`). The slowest run or round, and how busy the machine is, say
how much longer it may take; a guess may be wrong by half.

Runs are shared out among the workers; what comes before and after them is done once (`running.overheads`).
All times are seconds of a processor: those that pass on a machine with nothing else to do.
"""

import heapq
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from time import process_time

from threadpoolctl import threadpool_limits

from assay.data.outline import Outline
from assay.engines.speed import Trial, recorded
from assay.records.machine import load
from assay.running import overheads
from assay.running.evaluations import evaluated
from assay.running.pace import ArmSpeed, ArmTrial, Basis, paces
from assay.running.plan import Cohort, Plan


@dataclass(frozen=True)
class CohortEstimate:
    """The estimated cost of one run of an arm, in seconds and bytes.

    ``keeping`` is what it takes to examine the layers and to write a checkpoint after each epoch. ``slowest``
    is the whole time according to the slowest round of measurement or the slowest recorded run;
    ``basis`` says where the speed comes from, and ``narrowed`` is set where a narrower network was measured,
    since the arm's own is too large.
    """

    arm: str
    runs: int
    steps_per_second: float
    training: float
    evaluating: float
    keeping: float
    memory: int
    slowest: float
    basis: Basis = Basis.MOMENTS
    narrowed: bool = False

    @property
    def seconds(self) -> float:
        """Time for one run."""
        return self.training + self.evaluating + self.keeping


@dataclass(frozen=True)
class Overheads:
    """What a command takes beside its runs, in seconds."""

    starting: float = 0.0
    images: float = 0.0
    compiling: float = 0.0
    reporting: float = 0.0

    @property
    def seconds(self) -> float:
        """Time for all of it."""
        return self.starting + self.images + self.compiling + self.reporting


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a plan with ``workers`` runs at a time, in seconds and bytes.

    ``load`` is how many processes were at work on the machine's ``processors`` lately, None where
    the system does not say.
    """

    cohorts: tuple[CohortEstimate, ...]
    workers: int
    data: int
    overheads: Overheads = field(default_factory=Overheads)
    load: float | None = None
    processors: int = 1

    @property
    def parts(self) -> dict[str, float]:
        """What the time goes into, in seconds; the sum is the whole."""
        at_once = self._at_once
        return {
            "starting": self.overheads.starting,
            "images": self.overheads.images,
            "compiling": self.overheads.compiling,
            "training": at_once * sum(cohort.runs * cohort.training for cohort in self.cohorts),
            "evaluating": at_once * sum(cohort.runs * cohort.evaluating for cohort in self.cohorts),
            "keeping": at_once * sum(cohort.runs * cohort.keeping for cohort in self.cohorts),
            "report": self.overheads.reporting,
        }

    @property
    def seconds(self) -> float:
        """Time for the whole command on a machine with nothing else to do."""
        return sum(self.parts.values())

    @property
    def slowest(self) -> float:
        """Time if every run is as slow as its arm's slowest measurement, and the machine as busy as now."""
        runs = self._at_once * sum(cohort.runs * cohort.slowest for cohort in self.cohorts)
        return self.crowding * (self.overheads.seconds + runs)

    @property
    def is_busy(self) -> bool:
        """Whether other work takes half of the machine or more."""
        return self.load is not None and self.load >= self.processors / 2

    @property
    def crowding(self) -> float:
        """How many times as long everything takes on a busy machine: processes that share a processor."""
        if self.load is None or not self.is_busy:
            return 1.0
        return max(1.0, (self.load + min(self.workers, self.processors)) / self.processors)

    @property
    def memory(self) -> int:
        """Memory for the data and as many of the largest runs as there are workers."""
        return self.workers * max(cohort.memory for cohort in self.cohorts) + self.data

    def for_seeds(self, seeds: int, workers: int) -> "Estimate":
        """Return the estimate for another number of seeds."""
        cohorts = tuple(replace(cohort, runs=seeds) for cohort in self.cohorts)
        return replace(self, cohorts=cohorts, workers=min(workers, seeds * len(cohorts)))

    @property
    def _at_once(self) -> float:
        """The time of all runs together, as a share of what they would take one after the other."""
        times = [cohort.seconds for cohort in self.cohorts for _ in range(cohort.runs)]
        total = sum(times)
        return last_end(times, self.workers) / total if total > 0 else 1.0


def last_end(times: Collection[float], workers: int) -> float:
    """Return when the last of some runs ends: the longest begins first, each on the first free worker."""
    ends = [0.0] * workers
    for seconds in sorted(times, reverse=True):
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def estimate(plan: Plan, data: Outline, workers: int) -> Estimate:
    """Return the estimate for ``plan``, after measuring what is not known, which takes about a second.

    What a run takes to start is what this process has taken so far.
    """
    with threadpool_limits(limits=1):
        arms = [ArmTrial(cohort, data) for cohort in plan.cohorts]
        starting = max(process_time() - data.seconds, 0.0)
        found = paces(arms)
    cohorts = tuple(_cohort(arm.cohort, data, pace) for arm, pace in zip(arms, found, strict=True))
    beside = Overheads(
        starting * (2 if plan.isolated else 1),  # processes start together, after the command
        overheads.images(plan.study.data, data),
        overheads.compiling(frozenset[str]().union(*(arm.uncompiled for arm in arms))),
        overheads.reporting(len(plan.study.arms)),
    )
    machine = load()
    return Estimate(
        cohorts,
        min(workers, len(plan.runs)),
        data.bytes,
        beside,
        machine.get("load"),
        int(machine["processors"]),
    )


def seconds_without_engine(plan: Plan, arms: Collection[str], data: Outline) -> dict[str, float]:
    """Return how long a run trains, for those of ``arms`` with code that only the reference engine runs."""
    cohorts = [c for c in plan.cohorts if c.arm.name in arms and c.engine.name == "reference" and c.why]
    found: dict[str, float] = {}
    for cohort in cohorts:
        recipe = cohort.recipe.fitted(data.train)
        layers = [node.layer for node in cohort.network.nodes]
        if any(thing.users_own for thing in (*layers, recipe.optimizer, *recipe.penalties)):
            known = recorded(cohort.engine, cohort.network, recipe, zeros=data.zeros)
            with threadpool_limits(limits=1):
                step = 1 / max(known) if known else Trial(cohort.engine, cohort.network, recipe).step(0.0)
            found[cohort.arm.name] = step * recipe.steps(data.train) * recipe.epochs
    return found


def _cohort(cohort: Cohort, data: Outline, pace: ArmSpeed) -> CohortEstimate:
    recipe = cohort.recipe.fitted(data.train)
    steps, images = recipe.epochs * recipe.steps(data.train), evaluated(data, recipe)
    keeping = recipe.epochs * (pace.examining + overheads.saving(cohort))
    return CohortEstimate(
        cohort.arm.name,
        len(cohort.seeds),
        1 / min(pace.steps),
        steps * min(pace.steps),
        images * min(pace.images),
        keeping,
        pace.memory,
        steps * max(pace.steps) + images * max(pace.images) + keeping,
        pace.basis,
        pace.narrowed,
    )
