"""What a study was run with: software versions and machine, for its report."""

import os
import platform
import socket
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from assay.records.free_memory import available

LONGEST = 200
"""Characters of a processor's name."""
NUMBERS = ("cpu family", "model", "CPU implementer", "CPU part")
"""What tells models apart, by Linux's names: two for x86-64, two for Arm."""
PACKAGES = ("assay", "numpy", "scipy", "numba", "torch")


def versions() -> dict[str, str]:
    """Return the software versions that results can depend on, and the machine."""
    found = {"python": platform.python_version(), **_packages()}
    found["system"] = f"{platform.system()} {platform.machine()}"
    found["machine"] = processor()
    found["processors"] = str(os.cpu_count())
    return found


@cache
def _packages() -> dict[str, str]:
    """Return the versions of `PACKAGES` that are installed: to find them takes milliseconds each time."""
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def processor() -> str:
    """Return the processor's model, as far as the system reports it; never empty, as on many of Arm.

    Virtual machines call several models by one name, so the numbers that tell them apart follow:
    ``Intel(R) Xeon(R) Processor (cpu family 6, model 207)``.
    """
    found = _first_processor()
    name = found.get("model name") or platform.processor()
    numbers = ", ".join(f"{key} {found[key]}" for key in NUMBERS if key in found)
    told = " ".join([name or "unknown processor", *([f"({numbers})"] if numbers else [])])[:LONGEST]
    return told if told.isprintable() else "unknown processor"


def _first_processor() -> dict[str, str]:
    """Return what Linux says of the first processor; elsewhere nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0].splitlines()
    except (OSError, ValueError):
        return {}
    parts = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in parts}


def host() -> str:
    """Return the name of this machine in its network."""
    name = socket.gethostname()
    return name if name and name.isprintable() else "unknown host"


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> dict[str, float]:
    """Return how busy the machine is: processes at work, processors, bytes of memory, and those free.

    What the system does not report is left out.
    """
    found = {"processors": float(processors()), "memory": float(available())}
    if hasattr(os, "getloadavg"):
        found["load"] = os.getloadavg()[0]
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
        found["free"] = next(
            1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")
        )
    return found
