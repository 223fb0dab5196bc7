"""How much memory this process may still take: what the machine, its control groups and the shell leave."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

UNKNOWN = 2**62
LIBRARIES = 640 << 20
"""Address space that threads, compiled kernels and a report take beyond what is loaded when this is asked: a
quick study with two workers came to 640 MiB. It matters under ``ulimit -v`` alone, where libraries end the
process, or hang, rather than raise an exception."""
GROUPS, MEMBERSHIP, MACHINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"), Path("/proc/meminfo")
USED = Path("/proc/self/statm")


def available() -> int:
    """Return the bytes of memory that this process can still take; `UNKNOWN` if the system does not say."""
    return max(min([_of_the_machine(), *_of_its_groups(), _of_its_addresses() - LIBRARIES]), 0)


def described(beside: int = 0) -> str:
    """Say how much memory is free, and what makes it so little; ``beside`` bytes are for images."""
    limit, found = address_limit(), available() - beside
    why = [f"beside {beside >> 20:,} MiB of images"] if beside >= 1 << 20 else []
    if limit < UNKNOWN and _of_its_addresses() - LIBRARIES <= available():
        why.append(
            f"`ulimit -v` allows {limit >> 20:,} MiB, libraries take {LIBRARIES >> 20} of them: raise it"
        )
    reasons = f" ({'; '.join(why)})" if why else ""
    return f"{max(found, 0) >> 20:,} MiB are free{reasons}"


def address_limit() -> int:
    """Return the limit on this process's address space in bytes (``ulimit -v``), or `UNKNOWN`."""
    if resource is None:
        return UNKNOWN
    limits = [found for found in resource.getrlimit(resource.RLIMIT_AS) if found >= 0]
    return min(limits, default=UNKNOWN)


def _of_its_addresses() -> int:
    limit = address_limit()
    if limit >= UNKNOWN:
        return UNKNOWN
    try:
        return limit - int(USED.read_text("utf-8").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return limit


def _of_the_machine() -> int:
    """Return the memory that is free, or can be freed at once, swap included; else all there is."""
    try:
        lines = (line.split() for line in MACHINE.read_text("utf-8").splitlines())
        found = {words[0]: int(words[1]) << 10 for words in lines if len(words) > 1}
        return found["MemAvailable:"] + found.get("SwapFree:", 0)
    except (OSError, ValueError, KeyError):
        return _physical()


def _physical() -> int:
    if sys.platform == "win32":
        return UNKNOWN
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return UNKNOWN


def _of_its_groups() -> Iterator[int]:
    """Yield what each control group leaves that this process is in, up to the root of those it can see."""
    for line in _lines(MEMBERSHIP):
        _, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "none", "")
        if controllers == "":
            yield from _upwards(GROUPS, path, ("memory.max", "memory.current", "inactive_file"))
        elif controllers == "memory":
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _upwards(GROUPS / "memory", path, names)


def _upwards(root: Path, path: str, names: tuple[str, str, str]) -> Iterator[int]:
    place = root / path.strip("/")
    for folder in (place, *place.parents):
        yield _left(folder, *names)
        if folder == root:
            return


def _left(folder: Path, limit: str, usage: str, cached: str) -> int:
    """Return what a control group leaves: its limit, less what is used and cannot be freed at once."""
    try:
        most, used = int((folder / limit).read_bytes()), int((folder / usage).read_bytes())
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return UNKNOWN
    words = (line.split() for line in _lines(folder / "memory.stat"))
    freed = sum(int(line[1]) for line in words if line[:1] == [cached] and line[1].isdigit())
    return most - used + min(freed, used)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
