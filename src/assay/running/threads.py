"""The executor whose workers are threads of this process."""

import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue, SimpleQueue

from threadpoolctl import threadpool_limits

from assay.running.devices import Devices
from assay.running.executor import Executor
from assay.running.messages import Context, Message, Task
from assay.running.pool import keep_busy
from assay.running.worker import Stopped, work

PATIENCE = 0.1
"""Seconds after which a worker that cannot deliver its message checks whether it should stop."""


class Threads(Executor):
    """Trains ``workers`` tasks at once, each in its own thread with one session at a time.

    Where a machine has several GPUs, sessions that compute on one are spread over them.

    The arithmetic inside a session releases the interpreter lock and uses one BLAS thread. Plan and data
    set are shared. At most two messages per worker wait for the driver, so that a slow disk pauses training
    rather than filling memory with states.
    """

    def __init__(self, workers: int) -> None:
        self.at_once = workers

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        """Train every task; yield messages as they come, until the last run has ended."""
        with threadpool_limits(limits=1):
            yield from keep_busy(_Pool(context, self.at_once), tasks)


@dataclass(frozen=True)
class _Free:
    """A worker has finished a task; ``error`` is what `work` let through."""

    error: BaseException | None = None


class _Pool:
    """Threads that wait for tasks, as many as were needed at once."""

    def __init__(self, context: Context, size: int) -> None:
        self.context = context
        self.devices = Devices()
        self.size = size
        self.busy = 0
        self.threads: list[threading.Thread] = []
        self.todo: SimpleQueue[Task | None] = SimpleQueue()
        self.inbox: Queue[Message | _Free] = Queue(2 * size)
        self.stop = threading.Event()

    @property
    def free(self) -> int:
        return self.size - self.busy

    def submit(self, task: Task) -> None:
        self.busy += 1
        if self.busy > len(self.threads):
            self.threads.append(threading.Thread(target=self._serve, daemon=True))
            self.threads[-1].start()
        self.todo.put(task)

    def messages(self) -> Generator[Message, None, None]:
        """Yield messages until a worker is free."""
        while not isinstance(message := self.inbox.get(), _Free):
            yield message
        self.busy -= 1
        if message.error is not None:
            raise message.error

    def shutdown(self) -> None:
        """Stop every thread and wait for it."""
        self.stop.set()
        for _ in self.threads:
            self.todo.put(None)
        for thread in self.threads:
            thread.join()

    def _serve(self) -> None:
        with suppress(Stopped):
            while (task := self.todo.get()) is not None:
                self._tell(self._done(task))

    def _done(self, task: Task) -> _Free:
        try:
            engine = self.context.plan.cohort(task.arm).engine
            with self.devices.one_for(engine):
                work(self.context, task, self._tell)
        except Stopped:
            raise
        except BaseException as error:
            return _Free(error)
        return _Free()

    def _tell(self, message: Message | _Free) -> None:
        while not self.stop.is_set():
            with suppress(Full):
                self.inbox.put(message, timeout=PATIENCE)
                return
        raise Stopped
