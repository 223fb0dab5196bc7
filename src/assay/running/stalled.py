"""Runs from which nothing has been heard for much longer than their epochs took: they may hang.

They are only named. What ends a run that takes too long is the time limit that its user gives it.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time

from assay.records.runs import RunId, RunRecord, Status
from assay.report.text import duration
from assay.results import Results
from assay.store.lookup import DATABASE
from assay.store.weights import path_of

MUCH_LONGER = 30
"""So many times an epoch's processor time: a machine may be busy, and a GPU trains 16 runs side by side."""
LEAST = 300.0
"""Seconds of silence that are never remarked upon."""


@dataclass(frozen=True)
class Stalled:
    """A run that is under way, when it was last heard of (seconds of the clock), and what its epochs took."""

    run: RunId
    since: float
    epoch: float

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"{self.run}: stalled since {since}; its epochs took {duration(self.epoch)} each "
            "(stop the study and continue it with `assay run --timeout`, which ends what takes too long)"
        )


def stalled(results: Results) -> list[Stalled]:
    """Return the runs under way that have not ended an epoch for much longer than their epochs took.

    A run is known by its arm's other runs before its own first epoch; without any, nothing is said of it.
    """
    found, now = [], time()
    for run in results.runs:
        epoch = _epoch(run) or max(map(_epoch, results.of(run.arm)))
        if run.status is not Status.RUNNING or not epoch:
            continue
        since = _heard(results.folder, run.id)
        if now - since > max(LEAST, MUCH_LONGER * epoch):
            found.append(Stalled(run.id, since, epoch))
    return found


def _epoch(run: RunRecord) -> float:
    """Return the seconds of an epoch with its evaluation; 0 before the first."""
    return run.pace or 0.0


def _heard(folder: Path, run: RunId) -> float:
    """Return when a run's last epoch was stored; before its first, when anything was."""
    checkpoint = path_of(folder, run, unfinished=True)
    parts = [folder / DATABASE, folder / f"{DATABASE}-wal"]
    found = [_changed(path) for path in ([checkpoint] if checkpoint.exists() else parts)]
    return max(found)


def _changed(path: Path) -> float:
    """Return when a file was changed; an empty one may be a log that a reader has made."""
    try:
        found = os.stat(path)
    except OSError:
        return 0.0
    return found.st_mtime if found.st_size else 0.0
