"""A study of two arms and two seeds that tells, in a file, what it says is stored.

``told.py FOLDER SOURCE TOLD [PROTECTION]``: it writes an interim report after its first seed, and a last one.
strace looks on. Without one of its `PROTECTIONS`, a power cut should be seen to lose something.
"""

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny import tiny_study

from assay.records import observations
from assay.report import canvas
from assay.results import Results
from assay.running.events import EpochEnded, Event, RunEnded
from assay.running.run import run
from assay.store import durable
from assay.store.database import Database
from assay.study.study import Study


def _unsynchronised(database: Database) -> None:
    database.read("PRAGMA journal_mode = WAL")
    database.read("PRAGMA synchronous = OFF")


PROTECTIONS: dict[str, Callable[[], None]] = {
    "flushed files": lambda: setattr(os, "fsync", lambda descriptor: None),
    "flushed folders": lambda: setattr(durable, "flush_folder", lambda folder: None),
    "flushed transactions": lambda: setattr(Database, "_prepare_to_write", _unsynchronised),
    "files beside": lambda: setattr(
        durable, "write_flushed", lambda path, beside, data: path.write_bytes(data)
    ),
}
"""What takes each of them out."""


def study(source: str) -> Study:
    """Return the study that is run."""
    return tiny_study(source, training={"batch_size": 50, "epochs": 2})


def main(folder: Path, source: str, told: Path) -> None:
    """Run the study; each event is a write of its own."""
    observations.folder = lambda: told.with_name("speeds")
    canvas.write_figure = lambda figure, file, *_: file.write('<svg viewBox="0 0 1 1"></svg>')
    mouth = os.open(told, os.O_WRONLY | os.O_CREAT)

    def tell(what: Any) -> None:
        os.write(mouth, pickle.dumps(what))

    def on_event(event: Event) -> None:
        if isinstance(event, EpochEnded | RunEnded):
            tell(event)

    for first in (1, None):
        with run(study(source), folder, workers=1, first=first, progress=False, on_event=on_event) as results:
            tell(report(results))


def report(results: Results) -> tuple[str, str]:
    """Write the report; return the digest of its results, and what it says."""
    path = results.write_report(results.folder / "report.html")
    return results.digest, path.read_text("utf-8")


if __name__ == "__main__":
    for protection in sys.argv[4:]:
        PROTECTIONS[protection]()
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
