"""The tally of a running study: how far each run is, and how long the rest will take."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from assay.records.runs import EpochRecord, RunId, Status
from assay.running.events import Compiling, EpochEnded, Event, RunEnded, Started, StepsTaken


@dataclass
class RunTally:
    """How far one run is: ``epochs`` are over, and ``part`` (0 to 1) of the next one.

    ``pace`` is in seconds per epoch; ``seen`` is when its first steps were
    reported and how far they went, ``timed`` when its first epoch ended here, and which one that was;
    ``record`` is its last epoch, wherever that was trained.
    """

    total: int
    epochs: int = 0
    part: float = 0.0
    pace: float | None = None
    seen: tuple[float, float] | None = None
    timed: tuple[float, int] | None = None
    record: EpochRecord | None = None
    status: Status = Status.PENDING

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.status.ended or self.status is Status.FAILED

    @property
    def stopped_early(self) -> bool:
        """Whether the run was trained to its end in fewer epochs than planned."""
        return self.status is Status.DONE and 0 < self.epochs < self.total

    @property
    def left(self) -> float:
        """How many epochs remain, as a fraction."""
        return 0.0 if self.over else max(0.0, self.total - self.epochs - self.part)

    def take_steps(self, part: float, now: float) -> None:
        """Advance to ``part`` of the epoch; the pace is guessed until an epoch has been timed."""
        self.status, self.part = Status.RUNNING, min(part, 1.0)
        if self.seen is None:
            self.seen = (now, part)
        elif self.timed is None and part > self.seen[1]:
            self.pace = (now - self.seen[0]) / (part - self.seen[1])

    def end_epoch(self, record: EpochRecord, now: float) -> None:
        """Advance to the end of an epoch; from the second on, the pace is the time that has passed."""
        self.status, self.epochs, self.part = Status.RUNNING, record.epoch, 0.0
        self.record = record
        if self.timed is None:
            self.timed = now, record.epoch
            self.pace = record.seconds + (record.evaluation_seconds or 0.0)
        elif record.epoch > self.timed[1] and now > self.timed[0]:
            self.pace = (now - self.timed[0]) / (record.epoch - self.timed[1])

    @property
    def evaluation(self) -> float | None:
        """Which share of an epoch is evaluation; None before the first one."""
        if self.record is None:
            return None
        seconds = self.record.evaluation_seconds or 0.0
        return seconds / max(self.record.seconds + seconds, 1e-9)


@dataclass
class CompilingTally:
    """How far compiling is, and since when: ``first`` is how many kernels were done then."""

    since: float
    first: int
    done: int
    total: int
    left: float | None = None

    def take(self, event: Compiling, now: float) -> None:
        """Take in ``event``; the remaining kernels are assumed to take as long as those before."""
        self.done, self.total = event.done, event.total
        if self.done > self.first:
            self.left = (now - self.since) / (self.done - self.first) * (self.total - self.done)


class Tally:
    """Every run's tally, updated from the runner's events; ``after`` seconds come when all runs are over."""

    def __init__(self, started: Started, after: float = 0.0) -> None:
        self.started = started
        self.after = after
        self.runs = {run: self._begin(run) for run in started.plan.runs}
        self.compiling: dict[str, CompilingTally] = {}

    def _begin(self, run: RunId) -> RunTally:
        failed = run in {row.id for row in self.started.failed}
        closed = Status.FAILED if failed else Status.DONE
        status = Status.PENDING if run in self.started.pending else closed
        epochs = self.started.plan.cohort(run.arm).recipe.epochs
        done, last = self.started.done.get(run, 0), self.started.last.get(run)
        return RunTally(epochs, done, record=last, status=status)

    def add(self, event: Event, now: float) -> None:
        """Take in an event that came at ``now``, in seconds of any clock."""
        match event:
            case Compiling(arm, done, total) if done < total:
                begun = CompilingTally(now, done, done, total)
                self.compiling.setdefault(arm, begun).take(event, now)
            case Compiling(arm):
                self.compiling.pop(arm, None)
            case StepsTaken(run, _, step):
                self.runs[run].take_steps(step / self.started.steps(run.arm), now)
            case EpochEnded(run, record):
                self.runs[run].end_epoch(record, now)
            case RunEnded(ended):
                self.runs[ended.id].status = ended.status

    def of(self, arm: str) -> list[RunTally]:
        """Return the tallies of an arm's runs."""
        return [tally for run, tally in self.runs.items() if run.arm == arm]

    def seconds_left(self) -> dict[str, float | None]:
        """Return the seconds until each arm's last run is over; None while no pace is known.

        The runs are assigned to workers as the runner does it, each taking as
        long as its arm's runs have taken so far, and evaluating in proportion when it ends.
        """
        paces = {cohort.arm.name: self._pace(cohort.arm.name) for cohort in self.started.plan.cohorts}
        ends: dict[str, float | None] = dict.fromkeys(paces, 0.0)
        workers = [0.0] * self.started.workers
        for run, tally in self._queue():
            pace = paces[run.arm]
            if pace is None:
                return dict.fromkeys(paces)
            end = heapq.heappop(workers) + pace * (tally.left + self._ending(run.arm))
            heapq.heappush(workers, end)
            ends[run.arm] = max(ends[run.arm] or 0.0, end)
        return ends

    def all_left(self) -> float | None:
        """Return the seconds until everything is over, with what comes after the runs."""
        left = [seconds for seconds in self.seconds_left().values() if seconds is not None]
        return max(left) + self.after if left else None

    def _queue(self) -> list[tuple[RunId, RunTally]]:
        """Return the runs that are not over, those under way first."""
        open_runs = [(run, tally) for run, tally in self.runs.items() if not tally.over]
        return sorted(open_runs, key=lambda pair: pair[1].status is not Status.RUNNING)

    def _pace(self, arm: str) -> float | None:
        """Return an arm's seconds per epoch."""
        return self._mean(arm, lambda tally: tally.pace)

    def _ending(self, arm: str) -> float:
        """Return how many epochs long it takes an arm's run to end."""
        return self.started.ending.get(arm, 0.0) * (self._mean(arm, lambda tally: tally.evaluation) or 0.0)

    def _mean(self, arm: str, of: Callable[[RunTally], float | None]) -> float | None:
        """Return what an arm's runs show, or the other arms' if they show nothing yet."""
        known = [value for tally in self.of(arm) if (value := of(tally)) is not None]
        known = known or [value for tally in self.runs.values() if (value := of(tally)) is not None]
        return fmean(known) if known else None
