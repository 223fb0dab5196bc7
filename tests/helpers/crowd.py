"""Many processes that write to one store, and some that read it meanwhile: nobody waits in vain."""

from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from random import Random
from signal import SIGKILL
from time import monotonic, sleep

from forked import server
from large_store import epoch_of

from assay.records.runs import RunId
from assay.results import Results
from assay.store import SQLiteStore
from assay.store.lookup import DATABASE

READS_PER_SECOND = 20
Report = tuple[str, list[float], str | None]
"""Who it is, the seconds of each call, and what went wrong."""


@dataclass(frozen=True)
class Crowd:
    """What came of it: seconds of each write and each read, in order, and every error."""

    writes: list[float]
    reads: list[float]
    errors: list[str]
    seconds: float


def write(folder: str, number: int, rows: int, end: float, told: "Queue[Report]") -> None:
    """Add epochs to the run of seed ``number``, spread over the time until ``end``."""
    taken: list[float] = []
    pace = max(0.0, end - monotonic()) / rows
    error = None
    try:
        store = SQLiteStore.open(Path(folder) / DATABASE, write=True)
        for at in range(1, rows + 1):
            begin = monotonic()
            store.add_epoch(RunId("rate-000", number), epoch_of(at, Random(at)))
            taken.append(monotonic() - begin)
            sleep(max(0.0, pace - taken[-1]))
        store.close()
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught}"
    told.put(("writer", taken, error))


def read(folder: str, end: float, told: "Queue[Report]") -> None:
    """Read every run's row and the last run's epochs until ``end``, as a page that shows them would."""
    taken: list[float] = []
    error = None
    try:
        results = Results.open(folder)
        while not taken or monotonic() < end:
            begin = monotonic()
            last = results.store.runs()[-1]
            results.store.epochs(last.id)
            taken.append(monotonic() - begin)
            sleep(max(0.0, 1 / READS_PER_SECOND - taken[-1]))
        results.close()
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught}"
    told.put(("reader", taken, error))


def read_without_end(folder: str) -> None:
    """Read, without a pause, until this process is killed: it is then most likely in the middle of a read."""
    with Results.open(folder) as results:
        while True:
            for _ in results.epoch_rows():
                pass


def crowd(folder: Path, writers: int, rows: int, readers: int, seconds: float, killed: int = 0) -> Crowd:
    """Let so many processes write so many rows each, and others read, for so many seconds or more.

    Meanwhile ``killed`` more readers, one after the other, are killed in the middle of what they read.
    """
    told: Queue[Report] = server.Queue()
    begin = monotonic()
    end = begin + seconds
    everybody = [
        *(server.Process(target=write, args=(str(folder), n, rows, end, told)) for n in range(writers)),
        *(server.Process(target=read, args=(str(folder), end, told)) for _ in range(readers)),
    ]
    for process in everybody:
        process.start()
    for _ in range(killed):
        victim = server.Process(target=read_without_end, args=(str(folder),))
        victim.start()
        victim.join(timeout=max(seconds / (killed + 1), 0.2))
        victim.kill()
        victim.join()
        assert victim.exitcode == -SIGKILL, "a reader ended by itself"
    reports = [told.get() for _ in everybody]
    for process in everybody:
        process.join()
    errors = [error for _, _, error in reports if error]
    return Crowd(_calls(reports, "writer"), _calls(reports, "reader"), errors, monotonic() - begin)


def _calls(reports: list[Report], who: str) -> list[float]:
    return sorted(one for name, taken, _ in reports if name == who for one in taken)
