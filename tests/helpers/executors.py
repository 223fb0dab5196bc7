"""Executors that show what crosses the seam: pickled there and back, or trained in other processes."""

import multiprocessing
import pickle
from collections.abc import Generator, Iterable
from contextlib import suppress
from itertools import islice
from queue import Empty
from typing import Any

from assay.data import load
from assay.running.executor import Executor
from assay.running.messages import Context, Message, Task
from assay.running.plan import make_plan
from assay.running.threads import Threads
from assay.running.worker import Stopped, work
from assay.study.study import Study


def copied(value: Any) -> Any:
    """Return what is left of a value when it is pickled and unpickled."""
    return pickle.loads(pickle.dumps(value))


class Pickled(Threads):
    """Threads that are given copies of tasks, and whose messages are copied."""

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        crossing = super().run(context, map(copied, tasks))
        try:
            for message in crossing:
                yield copied(message)
        finally:
            crossing.close()


class Processes(Executor):
    """Workers in processes of their own, which share nothing but the study's tables."""

    def __init__(self, workers: int) -> None:
        self.at_once = workers

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        server, study, busy, waiting = (
            multiprocessing.get_context("forkserver"),
            context.plan.study,
            0,
            iter(tasks),
        )
        todo, inbox, stop = server.Queue(), server.Queue(), server.Event()
        engines = {cohort.arm.name: cohort.engine.name for cohort in context.plan.cohorts}
        given = (study.to_tables(), engines, todo, inbox, stop)
        workers = [server.Process(target=_serve, args=given, daemon=True) for _ in range(self.at_once)]
        for worker in workers:
            worker.start()
        try:
            while True:
                for task in islice(waiting, self.at_once - busy):
                    todo.put(task)
                    busy += 1
                if not busy:
                    return
                message = inbox.get()
                if message is None:
                    busy -= 1
                else:
                    yield message
        finally:
            stop.set()
            for _ in workers:
                todo.put(None)
            while any(worker.is_alive() for worker in workers):
                with suppress(Empty):  # a process ends when what it has told is taken
                    inbox.get(timeout=0.05)


def _serve(tables: dict[str, Any], engines: dict[str, str], todo: Any, inbox: Any, stop: Any) -> None:
    study = Study.from_tables(tables, "elsewhere")
    data = load(study.data)
    plan = make_plan(study, data, engines)

    def tell(message: Message) -> None:
        if stop.is_set():
            raise Stopped
        inbox.put(message)

    with suppress(Stopped):
        while (task := todo.get()) is not None and not stop.is_set():
            work(Context(plan, data), task, tell)
            inbox.put(None)
