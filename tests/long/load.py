"""A large store, and a crowd at one: ``PYTHONPATH=src:tests/helpers python tests/long/load.py large|crowd``.

``large`` writes 10,000 runs of 100 epochs and times what reads them, each in a process of its own; ``crowd``
has 64 writers of 200 rows each and 8 readers at one store for a minute, and kills 5 more readers meanwhile.
The exit status says whether a figure was missed: seconds of ``large`` are of the processor, since other work
on the machine is no property of the code.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from crowd import crowd
from large_store import write_large

from assay.results import Results

ARMS, SEEDS, EPOCHS = 100, 100, 100
BEGIN = (
    "import sys; from time import process_time as now\n"
    "from assay.results import Results; folder = sys.argv[1]\n"
)
OPEN = "results = Results.open(folder, watch=True)\n"
IN_PROCESS = {
    "open": ("begin = now()\n" + OPEN, 1.0),
    "status, once open": (
        OPEN + "from assay.report import run_tables; begin = now(); run_tables.status_table(results)\n", 0.5,
    ),
    "results, once open": (
        OPEN + "from assay.report import run_tables; begin = now(); run_tables.results_table(results)\n", 2.0,
    ),
    "every epoch, once open": (OPEN + "begin = now()\nfor row in results.epoch_rows(): pass\n", 4.0),
    "report": (
        "from assay.findings.findings import build; from assay.findings.inside import look_inside\n"
        "from assay.report import html; begin = now()\n" + OPEN
        + "page = html.render(build(results, look_inside(results)))\n"
        "size = len(page.encode())\nassert size < 2e6, size\nprint(f'{size:,} bytes', end=', ')\n",
        10.0,
    ),
}  # fmt: skip
"""What is timed, and the most seconds it may take."""
MOST_MEMORY = 500
KILLED = 5


def large(folder: Path) -> bool:
    """Time what reads a large store; return whether every figure was met."""
    write_large(folder, ARMS, SEEDS, EPOCHS)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"{ARMS * SEEDS:,} runs x {EPOCHS} epochs, {size:.0f} MB")
    met = True
    for name, (code, most) in IN_PROCESS.items():
        program = f"{BEGIN}{code}print(now() - begin)"
        said, _, memory = measured([sys.executable, "-c", program, str(folder)])
        *more, seconds = said.split(", ")
        met &= float(seconds) < most and memory < MOST_MEMORY
        print(f"{name:24}{float(seconds):6.2f} s (under {most:g} s), {memory:4.0f} MB {' '.join(more)}")
    for command in ("status", "results", "report", "doctor"):
        _, seconds, memory = measured([sys.executable, "-m", "assay", command, str(folder)])
        met &= memory < MOST_MEMORY
        print(f"assay {command:18}{seconds:6.2f} s in all, {memory:4.0f} MB")
    return met


def measured(command: list[str]) -> tuple[str, float, float]:
    """Run a command; return what it printed, its processor time in seconds and its peak memory in MB."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "120"}
    )
    assert process.stdout
    said = process.stdout.read()
    _, _, used = os.wait4(process.pid, 0)
    return said, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def many(folder: Path) -> bool:
    """Let a crowd loose; return whether nobody failed."""
    write_large(folder, 2, 64, 200, done=False)
    found = crowd(folder, 64, 200, 8, 60.0, killed=KILLED)
    for name, calls in (("writes", found.writes), ("reads", found.reads)):
        shares = [
            f"{share:.0%} {1000 * calls[int(share * len(calls)) - 1]:.1f} ms" for share in (0.5, 0.99, 1)
        ]
        print(f"{len(calls):,} {name}, within: {', '.join(shares)}")
    print(f"{len(found.errors)} errors, {KILLED} readers killed, {found.seconds:.0f} s", *found.errors[:3])
    with Results.open(folder) as results:
        kept = sum(len(results.epochs(run.id)) for run in results.runs)
    return not found.errors and len(found.writes) == kept == 64 * 200 and bool(found.reads)


if __name__ == "__main__":
    begin = monotonic()
    with TemporaryDirectory() as name:
        met = {"large": large, "crowd": many}[sys.argv[1]](Path(name) / "store")
    print(f"{'met' if met else 'MISSED'}, {monotonic() - begin:.0f} s")
    sys.exit(not met)
