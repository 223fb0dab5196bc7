"""Someone else's file, checked in a process that can do little else: ``python -m assay.testing.sandbox``.

The process is given a task as JSON on stdin and writes a JSON line for each part to the file that the task
names. It first gives up what it does not need, as far as the system allows:

- time and memory, by limits of the kernel, and by the clock of whoever started it;
- the network, by a namespace without one (Linux, where users may make namespaces);
- writing outside its scratch folder, by Landlock (Linux 5.13 and later).

Reading files is not prevented, and code that sets out to forge its own row in the table can.
"""

import ast
import ctypes
import json
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.errors import AssayError

LIBC = ctypes.CDLL(None, use_errno=True)

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
NO_NEW_PRIVILEGES = 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
WRITES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))
"""Landlock's rights that write: files, and what folders hold."""
LAYER_METHODS = (
    {"fprop", "bprop"},
    {"forward", "backward"},
    {"update_params"},
    {"step", "zero_grad"},
    {"update"},
    {"__call__", "grad"},
)


def confine(scratch: Path, memory_mb: int, seconds: int) -> list[str]:
    """Give up what is not needed; return in words what holds."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    held = [f"{seconds} s of processor time", f"{memory_mb} MB of memory"]
    if sys.platform != "linux":
        return held
    if LIBC.unshare(NEW_USER | NEW_NETWORK) == 0:
        held.append("no network")
    if _only_writes_to(scratch):
        held.append("no writing outside a scratch folder")
    return held


def _only_writes_to(folder: Path) -> bool:
    """Let this process and its children write below ``folder`` alone; whether the system can do that."""
    rights = ctypes.c_uint64(WRITES)
    rules = LIBC.syscall(CREATE_RULESET, ctypes.byref(rights), ctypes.sizeof(rights), 0)
    if rules < 0:
        return False
    place = os.open(folder, os.O_PATH)  # type: ignore[attr-defined, unused-ignore]
    rule = WRITES.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
    added = LIBC.syscall(ADD_RULE, rules, 1, rule, 0)
    LIBC.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return added == 0 and bool(LIBC.syscall(RESTRICT_SELF, rules, 0) == 0)


def names_in(path: Path) -> list[str]:
    """Return the classes and functions forward of a file that look like what can be checked, unrun."""
    found: list[str] = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            if any(wanted <= methods for wanted in LAYER_METHODS) or bases & set(found):
                found.append(node.name)
        elif isinstance(node, ast.FunctionDef) and _is_checked(node):
            found.append(node.name)
    return found


def _is_checked(node: ast.FunctionDef) -> bool:
    arguments = [argument.arg for argument in node.args.args]
    is_loss = node.name.endswith("loss") and 2 <= len(arguments) <= 3
    return "forward" in node.name or is_loss or arguments[2:] == ["config"]


def parts_of(task: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """Return what is to be checked in a file: what the task names, or all that can be."""
    named = task.get("parts") or [{"name": name} for name in names_in(path)]
    return [dict(part) for part in named]


def main() -> None:
    """Do the task on stdin."""
    task = json.load(sys.stdin)
    path, scratch = Path(task["file"]), Path(task["scratch"])
    output = open(task["output"], "w", encoding="utf-8")  # noqa: SIM115 - open before writing is given up
    os.chdir(scratch)
    from assay.testing import check as checking
    from assay.testing.marks import parts

    def tell(**row: Any) -> None:
        output.write(json.dumps(row) + "\n")
        output.flush()

    tell(held=confine(scratch, task["memory_mb"], task["seconds"]))
    try:
        wanted = parts_of(task, path)
    except (SyntaxError, UnicodeDecodeError) as error:
        tell(name="", status="error", detail=f"{type(error).__name__}: {error}")
        return
    for part in wanted:
        tell(name=part["name"], status="waits")
    for part in wanted:
        tell(name=part["name"], status="began")
        try:
            found = checking.check(
                f"{path}:{part['name']}",
                part.get("against"),
                tuple(part["input_shape"]) if "input_shape" in part else None,
                part.get("arguments"),
                part.get("tolerance", 0.0),
            )
        except AssayError as error:
            unwritten = isinstance(error.__cause__, NotImplementedError)
            message = str(error).removeprefix(f"{path}:{part['name']}: ").replace(str(path), path.name)
            tell(name=part["name"], status="not written" if unwritten else "error", detail=message)
        except MemoryError:
            tell(
                name=part["name"], status="error", detail=f"needs more than {task['memory_mb']} MB of memory"
            )
        else:
            status = "right" if found.passed else "wrong"
            tell(name=part["name"], status=status, parts=parts(found), detail=_detail(found))


def _detail(found: Any) -> str:
    """Return the first thing that is wrong, or else what is to be known, in a line."""
    words = [
        *(f"{each}{f' (perhaps: {each.guess})' if each.guess else ''}" for each in found.mismatches),
        *found.faults,
        *(f"but {written}" for written in found.writes),
        *found.remarks,
    ]
    return words[0] if words else ""


if __name__ == "__main__":
    main()
