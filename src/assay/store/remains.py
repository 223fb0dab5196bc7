"""What is left in a folder of a store that is gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.store.connection import LOGS
from assay.store.weights import WEIGHTS, networks_in


@dataclass(frozen=True)
class Remains:
    """A file or folder, and what it holds of a store."""

    place: Path
    holds: str

    def __str__(self) -> str:
        return f"{self.place} {self.holds}"


def remains_of(path: Path) -> list[Remains]:
    """Return what is left of the store that was at ``path``, at most its networks and its logs.

    A store that is put in its place would be taken for the one that the networks belong to, and SQLite would
    write what is in a log into it.
    """
    return list(_remains_of(path))


def _remains_of(path: Path) -> Iterator[Remains]:
    if any(True for _ in networks_in(path.parent)):
        yield Remains(path.parent / WEIGHTS, "seems to hold its networks")
    for log in (path.with_name(f"{path.name}{end}") for end in LOGS):
        if log.is_file() and log.stat().st_size:
            yield Remains(log, "holds a part of it")
