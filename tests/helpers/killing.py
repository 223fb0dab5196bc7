"""A study in a process that is killed, as ``kill -9`` does, before or after a step of its that matters."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from forked import server
from tiny import tiny_tables

from assay.running import deaths
from assay.running.events import EpochEnded, Event, RunEnded, StepsTaken
from assay.running.run import run
from assay.store import SQLiteStore, weights
from assay.store.database import Database
from assay.study.study import Study


def two_by_two(source: str) -> dict[str, Any]:
    """Return the tables of a study of two arms and two seeds, each run of two epochs of three steps."""
    return tiny_tables(source, seeds=[0, 1], training={"batch_size": 50, "epochs": 2})


class Clock:
    """Counts steps and kills this process at step ``at``; never, where that is 0."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.calls: list[tuple[Any, str, Callable[..., Any]]] = []

    def tick(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Tick before and after every call of ``owner.name``."""
        call: Callable[..., Any] = getattr(owner, name)

        def ticking(*args: Any, **options: Any) -> Any:
            self.tick()
            result = call(*args, **options)
            self.tick()
            return result

        self.calls.append((owner, name, call))
        setattr(owner, name, ticking)

    def start(self) -> None:
        """Tick from now on where a study writes."""
        for owner, name in (
            (os, "fsync"),
            (os, "replace"),
            (Path, "unlink"),
            (SQLiteStore, "add_run"),
            (SQLiteStore, "add_epoch"),
            (SQLiteStore, "finish"),
            (Database, "put"),
            (weights, "save"),
        ):
            self.around(owner, name)

    def stop(self) -> None:
        """Leave every call as it was."""
        for owner, name, call in self.calls:
            setattr(owner, name, call)


def steps_of(tables: dict[str, Any], folder: Path) -> int:
    """Run the study in this process to its end; return its number of steps."""
    clock = Clock(0)
    clock.start()
    try:
        _run(clock, tables, folder, 1, lambda _: None, run)
    finally:
        clock.stop()
    return clock.count


def _live(
    tables: dict[str, Any], folder: Path, workers: int, at: int, told: Connection, call: Callable[..., Any]
) -> None:
    """Run the study, telling what it said was stored, and at the end the number of steps."""
    deaths.ENOUGH = sys.maxsize  # it is killed from outside, and no run is to blame
    clock = Clock(at)
    clock.start()
    _run(clock, tables, folder, workers, told.send, call)
    told.send(clock.count)


def _run(
    clock: Clock,
    tables: dict[str, Any],
    folder: Path,
    workers: int,
    tell: Callable[[Event], None],
    call: Callable[..., Any],
) -> None:
    """Run the study; ``tell`` what it said was stored."""

    def on_event(event: Event) -> None:
        if isinstance(event, StepsTaken):
            clock.tick()
        if isinstance(event, EpochEnded | RunEnded):
            tell(event)

    call(
        Study.from_tables(tables, "killed"), folder, workers=workers, progress=False, on_event=on_event
    ).close()


def start(
    tables: dict[str, Any], folder: Path, workers: int = 1, at: int = 0, call: Callable[..., Any] = run
) -> tuple[Any, Connection]:
    """Start the study in a process of its own; return that, and where it tells what it stored."""
    ear, mouth = multiprocessing.Pipe(duplex=False)
    process = server.Process(target=_live, args=(tables, folder, workers, at, mouth, call))
    process.start()
    mouth.close()
    return process, ear


def last_words(process: Any, ear: Connection) -> tuple[list[Event], int | None]:
    """Wait for a process to end; return the events it told, and its number of steps, None if it was killed.

    There may be none: a study that was killed between its end and these words has nothing left to do.
    """
    events: list[Event] = []
    steps = None
    with ear:
        try:
            while True:
                told = ear.recv()
                if isinstance(told, int):
                    steps = told
                else:
                    events.append(told)
        except (EOFError, ConnectionResetError):
            process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise AssertionError(f"the study ended with exit code {process.exitcode}")
    return events, steps
