"""What a node must have in common with the driver, so that its runs are those that the driver's would be."""

import hashlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from assay.engines import ENGINES
from assay.errors import AssayError
from assay.records import machine

ABSENT = "absent"


@dataclass(frozen=True)
class Facts:
    """A node's name and type of processor, ``software``, versions by package, and the engines it can use.

    The engines are those of the study; a driver that has no GPU need not have all of them.
    """

    host: str
    processor: str
    software: dict[str, str]
    engines: frozenset[str] = frozenset()


def facts(engines: Iterable[str]) -> Facts:
    """Return the facts of this process's machine for a study that uses ``engines``, given by name."""
    names = sorted(set(engines))
    software = {"Python": platform.python_version(), "assay": f"{_version('assay')} ({_sources()})"}
    software |= {package: _version(package) for package in ("numpy", "scipy", "numba")}
    if any(name.partition(":")[0] == "torch" for name in names):
        software["torch"] = _version("torch")
    usable = frozenset(filter(_can_be_used, names))
    return Facts(machine.host(), machine.processor(), software, usable)


def differences(ours: Facts, theirs: Facts) -> list[str]:
    """Return which versions a node has that differ, such as ``numpy 2.3.1 there, 2.4.0 here``."""
    return [
        f"{name} {theirs.software.get(name, ABSENT)} there, {found} here"
        for name, found in ours.software.items()
        if theirs.software.get(name, ABSENT) != found
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def _can_be_used(engine: str) -> bool:
    try:
        ENGINES[engine]()
    except (AssayError, KeyError):
        return False
    return True


@cache
def _sources() -> str:
    """Return the beginning of a digest of assay's source: a version does not tell checkouts apart."""
    root, digest = Path(str(files("assay"))), hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:10]
