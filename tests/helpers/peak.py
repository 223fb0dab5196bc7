"""What reading malformed files takes: ``python peak.py FOLDER`` prints a line for each.

A process of its own for each file, since memory that one has used is not given back for the next to need.
"""

import os
import sys
from pathlib import Path

import scipy.io  # noqa: F401 - so that no file is charged with it
from malformed import cases

from assay.data import load
from assay.data.idx import read_images
from assay.data.outline import outline
from assay.errors import AssayError
from assay.running.plan import check
from assay.study.builtin import load_study


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
        else:
            load(f"{kind}:{path}")
    except AssayError as error:
        return str(error)
    return ""


def measured(kind: str, path: Path) -> None:
    """Print the peak, beyond what is there before, in MB; and the message, escaped."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    said = read(kind, path)
    print(f"{(_status('VmHWM') - before) / 1e6:.1f}\t{said!r}", flush=True)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for number, (kind, name, content) in enumerate(cases()):
        path = folder / (f"{number}.toml" if kind == "study" else f"{number}")
        path.write_bytes(content)
        size = len(content)
        del content
        print(f"{kind}\t{name}\t{size / 1e6:.1f}", end="\t", flush=True)
        if (child := os.fork()) == 0:
            measured(kind, path)
            os._exit(0)
        os.waitpid(child, 0)
        path.unlink()
