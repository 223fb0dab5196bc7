"""A process that holds a folder until it is killed."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from forked import server

from assay.store.lock import folder_lock


def _hold(folder: Path, mouth: Connection) -> None:
    with folder_lock(folder):
        mouth.send("held")
        mouth.recv()


@contextmanager
def holding(folder: Path) -> Iterator[Any]:
    """Lend a process that holds ``folder``; it is killed at the end, if it still lives."""
    ear, mouth = multiprocessing.Pipe()
    process = server.Process(target=_hold, args=(folder, mouth))
    process.start()
    mouth.close()
    ear.recv()
    yield process
    process.kill()
    process.join()
