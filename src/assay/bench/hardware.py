"""The machine that a benchmark ran on: processor, instruction sets, load, versions."""

import os
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from assay.records.machine import processor, processors, versions

PEERS = ("jax", "jaxlib", "keras", "tensorflow")
INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "sve")
"""The instruction sets that limit the speed of a matrix product, by their names on Linux."""


def instruction_sets() -> tuple[str, ...]:
    """Return which of `INSTRUCTION_SETS` the processor has; empty where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ()
    flags = next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
    return tuple(name for name in INSTRUCTION_SETS if name in flags)


def load() -> float | None:
    """Return the average number of runnable processes over the last minute; None where it is not counted."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _versions() -> dict[str, str]:
    found = versions()
    for package in PEERS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Machine:
    """The hardware and software of a measurement."""

    processor: str = field(default_factory=processor)
    processors: int = field(default_factory=processors)
    instruction_sets: tuple[str, ...] = field(default_factory=instruction_sets)
    versions: dict[str, str] = field(default_factory=_versions)
