"""The base class of watchers, and the plainest one: a line per epoch."""

from abc import ABC, abstractmethod
from time import monotonic
from typing import TextIO

from assay.running.events import Compiling, EpochEnded, Event, Loading, Looked, RunEnded, Started
from assay.running.overheads import reporting
from assay.running.progress import lines
from assay.running.progress.tally import Tally


class Watcher(ABC):
    """Takes in the runner's events; ``trained`` says whether there was anything to do.

    Where a report ``follows``, the time left includes it.
    """

    def __init__(self) -> None:
        self.tally: Tally | None = None
        self.trained = False
        self.follows = False

    def __call__(self, event: Event) -> None:
        """Take in an event and show it."""
        if isinstance(event, Started):
            self.trained = True
            self.tally = Tally(event, reporting(len(event.plan.study.arms)) if self.follows else 0.0)
        elif self.tally is not None:
            self.tally.add(event, monotonic())
        self.show(event)

    @abstractmethod
    def show(self, event: Event) -> None:
        """Show what the event changed."""

    def close(self) -> None:
        """Leave what is shown as it stands."""
        return


class PlainLines(Watcher):
    """Writes a line at the end of every epoch and run, and one when an arm has to wait for the compiler."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self.told: set[str] = set()

    def show(self, event: Event) -> None:
        """Write the event's line, if it has one."""
        match event:
            case Loading():
                self.say(f"reading {event.source}")
            case Started():
                before = (*lines.deaths_before(event), *lines.failed_before(event))
                self.say(lines.opening(event), *lines.slow(event), *before)
            case Compiling() if self.tally is not None and event.arm not in self.told:
                if line := lines.compiling(self.tally, event.arm):
                    self.told.add(event.arm)
                    self.say(line)
            case EpochEnded() if self.tally is not None:
                if event.record.epoch > self.tally.started.done.get(event.run, 0):
                    self.say(lines.epoch(event, self.tally))
            case RunEnded():
                self.say(lines.ending(event.record, self.tally))
            case Looked():
                self.say(*lines.look(event))

    def say(self, *said: str) -> None:
        """Write lines as they are, without wrapping, so that names can be copied."""
        print(*said, sep="\n", file=self.stream, flush=True)
