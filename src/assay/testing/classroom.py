"""Check the files of a whole course, each in a process of its own, and tabulate who is right in what."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.errors import UsageError, suggestion
from assay.testing.marks import Mark, points_for

MODULE = "assay.testing.sandbox"
"""What the process of one file runs; by name, because it needs what only Unix has."""

BY_THE_CLOCK = 4
"""Wall-clock seconds allowed per second of processor time: other processes may need the processor too."""

SPEC_KEYS = ("seconds", "memory_mb", "workers", "part")
PART_KEYS = ("name", "arguments", "input_shape", "against", "tolerance", "points")


@dataclass(frozen=True)
class Spec:
    """What a teacher wants checked; without ``parts``, all that looks like a layer, loss or rule.

    A part is a mapping with ``name``, a class or function, and as far as wanted
    ``arguments`` of its constructor, ``input_shape``, ``against``, ``tolerance`` and
    ``points``: a number for each part of the check (``forward``, ``dL/dx``,
    ``modes``, ...) and for ``all``.
    """

    parts: tuple[Mapping[str, Any], ...] = ()
    seconds: int = 30
    """Processor time for one file, in seconds; by the clock `BY_THE_CLOCK` times as many."""
    memory_mb: int = 4096
    """How much memory its process may address, libraries included."""
    workers: int = 2


def read_spec(path: Path) -> Spec:
    """Read a spec from a TOML file; `UsageError` for what it cannot mean."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    _known(table, SPEC_KEYS, str(path))
    parts = table.pop("part", [])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise UsageError(f"{path}: part: expected tables, each under [[part]]")
    for number, part in enumerate(parts, start=1):
        where = f"{path}: part {number}"
        _known(part, PART_KEYS, where)
        if not isinstance(part.get("name"), str):
            raise UsageError(f"{where}: expected a name, that of a class or function")
        tolerance = part.get("tolerance", 0.0)
        if not isinstance(tolerance, int | float) or isinstance(tolerance, bool) or not 0 <= tolerance < 1:
            raise UsageError(f"{where}: tolerance: expected a number from 0 and below 1, got {tolerance!r}")
        if not all(isinstance(value, int | float) for value in part.get("points", {}).values()):
            raise UsageError(f"{where}: points: expected numbers")
    for key, value in table.items():
        if type(value) is not int or value < 1:
            raise UsageError(f"{path}: {key}: expected a whole number from 1, got {value!r}")
    return Spec(tuple(parts), **table)


def _known(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise UsageError(f"{where}: no key {key!r} ({suggestion(key, keys)})")


def files_in(places: Sequence[Path]) -> list[Path]:
    """Return the Python files that are named, and those in the folders that are; `UsageError`."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(each for each in place.rglob("*.py") if _is_own(each.relative_to(place)))
        elif place.is_file() and place.suffix == ".py":
            found.append(place)
        else:
            found_there = "this is neither" if place.exists() else "no such file or folder"
            raise UsageError(f"{place}: {found_there} (expected a .py file or a folder of them)")
    if not found:
        raise UsageError(f"{', '.join(map(str, places))}: no .py files")
    return list(dict.fromkeys(found))


def _is_own(path: Path) -> bool:
    return not any(part.startswith((".", "__")) for part in path.parts)


def check_class(places: Sequence[Path], spec: Spec | None = None) -> list[Mark]:
    """Check all files and return a mark for each part of each, in the order of the files.

    A file that loops for ever, crashes or is hostile costs its own rows alone.
    Without a spec, files in which nothing can be checked are left out.
    """
    spec = spec or Spec()
    files = files_in(places)
    with ThreadPoolExecutor(min(spec.workers, len(files))) as pool:
        return [mark for marks in pool.map(lambda path: _check_file(path, spec), files) for mark in marks]


def _check_file(path: Path, spec: Spec) -> list[Mark]:
    """Check one file; where its process ends at one part, the parts after it get another."""
    parts = [{key: value for key, value in part.items() if key != "points"} for part in spec.parts]
    found: dict[str, Mark] = {}
    while True:
        rows, ended = _in_a_process(path, parts, spec)
        held = next((tuple(row["held"]) for row in rows if "held" in row), ())
        rows = [row for row in rows if isinstance(row.get("name"), str)]
        names = list(dict.fromkeys(row["name"] for row in rows)) or [part["name"] for part in parts]
        names = names or [""] * bool(ended)
        states: dict[str, Mapping[str, Any]] = {row["name"]: row for row in rows}  # the last of each
        waiting = [name for name in names if states.get(name, {}).get("status") == "waits"]
        for name in names:
            if name not in waiting:
                mark = _mark(str(path), name, states.get("", states.get(name, {})), ended, spec)
                found[name] = replace(mark, held=held)
        if not waiting or not ended:
            return _pointed(list(found.values()), spec)
        parts = [part for part in parts if part["name"] in waiting] or [{"name": name} for name in waiting]


def _in_a_process(
    path: Path, parts: Sequence[Mapping[str, Any]], spec: Spec
) -> tuple[list[dict[str, Any]], str]:
    with tempfile.TemporaryDirectory(prefix="assay-check-") as folder:
        scratch, output = Path(folder) / "scratch", Path(folder) / "marks.jsonl"
        scratch.mkdir()
        task = {
            "file": str(path.absolute()),
            "scratch": str(scratch),
            "output": str(output),
            "seconds": spec.seconds,
            "memory_mb": spec.memory_mb,
            "parts": parts,
        }
        ended = _run(task, scratch, spec.seconds)
        rows = _rows(output)
    last = {row["name"]: row["status"] for row in rows if "name" in row}
    unfinished = {"began", "waits"} & set(last.values())
    return rows, ended or ("crashed" if unfinished else "")


def _run(task: Mapping[str, Any], scratch: Path, seconds: int) -> str:
    """Run the process of one file; return how it ended where it did not by itself."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    home = {"HOME": str(scratch), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**_environment(), **threads, **home},
        start_new_session=True,
    )
    try:
        process.communicate(json.dumps(task).encode(), timeout=BY_THE_CLOCK * seconds)
    except subprocess.TimeoutExpired:
        return "too slow"
    finally:
        _end(process)
    if process.returncode == -signal.SIGXCPU:
        return "too slow"
    return "" if process.returncode == 0 else "crashed"


def _environment() -> dict[str, str]:
    """Return what a process needs of the environment, without secrets that may be in the rest."""
    kept = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and its children, which are a session of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _rows(output: Path) -> list[dict[str, Any]]:
    if not output.is_file():
        return []
    lines = output.read_text("utf-8", errors="replace").splitlines()
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:  # cut off in the middle
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _mark(file: str, name: str, row: Mapping[str, Any], ended: str, spec: Spec) -> Mark:
    if row.get("status", "began") != "began":
        return Mark(file, name, row["status"], row.get("parts", {}), row.get("detail", ""))
    slow = (
        f"took longer than {spec.seconds} s of a processor, or {BY_THE_CLOCK * spec.seconds} s by the clock"
    )
    reasons = {"too slow": slow, "crashed": "ended its process"}
    return Mark(file, name, ended or "crashed", detail=reasons[ended or "crashed"])


def _pointed(marks: Sequence[Mark], spec: Spec) -> list[Mark]:
    """Return the marks with the points of the spec, in its order."""
    points = {part["name"]: part.get("points", {}) for part in spec.parts}
    if not points:
        return [mark for mark in marks if mark.name or mark.status != "right"]
    own = {mark.name: mark for mark in marks}
    whole = own.get("")
    given = [own.get(name) or replace(whole or marks[0], name=name) for name in points]
    return [replace(mark, points=points_for(mark.parts, mark.status, points[mark.name])) for mark in given]
