"""The executor whose workers are processes: whatever ends one costs the run that it was training alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from socket import socketpair
from tempfile import TemporaryFile
from time import monotonic
from typing import Any

from assay.data import Dataset
from assay.data.outline import Outline
from assay.errors import UsageError, one_line
from assay.records.runs import RunId
from assay.report.text import duration
from assay.running.capacity import that_fit, worker_count
from assay.running.executor import Executor
from assay.running.messages import Context, Failed, Finished, Message, SentStudy, Task
from assay.running.plan import Plan
from assay.running.pool import keep_busy
from assay.running.worker_process import Free

BEGIN = "import sys; from assay.running.worker_process import main; main(*map(int, sys.argv[1:]))"


class Processes(Executor):
    """Trains ``workers`` tasks at once, each in a process of its own, which then takes the next one.

    By default they are as many as there are processors.

    For code that may do more than raise an exception: a run whose process dies, of a segmentation fault, of
    ``os._exit``, or killed because memory is short, has failed, and the others go on. So has a run that takes
    longer than ``timeout`` seconds, if that is given. Each process takes about two seconds to start and holds
    its own copy of the data. Results are those of ``Threads``, bit for bit. Runs that a GPU trains side by
    side share one process. Raises `UsageError` for a ``timeout`` that is not above 0.
    """

    def __init__(self, workers: int | None = None, timeout: float | None = None) -> None:
        if timeout is not None and not 0 < timeout < float("inf"):
            raise UsageError(f"timeout must be > 0 seconds; got {timeout}")
        self.asked = workers
        self.at_once = worker_count(workers)
        self.timeout = timeout

    def fitted(self, plan: Plan, data: Dataset) -> "Processes":
        """Return these processes, by default no more than there is memory for."""
        return Processes(that_fit(plan, self.asked, copied=Outline.of(data).bytes), self.timeout)

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        """Train every task; yield messages as they come, until the last run has ended."""
        yield from keep_busy(_Pool(context, self.at_once, self.timeout), tasks)


class _Pool:
    """Processes, as many as were needed at once; a dead one is replaced when there is a task for it."""

    def __init__(self, context: Context, size: int, timeout: float | None) -> None:
        self.size = size
        self.given = (SentStudy.of(context.plan), context.data)
        self.timeout = timeout
        self.workers: list[_Worker] = []

    @property
    def busy(self) -> int:
        return sum(worker.task is not None for worker in self.workers)

    @property
    def free(self) -> int:
        return self.size - self.busy

    def submit(self, task: Task) -> None:
        free = next((worker for worker in self.workers if worker.task is None), None)
        if free is None:
            taken = {worker.place for worker in self.workers}
            place = next(place for place in range(self.size) if place not in taken)
            free = _Worker(self.given, place)
            self.workers.append(free)
        free.begin(task, self.timeout)

    def messages(self) -> Generator[Message, None, None]:
        """Yield messages until a worker is free or lost."""
        before = self.busy
        while self.busy == before:
            for worker in self._with_news():
                yield from self._news(worker)

    def shutdown(self) -> None:
        for worker in self.workers:
            worker.end()

    def _with_news(self) -> "list[_Worker]":
        """Wait for the workers at a task; return those that have said something, have died or are late."""
        busy = [worker for worker in self.workers if worker.task]
        patience = min((worker.deadline for worker in busy), default=0.0) - monotonic()
        there = wait([worker.pipe for worker in busy], max(patience, 0) if self.timeout else None)
        now = monotonic()
        return [worker for worker in busy if worker.pipe in there or worker.deadline <= now]

    def _news(self, worker: "_Worker") -> Generator[Message, None, None]:
        """Take one message of a worker, or find out why there is none."""
        why = ""
        if self.timeout is not None and worker.deadline <= monotonic():
            why = f"took longer than {duration(self.timeout)}, the time limit of a run"
        else:
            try:
                message = worker.pipe.recv()
            except (EOFError, ConnectionError):
                why = worker.why_dead()
        if why:
            yield from self._lose(worker, why)
        elif isinstance(message, Free):
            worker.task = None
            if message.interrupted:
                raise KeyboardInterrupt
        else:
            worker.note(message)
            yield message

    def _lose(self, worker: "_Worker", why: str) -> Generator[Message, None, None]:
        """Report that a worker's runs have failed, and do without it."""
        self.workers.remove(worker)
        text = worker.end() or "Its process left no traceback.\n"
        if text.startswith("Traceback"):  # an error that is not a run's own
            why = f"{why}: {one_line(text.splitlines()[-1])}"
        for run in worker.under_way:
            yield Failed(run, why, text)


@dataclass
class _Worker:
    """One process and the pipe to it; ``under_way`` are the runs of its task that have not ended."""

    given: tuple[SentStudy, Dataset]
    place: int
    """Among the workers, counted from 0: where there are several GPUs, it says on which one."""
    task: Task | None = None
    under_way: list[RunId] = field(default_factory=list)
    deadline: float = float("inf")

    def __post_init__(self) -> None:
        """Start the process."""
        ours, theirs = socketpair()
        self.grave = TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed by `end`
        ends = (theirs.fileno(), self.grave.fileno())
        command = [sys.executable, "-P", "-c", BEGIN, *map(str, (*ends, os.getpid()))]
        with theirs:
            self.process = subprocess.Popen(command, pass_fds=ends, env=_environment())
        self.pipe: Connection[Any, Any] = Connection(ours.detach())
        self.to_be_told: list[Any] = [list(sys.path), (*self.given, self.place)]

    def begin(self, task: Task, timeout: float | None) -> None:
        self.task, self.under_way = task, [*task.runs]
        self.deadline = float("inf") if timeout is None else monotonic() + timeout
        try:
            for item in (*self.to_be_told, task):
                self.pipe.send(item)
        except ConnectionError:  # it has died: the next look at it says why
            return
        self.to_be_told = []

    def note(self, message: Message) -> None:
        """Strike out the run that a message ends."""
        if isinstance(message, Finished | Failed):
            self.under_way.remove(message.row.id if isinstance(message, Finished) else message.run)

    def why_dead(self) -> str:
        """Say how the process ended, which has closed its end of the pipe."""
        status = self.process.wait()
        if status < 0:
            hint = " (perhaps memory was short)" if -status == signal.SIGKILL else ""
            return f"its process was ended by {_name_of(-status)}{hint}"
        return f"its process ended itself with exit status {status}"

    def end(self) -> str:
        """End the process, which holds nothing that would be lost; return what it wrote about its end."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()
        with self.grave:
            self.grave.seek(0)
            return self.grave.read()


def _environment() -> dict[str, str]:
    """Return the environment of a process that finds this package where this one did."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
