"""How long the 2018 report's depth study takes on clusters of several sizes, and what bounds it: on paper.

Usage: ``python benchmarks/cluster_plan.py [--data SPEC] [--seeds 10] [--epochs 100] [--gpu-speed 40]
[--core-days N]``. Each network's seconds per epoch on one core are measured here, as `assay show` does, or,
where it is known how many days of one core all take, shared out by the networks' operations. The simulation
hands tasks out as the driver does, costliest first; per epoch, the driver is busy for the milliseconds that
``cluster_driver.py`` measured, and a checkpoint crosses the network. A GPU is taken to be ``--gpu-speed``
times as fast as a core.
"""

import argparse
import heapq
from dataclasses import dataclass

from assay.data.outline import outline
from assay.running.estimate import estimate
from assay.running.plan import make_plan
from assay.study.builtin import load_study

DRIVER_MS = 4.7
"""Milliseconds that the driver needs for an epoch of one run, from cluster_driver.py."""

NETWORK = 1e9 / 8
"""Bytes per second of the driver's network."""

COPIES = 4
"""Weights, best weights, and the two moments of Adam travel with an epoch."""


@dataclass(frozen=True)
class Job:
    """A run: its epochs, seconds per epoch on one core, and the bytes of a checkpoint."""

    epochs: int
    seconds: float
    checkpoint: int


def simulate(jobs: list[Job], workers: int, speed: float) -> tuple[float, float, float]:
    """Return the makespan, and the shares of it in which the driver and its network are busy."""
    free = [0.0] * workers
    for job in sorted(jobs, key=lambda job: -job.epochs * job.seconds):
        start = heapq.heappop(free)
        heapq.heappush(free, start + job.epochs * job.seconds / speed)
    end = max(free)
    epochs = sum(job.epochs for job in jobs)
    driver = epochs * DRIVER_MS / 1000
    network = sum(job.epochs * job.checkpoint for job in jobs) / NETWORK
    bound = max(end, driver, network)
    return bound, driver / bound, network / bound


def main() -> None:
    """Measure, simulate, print a table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--study", default="depth")
    asked.add_argument("--data", help="idx:DIR or another source, by default the study's own")
    asked.add_argument("--seeds", type=int, default=10)
    asked.add_argument("--epochs", type=int, default=100)
    asked.add_argument("--gpu-speed", type=float, default=40)
    asked.add_argument("--core-days", type=float, help="what all takes on one core, instead of measuring")
    chosen = asked.parse_args()
    changes = {"seeds": chosen.seeds, "training.epochs": chosen.epochs, "engine": "numba"}
    if chosen.data:
        changes["data.source"] = chosen.data
    study = load_study(chosen.study).override(changes)
    sizes = outline(study.data)
    plan = make_plan(study, sizes)
    jobs = []
    if chosen.core_days is None:
        seconds = [cost.seconds for cost in estimate(plan, sizes, 1).cohorts]
    else:
        each = 86400 * chosen.core_days / chosen.seeds / sum(cohort.cost for cohort in plan.cohorts)
        seconds = [each * cohort.cost for cohort in plan.cohorts]
    for cohort, cost in zip(plan.cohorts, seconds, strict=True):
        checkpoint = COPIES * 4 * cohort.network.parameter_count
        jobs += [Job(chosen.epochs, cost / chosen.epochs, checkpoint)] * chosen.seeds
    total = sum(job.epochs * job.seconds for job in jobs)
    print(
        f"{len(plan.cohorts)} networks x {chosen.seeds} seeds x {chosen.epochs} epochs: "
        f"{total / 86400:.1f} core-days"
    )
    print(f"{'workers':>16} {'hours':>8} {'ideal':>8} {'driver':>8} {'network':>8}")
    for name, workers, speed in (
        ("2 cores", 2, 1.0),
        ("100 cores", 100, 1.0),
        ("1,000 cores", 1000, 1.0),
        ("1 GPU", 1, chosen.gpu_speed),
        ("8 GPUs", 8, chosen.gpu_speed),
        ("64 GPUs", 64, chosen.gpu_speed),
    ):
        end, driver, network = simulate(jobs, workers, speed)
        ideal = total / workers / speed
        print(f"{name:>16} {end / 3600:8.2f} {ideal / 3600:8.2f} {driver:8.1%} {network:8.1%}")


if __name__ == "__main__":
    main()
