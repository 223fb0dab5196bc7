"""What a process does to the files under a folder, in order, as strace sees it: SQLite's writes included."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "openat,mkdir,write,pwrite64,writev,pwritev,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,"
    "unlink,unlinkat,rmdir"
)
UNHEARD = ("writev", "pwritev", "fallocate", "renameat", "renameat2", "unlinkat")
"""Calls that the log should not have, as `_op` does not know them."""
installed = shutil.which("strace") is not None


@dataclass(frozen=True)
class Op:
    """A step of the log; ``kind`` is create, truncate, write, sync, rename, unlink, mkdir or rmdir."""

    kind: str
    path: str
    offset: int = 0
    data: bytes = b""
    to: str = ""


def recorded(command: Sequence[str], root: Path, log: Path, environment: dict[str, str]) -> list[Op]:
    """Run ``command`` to its end, and return what it did to files under ``root``."""
    options = ["-f", "--seccomp-bpf", "-xx", "-y", "-s", "100000000", "-e", f"trace={CALLS}", "-o", str(log)]
    subprocess.run(
        ["strace", *options, *command], check=True, env={**os.environ, **environment}, capture_output=True
    )
    return list(_parsed(log, f"{root}"))


def _parsed(log: Path, root: str) -> Iterator[Op]:
    places: dict[str, int] = {}
    for line in _whole(log):
        name, _, rest = line.partition("(")
        arguments, _, result = rest.rpartition(") = ")
        if result.startswith("-") or root not in (text := _text(arguments)):
            continue
        assert name not in UNHEARD or name == "fallocate", f"{name} is not understood: {text[:200]}"
        yield from _op(name, arguments, result, root, places)


def _op(name: str, arguments: str, result: str, root: str, places: dict[str, int]) -> Iterator[Op]:
    """Yield the steps of a call; ``places`` are how far files were written, by descriptor."""
    descriptor, path = _opened(result if name == "openat" else arguments)
    words = [_bytes(word) for word in re.findall(r'"((?:\\x..)*)"', arguments)]
    numbers = [int(number) for number in re.findall(r", (\d+)(?=,|$)", arguments)]
    match name:
        case "openat" if path.startswith(root):
            places[descriptor] = 0
            assert "O_APPEND" not in arguments
            if "O_CREAT" in arguments:
                yield Op("create", path)
            if "O_TRUNC" in arguments:
                yield Op("truncate", path)
        case "write" if path.startswith(root):
            yield Op("write", path, places[descriptor], words[-1])
            places[descriptor] += len(words[-1])
        case "pwrite64" if path.startswith(root):
            yield Op("write", path, numbers[-1], words[-1])
        case "ftruncate":
            yield Op("truncate", path, numbers[-1])
        case "fsync" | "fdatasync":
            yield Op("sync", path)
        case "rename":
            yield Op("rename", words[0].decode(), to=words[1].decode())
        case "unlink" | "mkdir" | "rmdir":
            yield Op(name, words[0].decode())


def _opened(text: str) -> tuple[str, str]:
    """Return descriptor and path of ``3</a/path>``."""
    found = re.match(r"(\d+)<((?:\\x..)*)>", text)
    return (found[1], _bytes(found[2]).decode()) if found else ("", "")


def _text(arguments: str) -> str:
    """Return the paths in ``arguments``, readable."""
    paths = re.findall(r"<((?:\\x..)*)>", arguments) + re.findall(r'"((?:\\x..){1,4096})"', arguments)
    return " ".join(_bytes(path).decode("utf-8", "replace") for path in paths)


def _bytes(word: str) -> bytes:
    return bytes.fromhex(word.replace("\\x", ""))


def _whole(log: Path) -> Iterator[str]:
    """Yield each call as it returned; one thread's may be interrupted by another's in the log."""
    begun: dict[str, str] = {}
    with log.open(encoding="ascii") as lines:
        for line in lines:
            thread, call = line.rstrip("\n").split(maxsplit=1)
            if call.endswith("<unfinished ...>"):
                begun[thread] = call.removesuffix("<unfinished ...>").rstrip()
            elif call.startswith("<... "):
                yield _spaced(begun.pop(thread) + call.partition(" resumed>")[2].lstrip())
            elif "(" in call:
                yield _spaced(call)


def _spaced(call: str) -> str:
    """Return a call with one blank before its result."""
    return re.sub(r"\)\s+= ", ") = ", call)
