"""Twelve ways for a run to end, each in threads and in a process: the exit status, the row, what is said."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from endings import WAYS, environment
from tiny import tiny_tables, write_characters

from assay.study.toml import dumps as to_toml

FAILED = {
    "exception": "ValueError: no luck",
    "sys.exit(0)": "SystemExit: 0",
    "sys.exit(1)": "SystemExit: 1",
    "memory": "MemoryError",
    "full disk": "OSError: [Errno 28] No space left on device",
}
Expected = tuple[int, str, str]
"""The exit status of ``assay run``, the run's status, and what its message begins with."""
IN_THREADS: dict[str, Expected] = {
    "return": (0, "done", ""),
    **{way: (1, "failed", message) for way, message in FAILED.items()},
    "os._exit(0)": (0, "stopped", ""),
    "SIGTERM": (143, "stopped", ""),
    "SIGINT": (130, "stopped", ""),
    "SIGKILL": (-signal.SIGKILL, "stopped", ""),
    "SIGSEGV": (-signal.SIGSEGV, "stopped", ""),
    "hang": (143, "stopped", ""),
}
"""A hang in a thread ends by SIGTERM, sent twice, since the first waits for the run."""
IN_PROCESSES: dict[str, Expected] = {
    "return": (0, "done", ""),
    "SIGTERM": (0, "done", ""),
    "SIGINT": (0, "done", ""),
    **{way: (1, "failed", message) for way, message in FAILED.items()},
    "os._exit(0)": (1, "failed", "its process ended itself with exit status 0"),
    "SIGKILL": (1, "failed", "its process was ended by SIGKILL"),
    "SIGSEGV": (1, "failed", "its process was ended by SIGSEGV"),
    "hang": (1, "failed", "took longer than 10 s"),
}


def ended(folder: Path, source: str, way: str, isolated: bool) -> Expected:
    """Let a run end its way; return what came of it."""
    tables = {**tiny_tables(source), "factors": {}, "seeds": [0]}
    del tables["control"]
    (folder / "study.toml").write_text(to_toml(tables))
    options = ["--isolate", "--timeout", "10s"] if isolated else []
    words = [sys.executable, "-m", "assay", "run", str(folder / "study.toml"), "--out", str(folder / "out")]
    process = subprocess.Popen(
        [*words, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment(folder, {0: way}),
    )  # fmt: skip
    if way == "hang" and not isolated:
        time.sleep(8)
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    words = [sys.executable, "-m", "assay", "results", str(folder / "out"), "--format", "json"]
    (row,) = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return process.returncode, row["status"], row["message"] or ""


def main() -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit a deaf ear
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        source = write_characters(Path(place))
        for where, table in (("threads", IN_THREADS), ("processes", IN_PROCESSES)):
            assert table.keys() == WAYS.keys() - {"wait"}  # which is no end
            for way, expected in table.items():
                folder = Path(place) / where / way.replace("(", "").replace(")", "")
                folder.mkdir(parents=True)
                found = ended(folder, source, way, where == "processes")
                held = found[:2] == expected[:2] and found[2].startswith(expected[2])
                wrong += not held
                print(
                    f"{where:9}  {way:12}  {found[0]:4}  {found[1]:8}  {found[2][:60]:60}  {held}", flush=True
                )
    print(f"{wrong} of {2 * len(WAYS)} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
