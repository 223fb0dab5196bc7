"""A study whose nodes are killed every ten seconds for minutes, beside the same study in threads.

Usage: ``python tests/long/cluster.py [--minutes 5] [--every 10] [--pause 30]``. Prints what was lost:
nothing, if the two tables of results, layers, answers and weights are equal byte for byte, every run ended
once and every epoch was told once. A node that is killed comes back after a while; half of the time only its
worker is killed, once all messages of one node are held up for ``--pause`` seconds, by stopping its
processes, and half-way the driver is killed with SIGKILL and started again. Only processes of its own
cluster are touched; others may run on the same machine.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from nodes import training
from tiny import outcome, tiny_study, write_characters

from assay.results import Results
from assay.running.cluster import Ray
from assay.running.cluster.connect import ray
from assay.running.events import EpochEnded
from assay.running.run import run
from assay.study.study import Study

TOLD = "told.txt"
"""An epoch a line, written by the driver as it is told of them."""
STARTS = 4
"""How often a node is started until it is up."""


def main() -> None:
    """Train the same study both ways, and compare."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=5)
    asked.add_argument("--every", type=float, default=10)
    asked.add_argument("--pause", type=float, default=30)
    asked.add_argument("--epochs", type=int, default=400)
    asked.add_argument("--seeds", type=int, default=20)
    asked.add_argument("--drive", nargs=2, metavar=("ADDRESS", "FOLDER"), help="for its own use")
    chosen = asked.parse_args()
    if chosen.drive:
        drive(chosen, chosen.drive[0], Path(chosen.drive[1]))
        return
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    (folder / "characters").mkdir()
    write_characters(folder / "characters")
    begun = time.monotonic()
    with run(study(chosen, folder), folder / "threads", progress=False) as results:
        expected = outcome(results)
    print(f"threads: {len(results.runs)} runs in {time.monotonic() - begun:.0f} s", flush=True)
    begun = time.monotonic()
    trouble = Trouble(chosen, folder)
    try:
        trouble.until_the_end()
    finally:
        trouble.cluster.shutdown()
    with Results.open(folder / "ray") as results:
        found, opened = outcome(results), results.store.test_openings()
    told = (folder / TOLD).read_text().splitlines()
    print(f"cluster: {opened} runs in {time.monotonic() - begun:.0f} s; {trouble.done}")
    print(f"epochs told: {len(told)}, different ones: {len({*told})}; test set opened {opened} times")
    print(f"told and not kept when the driver was killed: {trouble.unkept}")
    print("equal byte for byte" if found == expected else "NOT EQUAL")
    sys.exit(found != expected or len(told) != len({*told}) or bool(trouble.unkept))


def study(chosen: argparse.Namespace, folder: Path) -> Study:
    """Return the study, whose characters lie in ``folder``."""
    source = f"idx:{folder / 'characters'}"
    return tiny_study(source, training={"epochs": chosen.epochs}, seeds=[*range(chosen.seeds)])


def drive(chosen: argparse.Namespace, address: str, folder: Path) -> None:
    """Train the study in the cluster, and write down each epoch that is told of."""
    with (folder / TOLD).open("a", buffering=1) as told:

        def note(event: object) -> None:
            if isinstance(event, EpochEnded):
                told.write(f"{event.run} {event.record.epoch}\n")

        executor = Ray(address)
        run(study(chosen, folder), folder / "ray", executor=executor, progress=False, on_event=note).close()
        executor.close()


class Trouble:
    """A cluster and its driver; kills nodes, workers and once the driver, and holds one node up."""

    def __init__(self, chosen: argparse.Namespace, folder: Path) -> None:
        ray()
        from ray.cluster_utils import Cluster

        self.chosen, self.folder = chosen, folder
        self.done = {"nodes killed": 0, "workers killed": 0, "pauses": 0, "drivers killed": 0}
        self.unkept: set[str] = set()
        self.paused: Any = None
        self.place = tempfile.TemporaryDirectory(prefix="ray-")  # short: sockets have names of 107 letters
        head = {"num_cpus": 0, "include_dashboard": False, "gcs_server_port": _free_port()}
        self.cluster = Cluster(initialize_head=True, head_node_args={**head, "temp_dir": self.place.name})
        self.nodes = [self._new_node() for _ in range(2)]
        self.driver = self._new_driver()

    def until_the_end(self) -> None:
        """Make trouble now and then, until the driver has ended by itself."""
        begun, next_time = time.monotonic(), self.chosen.every
        while (status := self.driver.poll()) is None:
            time.sleep(0.2)
            passed = time.monotonic() - begun
            if next_time <= passed < 60 * self.chosen.minutes:
                next_time = passed + self.chosen.every
                self._make(passed)
        if status:
            sys.exit(f"the driver ended with {status}")

    def _make(self, passed: float) -> None:
        if passed > 30 * self.chosen.minutes and not self.done["drivers killed"]:
            self._kill_driver()
        elif not self.done["pauses"] and self.done["nodes killed"] >= 2:
            self._pause()
        elif random.random() < 0.5:
            self._kill_worker()
        else:
            self._kill_node()

    def _kill_driver(self) -> None:
        """Kill the driver, and see whether all that it told of is kept; start another."""
        self.driver.kill()
        self.driver.wait()
        self.done["drivers killed"] += 1
        with Results.open(self.folder / "ray") as results:
            kept = {f"{one.id} {epoch.epoch}" for one in results.runs for epoch in results.epochs(one.id)}
        self.unkept = {*(self.folder / TOLD).read_text().splitlines()} - kept
        self.driver = self._new_driver()

    def _kill_node(self) -> None:
        victim = next(node for node in self.nodes if node is not self.paused)
        self.nodes.remove(victim)
        self.cluster.remove_node(victim, allow_graceful=False)
        self.done["nodes killed"] += 1
        self.nodes.append(self._new_node())

    def _kill_worker(self) -> None:
        for pid in self._training()[:1]:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                self.done["workers killed"] += 1

    def _pause(self) -> None:
        self.paused = self.nodes[0]
        stopped = [*_raylets([self.paused]), *self._training([self.paused])]
        _signal(stopped, signal.SIGSTOP)
        threading.Timer(self.chosen.pause, self._go_on, (stopped,)).start()
        self.done["pauses"] += 1

    def _go_on(self, stopped: list[int]) -> None:
        _signal(stopped, signal.SIGCONT)
        self.paused = None

    def _training(self, nodes: list[Any] | None = None) -> list[int]:
        """Return the workers that train, of this cluster's nodes by default."""
        return training(*(self.nodes if nodes is None else nodes))

    def _new_node(self) -> Any:
        """Add a node; on a machine that is busy with other things it may not be up within Ray's time."""
        for _ in range(STARTS - 1):
            with suppress(Exception):
                return self.cluster.add_node(num_cpus=1)
        return self.cluster.add_node(num_cpus=1)

    def _new_driver(self) -> "subprocess.Popen[bytes]":
        chosen = self.chosen
        sizes = [f"--epochs={chosen.epochs}", f"--seeds={chosen.seeds}"]
        words = [sys.executable, __file__, *sizes, "--drive", self.cluster.address, str(self.folder)]
        return subprocess.Popen(words)


def _raylets(nodes: list[Any]) -> set[int]:
    return {process.process.pid for node in nodes for process in node.all_processes.get("raylet", [])}


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
