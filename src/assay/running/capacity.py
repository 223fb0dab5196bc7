"""How many runs fit into memory at once."""

from assay import engines
from assay.errors import UsageError
from assay.records import free_memory
from assay.records.machine import processors
from assay.running.plan import Plan
from assay.study.trainable import training_bytes

MOST = 1024
A_PROCESS = 100 << 20
"""Bytes that a worker's process takes for itself: they were 90 MiB with numba, and 230 with PyTorch."""


def worker_count(workers: int | None) -> int:
    """Return how many runs are trained at once: ``workers``, by default one per processor.

    Raises `UsageError` for an invalid number.
    """
    available = processors()
    if workers is None:
        return available
    if not 1 <= workers <= MOST:
        raise UsageError(
            f"workers must be 1..{MOST}; got {workers} (this machine has {available} processors)"
        )
    return workers


def that_fit(plan: Plan, workers: int | None, beside: int = 0, copied: int | None = None) -> int:
    """Return how many runs of ``plan`` are trained at once, with ``beside`` bytes of data still to be loaded.

    By default as many as there are processors, or fewer where memory is short. Raises `UsageError` where
    ``workers`` were asked for that do not fit. What one run takes was compared before, when it was planned.
    Where each run has a process of its own, ``copied`` bytes of data are in each.
    """
    count = worker_count(workers)
    largest = max(
        training_bytes(c.network, c.recipe, engines.may_use_gpu(c.engine.name), c.engine.name == "numba")
        for c in plan.cohorts
    )
    if copied is not None:
        largest += A_PROCESS + copied
    there = free_memory.available() - beside
    most = max(there // max(largest, 1), 1)
    if workers is not None and min(count, len(plan.runs)) > most:
        raise UsageError(
            f"--workers {workers}: {min(count, len(plan.runs))} runs at once take about "
            f"{min(count, len(plan.runs)) * largest >> 20:,} MiB, {free_memory.described(beside)} "
            f"(use at most {most})"
        )
    return min(count, most)
