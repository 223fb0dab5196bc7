"""What a Ray cluster on this machine costs beside threads: one study, trained both ways in turn.

Usage: ``python benchmarks/cluster_overhead.py [--pairs 3] [--epochs 100] [--workers 2] [--json FILE]``. A
pair is the study in threads and in a cluster started for it, the order changing from pair to pair. Wall
seconds are from the call to the closed results and count the cluster's start and end; processor seconds are
those of this process and of all that it started. On a machine that others use, the latter are the ones
to go by. ``driver`` is this process alone, per epoch of one run.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from assay.records.machine import processor, processors
from assay.running.cluster import Ray
from assay.running.executor import Executor
from assay.running.run import run
from assay.running.threads import Threads
from assay.study.study import Study

TICKS = os.sysconf("SC_CLK_TCK")


def study(epochs: int, seeds: int) -> Study:
    """Return a study of two small convolutional networks, of which an epoch takes some tenths of a second."""
    tables = {
        "name": "overhead",
        "question": "Do more filters help?",
        "seeds": [*range(seeds)],
        "network": {"family": "ConvBlocks", "layers": 2, "filters": 8},
        "optimizer": {"rule": "Adam", "lr": 0.001},
        "training": {"epochs": epochs},
        "data": {"source": "glyphs", "train": 18800, "valid": 940, "test": 940},
        "engine": "numba",
        "factors": {"filters": {name: {"network": {"filters": n}} for name, n in (("8", 8), ("10", 10))}},
    }
    return Study.from_tables(tables, "overhead")


def descendants() -> list[int]:
    """Return the processes that this one started, and those that they started."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, todo = [], [os.getpid()]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def spent(pids: list[int]) -> float:
    """Return the processor seconds of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


def trained(asked: Study, executor: Executor) -> dict[str, float]:
    """Train a study, and return what it took."""
    wall, own = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        with run(asked, folder, executor=executor, progress=False) as results:
            failed = [f"{record.id}: {record.message}" for record in results.runs if not record.status.ended]
            if failed:
                raise SystemExit("\n".join(failed))
            epochs = sum(record.epochs for record in results.runs)
        took = {"own": time.process_time() - own, "epochs": float(epochs)}
        took["processors"] = took["own"] + spent(descendants())
        if isinstance(executor, Ray):
            executor.close()
        took["wall"] = time.perf_counter() - wall
    return took


def main() -> None:
    """Train the pairs, and print each and their median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", help="also write what was measured to this file")
    chosen = parser.parse_args()
    trained(study(1, 1), Threads(1))  # kernels are compiled, and kept
    asked, pairs = study(chosen.epochs, chosen.seeds), []
    for number in range(chosen.pairs):
        ways: list[tuple[str, Executor]] = [
            ("threads", Threads(chosen.workers)),
            ("ray", Ray(slots=chosen.workers)),
        ]
        pair: dict[str, Any] = {
            name: trained(asked, executor) for name, executor in (ways if number % 2 == 0 else ways[::-1])
        }
        pairs.append(pair)
        print(*(f"{name}: {_words(pair[name])}" for name in ("threads", "ray")), sep="; ", flush=True)
    for what in ("wall", "processors"):
        ratios = [pair["ray"][what] / pair["threads"][what] for pair in pairs]
        print(
            f"{what}: ray / threads {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        )
    driver = [1000 * pair["ray"]["own"] / pair["ray"]["epochs"] for pair in pairs]
    print(f"driver: {statistics.median(driver):.1f} ms an epoch ({min(driver):.1f} to {max(driver):.1f})")
    if chosen.json:
        machine = {"processor": processor(), "processors": processors()}
        Path(chosen.json).write_text(json.dumps({"machine": machine, "pairs": pairs}, indent=1) + "\n")


def _words(took: dict[str, float]) -> str:
    return f"{took['wall']:.1f} s, {took['processors']:.1f} s of processors"


if __name__ == "__main__":
    main()
