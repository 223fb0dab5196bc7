"""A command in one of the `surroundings`: how it ends there."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from urllib.request import HTTPCookieProcessor, build_opener

from patience import PATIENCE
from surroundings import Place

import assay

SOURCES = str(Path(assay.__file__).parents[1])
SERVES = "--no-open"
"""A command with this option serves a page until it is stopped."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, None if it did not end, what it wrote, and its seconds."""

    status: int | None
    out: str
    err: str
    seconds: float


def ended(place: Place, words: tuple[str, ...], here: Path, bad: Path) -> Ended:
    """Run ``assay`` in the folder ``here``; ``bad`` is an empty one for what the environment needs."""
    for name, text in place.files.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)
    begun, ours, theirs = time.monotonic(), None, subprocess.PIPE
    if place.columns is not None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, place.columns, 0, 0))
    process = subprocess.Popen(
        _command(place, words), cwd=here, env=_environment(place, bad), stdin=subprocess.DEVNULL,
        stdout=theirs, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    if ours is None:
        assert process.stdout is not None
        ours = process.stdout.fileno()
    else:
        os.close(theirs)
    assert process.stderr is not None
    streams: tuple[list[bytes], list[bytes]] = ([], [])
    readers = [
        Thread(target=_read, args=each, daemon=True)
        for each in zip((ours, process.stderr.fileno()), streams, strict=True)
    ]
    for reader in readers:
        reader.start()
    try:
        status = _looked_at(process, streams[0]) if SERVES in words else process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        status = None
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for reader in readers:
        reader.join(PATIENCE)
    process.stderr.close()
    if process.stdout is None:
        os.close(ours)
    else:
        process.stdout.close()
    out, err = (b"".join(parts).decode(errors="replace") for parts in streams)
    return Ended(status, out, err, time.monotonic() - begun)


def _command(place: Place, words: tuple[str, ...]) -> list[str]:
    python = [sys.executable, *place.python, "-m", "assay", *words]
    shell = ["bash", "-c", place.shell, "bash", *python]
    return ["unshare", "-m", *shell] if place.mounts else shell


def _environment(place: Place, bad: Path) -> dict[str, str]:
    found = {**os.environ, "BAD": str(bad), "PYTHONPATH": SOURCES}
    for name, value in place.variables.items():
        known = (value or "").replace("$BAD", str(bad)).replace("$PYTHONPATH", found["PYTHONPATH"])
        found.pop(name, None)
        if value is not None:
            found[name] = known
    return found


def _looked_at(process: "subprocess.Popen[bytes]", out: list[bytes]) -> int:
    """Ask for the page as soon as its address is there, then end it; return 0 if both went well."""
    limit = time.monotonic() + PATIENCE
    while process.poll() is None and b"\n" not in b"".join(out):
        if time.monotonic() > limit:
            raise subprocess.TimeoutExpired("view", PATIENCE)
        time.sleep(0.05)
    if process.poll() is not None:
        return int(process.returncode)
    address, found = b"".join(out).replace(b"\0", b"").decode("ascii", "ignore").split()[0], 0
    opened = build_opener(HTTPCookieProcessor()).open
    with suppress(OSError, ValueError), opened(address, timeout=PATIENCE) as page:
        found = page.status
    with suppress(subprocess.TimeoutExpired):
        if found != 200:
            return process.wait(PATIENCE) or 1  # which may say why
    process.terminate()
    status = process.wait(PATIENCE)
    return 0 if (status, found) == (143, 200) else status


def _read(descriptor: int, parts: list[bytes]) -> None:
    with suppress(OSError):  # a terminal whose other end is closed
        while part := os.read(descriptor, 1 << 16):
            parts.append(part)
