"""What an epoch of one run costs the driver of a cluster, in milliseconds of its processor's time.

Usage: ``python benchmarks/cluster_driver.py [--epochs 100] [--hidden 120] [--streams 2]``. Two parts,
measured apart: taking the message from Ray, with so many workers, and keeping it (checkpoint and rows),
as the mean of the epochs of a run, whose records grow. 10,000 runs of 100 epochs are a million times that.
"""

import argparse
import tempfile
import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.data import load
from assay.running.cluster.connect import join, leave, ray
from assay.running.cluster.wires import Streams
from assay.running.driver import Driver
from assay.running.events import ignore
from assay.running.executor import Executor
from assay.running.messages import Context, EpochTrained, Message, Task
from assay.running.plan import make_plan
from assay.running.results_folder import open_store
from assay.running.threads import Threads
from assay.study.study import Study


class Replay(Executor):
    """Trains for one epoch, and tells of it again and again."""

    at_once = 1

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.seconds = 0.0

    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        """Yield the first epoch's message as if it were that of later ones."""
        messages = Threads(1).run(context, tasks)
        for message in messages:
            yield message
            if isinstance(message, EpochTrained):
                break
        messages.close()
        [now] = message.progress
        layers = [layer for layer in now.layers if layer.epoch == 1]
        begun = time.process_time()
        for epoch in range(2, self.epochs + 2):
            history = [*now.history, replace(now.history[0], epoch=epoch)]
            more = [replace(layer, epoch=epoch) for layer in layers]
            now = replace(now, history=history, layers=[*now.layers, *more])
            yield EpochTrained(message.rows, (now,))
        self.seconds = time.process_time() - begun


def keeping(epochs: int, hidden: int) -> tuple[float, int]:
    """Return the milliseconds that it takes to keep an epoch, and the bytes of its message."""
    tables = {
        "name": "driver",
        "question": "What does an epoch cost the driver?",
        "seeds": [0],
        "network": {"family": "Dense", "hidden": [hidden, 8, 8, 8, 8]},
        "optimizer": {"rule": "Adam", "lr": 0.001},
        "training": {"epochs": 2},
        "data": {"source": "glyphs", "train": 500, "valid": 47, "test": 47},
        "engine": "reference",
    }
    study = Study.from_tables(tables, "driver")
    data = load(study.data)
    plan = make_plan(study, data)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder), study, data)
        replay = Replay(epochs)
        Driver(Context(plan, data), store, Path(folder), ignore).drive(plan.runs, replay)
        store.close()
    return 1000 * replay.seconds / epochs, 16 * plan.cohorts[0].network.parameter_count


def taking(epochs: int, size: int, count: int) -> float:
    """Return the milliseconds that it takes to take a message of ``size`` bytes from ``count`` workers."""
    join(None, count, 0)

    def stream(count: int, size: int) -> Generator[Any, None, None]:
        for _ in range(count):
            yield np.zeros(size // 4, np.float32)

    there = ray().remote(stream).options(num_returns="streaming", _generator_backpressure_num_objects=4)
    streams = Streams()
    streams.open = {number: there.remote(epochs + 1, size) for number in range(count)}
    waiting = set(streams.open)
    while waiting:  # until every worker has begun
        waiting -= {number for number, _ in streams.wait(5)}
    begun, taken = time.process_time(), 0
    while streams.open:
        taken += len(streams.wait(5))
    took = time.process_time() - begun
    leave()
    return 1000 * took / taken


def main() -> None:
    """Measure both parts."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--epochs", type=int, default=100)
    asked.add_argument("--streams", type=int, default=2, help="workers that send")
    asked.add_argument("--hidden", type=int, default=120, help="hidden units: 831 parameters each")
    chosen = asked.parse_args()
    kept, size = keeping(chosen.epochs, chosen.hidden)
    taken = taking(chosen.epochs, size, chosen.streams)
    print(f"message {size / 1e6:.1f} MB: taken in {taken:.2f} ms, kept in {kept:.2f} ms of processor time")
    print(f"20% of a core is reached at {0.2 / (taken + kept) * 1000:.0f} epochs/s over all workers")


if __name__ == "__main__":
    main()
