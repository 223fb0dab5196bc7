"""What it takes to get a method going: the time to its first step, and its memory.

Each is measured in its own process, which ends afterwards.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assay.bench.fresh import process
from assay.errors import UnsupportedError

if TYPE_CHECKING:
    from assay.bench.problem import Problem

CACHES = ("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")
"""Environment variables that say where compiled code is cached between processes."""

RUNS_ADDED = 4
"""Runs trained side by side in addition to the first, to see what each further one takes."""

STEPS = 20
"""Steps after which memory has reached its peak."""


@dataclass(frozen=True)
class Start:
    """Seconds from a new process to the end of a method's first step.

    ``first`` is with nothing compiled beforehand, ``again`` has one value per later start.
    """

    method: str
    first: float
    again: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the later starts."""
        return median(self.again)


@dataclass(frozen=True)
class ProcessMemory:
    """Peak memory of a method's process in bytes, without the images (as bytes) and their labels.

    ``libraries`` is its memory after importing what it needs, ``per_run`` what
    each further run adds; None for a method that trains only one.
    """

    method: str
    peak: int
    libraries: int
    per_run: int | None


def start(method: str, problem: "Problem", repeats: int) -> Start:
    """Measure a method's time to the first step, on as many processors as the problem has threads."""
    with TemporaryDirectory() as folder:
        environment = dict.fromkeys(CACHES, folder)

        def measure() -> float:
            began = time.time()
            with process(problem.threads, environment) as own:
                return own.call(first_step, began, method, problem)

        return Start(method, measure(), tuple(measure() for _ in range(repeats)))


def first_step(began: float, method: str, problem: "Problem") -> float:
    """Take this process's first step, and return the seconds since ``began``, a time of day.

    A peer is not charged for what assay imports to describe the problem, and no
    method for drawing the images.
    """
    import numpy as np  # which every method needs

    before = time.time()
    from assay.bench.methods import METHODS

    described = time.time()
    np.count_nonzero(problem.images[:1]), np.count_nonzero(problem.labels[:1])
    drawn = time.time()
    METHODS[method].ready(problem)
    free = drawn - (described if METHODS[method].own else before)
    return time.time() - began - free


def memory(method: str, problem: "Problem") -> ProcessMemory:
    """Measure a method's memory with one model, and with `RUNS_ADDED` more if it trains several."""
    from assay.bench.methods import METHODS

    def measure(models: int) -> tuple[int, int]:
        with process(problem.threads) as own:
            return own.call(peak_memory, method, replace(problem, models=models))

    peak, libraries = measure(1)
    if not METHODS[method].several:
        return ProcessMemory(method, peak, libraries, None)
    return ProcessMemory(method, peak, libraries, (measure(1 + RUNS_ADDED)[0] - peak) // RUNS_ADDED)


def peak_memory(method: str, problem: "Problem") -> tuple[int, int]:
    """Return this process's peak memory after some steps, without the data, and its memory before them."""
    from assay.bench.methods import METHODS

    with METHODS[method].usable():
        METHODS[method].load()
    libraries = resident("VmRSS")
    data = problem.images.nbytes + problem.labels.nbytes
    METHODS[method].ready(problem).train(STEPS)
    return resident("VmHWM") - data, libraries


def resident(key: str) -> int:
    """Return this process's memory in bytes: current ("VmRSS") or peak ("VmHWM").

    ``getrusage`` will not do: in a new process it counts the parent's peak too.
    Raises `UnsupportedError` where there is no ``/proc``.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        raise UnsupportedError("memory is read from /proc/self/status, which is not there") from None
    (line,) = (line for line in lines if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024
