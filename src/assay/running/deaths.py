"""Runs during which the study's process died: those that may be why are trained in processes of their own.

Whether a run's code ended the process or a power cut did cannot be told from outside. But a run that the
process died in twice, without an epoch between, is not trained in it a third time.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assay.errors import StoreError
from assay.records.runs import RunId, RunRecord, Status

FILE = "failures/deaths.json"
ENOUGH = 2
"""So many deaths at the same epoch make a run suspect."""
LONGEST = 1 << 20  # bytes


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
        _write(folder / FILE, found)
    return found


def _read(path: Path) -> list[Death]:
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        if path.is_file() and path.stat().st_size <= LONGEST:
            rows = json.loads(path.read_text("utf-8"))
            return [
                Death(RunId(str(arm), int(seed)), int(epochs), int(times))
                for arm, seed, epochs, times in rows
            ]
    return []  # none, or a file of somebody else's: counting begins again


def _write(path: Path, found: list[Death]) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        rows = [(death.run.arm, death.run.seed, death.epochs, death.times) for death in found]
        path.write_text(json.dumps(rows), "utf-8")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None
