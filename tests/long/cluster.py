"""A study whose nodes are killed every ten seconds for minutes, beside the same study in threads.

Usage: ``python tests/long/cluster.py [--minutes 5] [--every 10] [--pause 30]``. Prints what was lost:
nothing, if the two tables of results, layers, answers and weights are equal byte for byte and every run
ended once. A node that is killed comes back after a while; half of the time only its worker is killed,
and once all messages of one node are held up for ``--pause`` seconds, by stopping its processes.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from tiny import outcome, tiny_study, write_characters

from assay.running.cluster import Ray
from assay.running.cluster.connect import ray
from assay.running.events import EpochEnded
from assay.running.run import run


def main() -> None:
    """Train the same study both ways, and compare."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=5)
    asked.add_argument("--every", type=float, default=10)
    asked.add_argument("--pause", type=float, default=30)
    asked.add_argument("--epochs", type=int, default=400)
    chosen = asked.parse_args()
    folder = Path(tempfile.mkdtemp())
    (folder / "characters").mkdir()
    study = tiny_study(
        write_characters(folder / "characters"), training={"epochs": chosen.epochs}, seeds=[*range(20)]
    )
    begun = time.monotonic()
    with run(study, folder / "threads", progress=False) as results:
        expected = outcome(results)
    print(f"threads: {len(results.runs)} runs in {time.monotonic() - begun:.0f} s", flush=True)
    trouble = Trouble(chosen)
    epochs: list[object] = []

    def count(event: object) -> None:
        if isinstance(event, EpochEnded):
            epochs.append((event.run, event.record.epoch))
            trouble()

    begun = time.monotonic()
    executor = Ray(trouble.cluster.address)
    try:
        with run(study, folder / "ray", executor=executor, progress=False, on_event=count) as results:
            found, opened = outcome(results), results.store.test_openings()
    finally:
        executor.close()
        trouble.cluster.shutdown()
    print(f"cluster: {opened} runs in {time.monotonic() - begun:.0f} s; {trouble.done}")
    print(f"epochs told: {len(epochs)}, different ones: {len({*epochs})}; test set opened {opened} times")
    print("equal byte for byte" if found == expected else "NOT EQUAL")
    sys.exit(found != expected or len(epochs) != len({*epochs}))


class Trouble:
    """Kills nodes and workers, and holds one node up; called with each epoch that ends."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        ray()
        from ray.cluster_utils import Cluster

        self.chosen = chosen
        self.done = {"nodes killed": 0, "workers killed": 0, "pauses": 0}
        head = {"num_cpus": 0, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes = [self.cluster.add_node(num_cpus=1) for _ in range(2)]
        self.until = time.monotonic() + 60 * chosen.minutes
        self.next = time.monotonic() + chosen.every

    def __call__(self) -> None:
        """Make trouble if it is time for it."""
        if not self.next <= time.monotonic() < self.until:
            return
        self.next = time.monotonic() + self.chosen.every
        if not self.done["pauses"] and self.done["nodes killed"] >= 2:
            self._pause()
        elif random.random() < 0.5:
            self._kill_worker()
        else:
            self._kill_node()

    def _kill_node(self) -> None:
        self.cluster.remove_node(self.nodes.pop(0), allow_graceful=False)
        self.done["nodes killed"] += 1
        self.nodes.append(self.cluster.add_node(num_cpus=1))

    def _kill_worker(self) -> None:
        for pid in _processes(b"ray::train")[:1]:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                self.done["workers killed"] += 1

    def _pause(self) -> None:
        stopped = _processes(b"ray::train")[:1]
        stopped += [process.process.pid for process in self.nodes[0].all_processes.get("raylet", [])]
        _signal(stopped, signal.SIGSTOP)
        threading.Timer(self.chosen.pause, _signal, (stopped, signal.SIGCONT)).start()
        self.done["pauses"] += 1


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def _processes(title: bytes) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes().startswith(title):
                found.append(int(path.parent.name))
    return found


if __name__ == "__main__":
    main()
