"""What reading malformed files takes: ``python peak.py FOLDER`` prints a line for each.

A process of its own for each file, since memory that one has used is not given back for the next to need.
With a second argument those alone are read whose kind and name contain it.
"""

import ctypes
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import scipy.io  # noqa: F401 - so that no file is charged with it, nor with what follows
from malformed import cases
from odd_places import PLACES, Make
from PIL import Image

from assay.data import DataSpec, load
from assay.data.idx import read_images
from assay.data.outline import outline
from assay.errors import AssayError
from assay.running.plan import check
from assay.study.builtin import load_study

if importlib.util.find_spec("pyarrow"):
    importlib.import_module("pyarrow.parquet")
    importlib.import_module("pandas")  # which pyarrow looks for as soon as a table is made
Image.init()


def _status(key: str) -> int:
    text = Path("/proc/self/status").read_text("ascii")
    return int(text.partition(f"{key}:")[2].split()[0]) << 10


def read(kind: str, path: Path) -> str:
    """Read a file as the commands do; return the line with which it is refused."""
    try:
        if kind == "study":
            study = load_study(path)
            check(study, outline(study.data))
        elif kind == "idx":
            read_images(path)
        elif kind in ("place", "groups"):
            load(DataSpec(path.read_text(), groups="groups" if kind == "groups" else None))
        else:
            load(f"{kind}:{path}")
    except AssayError as error:
        return str(error)
    return ""


def measured(kind: str, path: Path) -> None:
    """Print the peak, beyond what is there before, in MB; the seconds; and the message, escaped."""
    ctypes.CDLL(None).malloc_trim(0)  # else what the parent has freed would be there for the file, uncounted
    Path("/proc/self/clear_refs").write_text("5")
    before, begun = _status("VmRSS"), time.perf_counter()
    said = read(kind, path)
    peak, took = (_status("VmHWM") - before) / 1e6, time.perf_counter() - begun
    print(f"{peak:.1f}\t{took:.1f}\t{said!r}", flush=True)


def _apart(work: Callable[[], object]) -> None:
    """Do something in a process of its own, whose memory goes with it."""
    if (child := os.fork()) == 0:
        work()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def _write(make: Make, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder.parent / "source").write_text(make(folder))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    for number, (kind, name, content) in enumerate(cases()):
        if wanted not in f"{kind}: {name}":
            continue
        path = place / (f"{number}.toml" if kind == "study" else f"{number}")
        path.write_bytes(content)
        size = len(content)
        del content
        print(f"{kind}\t{name}\t{size / 1e6:.1f}", end="\t", flush=True)
        _apart(partial(measured, kind, path))
        path.unlink()
    for (kind, name), (make, is_read) in PLACES.items():
        if wanted not in f"{kind}: {name}":
            continue
        folder = place / "place"
        _apart(partial(_write, make, folder))
        size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
        print(f"{kind}{', read' if is_read else ''}\t{name}\t{size / 1e6:.1f}", end="\t", flush=True)
        _apart(partial(measured, "groups" if kind == "groups" else "place", place / "source"))
