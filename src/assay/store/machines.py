"""Where the runs of a study are being trained now: its machines, their slots, and what runs on each.

A file beside the store, replaced when a run begins or ends, so that it does not burden the store. It is only
informative, and may be removed.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assay.records.runs import RunId
from assay.store.durable import place_beside

FILE = "machines.json"
LONGEST = 4 << 20  # bytes


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
    with suppress(OSError):  # a disk that is full stops the study elsewhere, with a message
        if not machines:
            path.unlink(missing_ok=True)
            return
        beside = place_beside(path)
        beside.write_text(json.dumps([asdict(machine) for machine in machines]), "utf-8")
        beside.replace(path)


def kept_machines(folder: Path) -> list[WorkingMachine]:
    """Return the machines that a driver recorded last; it may have ended since."""
    path = folder / FILE
    with suppress(OSError, ValueError, TypeError, LookupError, RecursionError):
        if path.is_file() and path.stat().st_size <= LONGEST:
            return [_machine(**values) for values in json.loads(path.read_text("utf-8"))]
    return []


def _machine(host: Any, processor: Any, slots: Any, runs: Any) -> WorkingMachine:
    """Return a machine from what a file says; `ValueError` for what cannot be printed or is no number."""
    known = tuple(RunId(run["arm"], int(run["seed"])) for run in runs)
    words = [host, processor, *(run.arm for run in known)]
    if not all(isinstance(word, str) and word.isprintable() for word in words) or type(slots) is not int:
        raise ValueError("expected text that can be printed, and a number")
    return WorkingMachine(host, processor, slots, known)
