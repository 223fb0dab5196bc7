"""Where the runs of a study are being trained now: its machines, their slots, and what runs on each.

A file beside the store, replaced when a run begins or ends, so that it does not burden the store. It is only
informative, and may be removed.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assay.errors import StoreError
from assay.records.runs import RunId
from assay.store.notes import is_word, read_json, write_json

FILE = "machines.json"


@dataclass(frozen=True)
class WorkingMachine:
    """A machine that trains: its name, its type of processor, how many tasks it takes, and its runs."""

    host: str
    processor: str
    slots: int
    runs: tuple[RunId, ...] = ()


def keep_machines(folder: Path, machines: Sequence[WorkingMachine]) -> None:
    """Record that these machines train the study in ``folder``; none removes the record."""
    path = folder / FILE
    with suppress(OSError, StoreError):  # a disk that is full stops the study elsewhere, with a message
        if machines:
            write_json(path, [asdict(machine) for machine in machines])
        else:
            path.unlink(missing_ok=True)


def kept_machines(folder: Path) -> list[WorkingMachine]:
    """Return the machines that a driver recorded last; it may have ended since."""
    try:
        return read_json(folder / FILE, lambda rows: [_machine(**row) for row in rows]) or []
    except StoreError:
        return []  # it is only informative


def _machine(host: Any, processor: Any, slots: Any, runs: Any) -> WorkingMachine:
    """Return a machine from what a file says; `ValueError` for what cannot be printed or is not a number."""
    known = tuple(RunId(run["arm"], int(run["seed"])) for run in runs)
    if not all(map(is_word, (host, processor, *(run.arm for run in known)))) or type(slots) is not int:
        raise ValueError("expected text that can be printed, and a number")
    return WorkingMachine(host, processor, slots, known)
