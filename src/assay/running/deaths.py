"""Runs during which the study's process died: those that may be why are trained in processes of their own.

Whether a run's code ended the process or a power cut did cannot be told from outside. But a run that the
process died in twice, without an epoch between, is not trained in it a third time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import StoreError
from assay.records.runs import RunId, RunRecord, Status
from assay.store.notes import read_json, write_json

FILE = "failures/deaths.json"
ENOUGH = 2
"""So many deaths at the same epoch make a run suspect."""


@dataclass(frozen=True)
class Death:
    """The process died ``times`` times in a row while training ``run``, which had ``epochs`` epochs."""

    run: RunId
    epochs: int
    times: int

    @property
    def suspect(self) -> bool:
        """Whether the run is no longer to be trained in the study's own process."""
        return self.times >= ENOUGH

    def __str__(self) -> str:
        times = "once" if self.times == 1 else f"{self.times} times"
        return f"{self.run}: the process died while training it, {times} in epoch {self.epochs + 1}"


def deaths(folder: Path, rows: Iterable[RunRecord], died: bool) -> list[Death]:
    """Return the deaths so far, with the runs in ``rows`` that were under way if the last process ``died``.

    A run that has come further since, or has ended, is struck out. `StoreError` if they cannot be kept.
    """
    known = {death.run: death for death in _read(folder / FILE)}
    found = []
    for row in rows:
        before = known.get(row.id)
        times = before.times if before and before.epochs == row.epochs else 0
        times += died and row.status is Status.RUNNING
        if times and not row.status.ended and row.status is not Status.FAILED:
            found.append(Death(row.id, row.epochs, times))
    if found or known:
        write_json(folder / FILE, [(one.run.arm, one.run.seed, one.epochs, one.times) for one in found])
    return found


def _read(path: Path) -> list[Death]:
    try:
        return read_json(path, _deaths) or []
    except StoreError:
        return []  # a file of somebody else's: counting begins again


def _deaths(rows: Any) -> list[Death]:
    return [_death(row) for row in rows]


def _death(row: Any) -> Death:
    match row:
        case [str(arm), int(seed), int(epochs), int(times)]:
            return Death(RunId(arm, seed), epochs, times)
    raise ValueError("expected of each death the arm, the seed, the epochs and how often")
