"""Ways in which code of a user's can end while a run is trained, put into every process that starts.

`environment` names them: a run of a seed ends its way at the beginning of its second epoch, once its first is
in the store. The study's results are in the folder ``out``.
"""

import ctypes
import errno
import os
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from patience import PATIENCE, eventually

VARIABLE = "ENDINGS"
FOLDER = "ENDINGS_FOLDER"
EPOCH = 2
HELPERS = Path(__file__).parent


def environment(folder: Path, ways: Mapping[int, str]) -> dict[str, str]:
    """Return an environment in which a Python process, and those that it starts, end runs by ``ways``."""
    (folder / "sitecustomize.py").write_text("import endings\nendings.install()\n")
    paths = [str(folder), str(HELPERS), *filter(None, [os.environ.get("PYTHONPATH")])]
    named = ",".join(f"{seed}:{way}" for seed, way in ways.items())
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), VARIABLE: named, FOLDER: str(folder)}


def install() -> None:
    """Let the reference engine's sessions end as the environment says."""
    from assay.engines.reference import ReferenceSession

    ways = dict(pair.split(":") for pair in os.environ[VARIABLE].split(",") if pair)
    trained: Callable[..., None] = ReferenceSession.train_epoch

    def train_epoch(self: Any, images: Any, labels: Any, epoch: int, on_steps: Any) -> None:
        if epoch == EPOCH and str(self.seeds[0]) in ways:
            if FOLDER in os.environ:
                eventually(lambda: _is_stored(self.seeds[0]))
            time.sleep(0.3)  # what is said of a run that is continued has been stored as well
            WAYS[ways[str(self.seeds[0])]]()
        trained(self, images, labels, epoch, on_steps)

    ReferenceSession.train_epoch = train_epoch  # type: ignore[method-assign]


def _is_stored(seed: int) -> bool:
    with (
        suppress(sqlite3.OperationalError),  # there is no table yet
        closing(sqlite3.connect(f"file:{os.environ[FOLDER]}/out/results.db?mode=ro", uri=True)) as store,
    ):
        query = "SELECT count(*) FROM run JOIN epoch USING (arm, seed) WHERE seed = ? AND status = 'running'"
        return bool(store.execute(query, (seed,)).fetchone()[0])
    return False


def _wait() -> None:
    """Go on once somebody has made the file ``go``."""
    if not eventually((Path(os.environ[FOLDER]) / "go").exists):
        raise TimeoutError(f"nobody has said to go on in {PATIENCE:g} s")


def _raise() -> None:
    raise ValueError("no luck")


def _allocate() -> None:
    """Ask for more memory than a limit allows."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**33, before[1]))
    try:
        bytearray(2**34)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _fill_a_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _by(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


WAYS: dict[str, Callable[[], Any]] = {
    "return": lambda: None,
    "exception": _raise,
    "sys.exit(0)": lambda: sys.exit(0),
    "sys.exit(1)": lambda: sys.exit(1),
    "os._exit(0)": lambda: os._exit(0),
    "SIGTERM": _by(signal.SIGTERM),
    "SIGINT": _by(signal.SIGINT),
    "SIGKILL": _by(signal.SIGKILL),
    "SIGSEGV": lambda: ctypes.string_at(0),
    "memory": _allocate,
    "full disk": _fill_a_disk,
    "wait": _wait,
    "hang": lambda: time.sleep(3600),
}
