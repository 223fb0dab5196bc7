"""How much memory a study takes at its peak, over what Python, the libraries and compiled code take.

Each case trains some runs of one of the 2017 networks at once, for an epoch, on as
many images as EMNIST has in its test file, in a process of its own. Asked is that
the images are there once, as bytes, and that a run takes at most 64 MB more::

    python benchmarks/memory.py D A1 A2 --runs 1 4

Printed are MB (10^6 bytes). Exit status 1 says that a case took more than it may.
Linux alone tells a process's peak and forgets it on request.
"""

import argparse
import gzip
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

TRAIN, TEST, SIDE, CLASSES = 90_523, 15_800, 28, 47
INK = 0.13
"""Share of pixels that are not black: so the files are packed to a third, as EMNIST's are."""

LIMIT = 64e6
NETWORKS: dict[str, dict[str, Any]] = {
    "D": {"family": "Dense"},
    "A1": {"family": "ConvPool", "maps": [5]},
    "A2": {"family": "ConvPool", "maps": [5, 10]},
}


def main() -> int:
    """Measure every case and print a line of it."""
    options = arguments()
    columns = ("baseline", "peak over it", "data set", "may take", "computed a run")
    print(f"{'':4}{'runs':>5}" + "".join(f"{name:>16}" for name in columns))
    exceeded = False
    with TemporaryDirectory() as folder:
        data = write_images(Path(folder))
        for name in options.networks or NETWORKS:
            for runs in options.runs:
                with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                    baseline, peak, computed = pool.submit(measure, name, runs, folder).result()
                allowed = data + runs * LIMIT
                values = (baseline, peak, data, allowed, computed)
                numbers = "".join(f"{value / 1e6:>16.1f}" for value in values)
                print(f"{name:4}{runs:>5}{numbers}{'  too much' if peak > allowed else ''}", flush=True)
                exceeded |= peak > allowed
    return int(exceeded)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)}; all unless given")
    parser.add_argument("--runs", type=int, nargs="*", default=[1, 4], help="runs trained at once")
    return parser.parse_args()


def write_images(folder: Path) -> int:
    """Write a set of EMNIST's size, transposed and zipped as EMNIST's is; return its bytes in memory."""
    rng = np.random.default_rng(0)
    some = rng.integers(0, 256, (500, SIDE, SIDE), dtype=np.uint8)
    some[rng.random(some.shape) > INK] = 0
    for part, count in (("train", TRAIN), ("test", TEST)):
        pack(folder / f"emnist-{part}-images-idx3-ubyte", np.resize(some, (count, SIDE, SIDE)))
        pack(folder / f"emnist-{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % CLASSES)
    return (TRAIN + TEST) * (SIDE**2 + np.dtype(np.int64).itemsize)


def pack(path: Path, array: np.ndarray) -> None:
    """Write an array, zipped in little time."""
    from assay.data.idx import write_idx

    write_idx(path, array)
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), compresslevel=1))
    path.unlink()


def measure(network: str, runs: int, folder: str) -> tuple[int, int, int]:
    """Return the bytes before, at the peak beyond these, and what the engine computes for a run."""
    from assay.running.run import run
    from assay.study.study import Study

    def train(name: str, count: int, data: dict[str, Any]) -> int:
        tables = {
            "name": name,
            "question": "How much memory does it take?",
            "seeds": count,
            "engine": "numba",
            "network": NETWORKS[network],
            "optimizer": {"rule": "Adam", "lr": 0.001},
            "training": {"epochs": 1},
            "data": data,
        }
        study = Study.from_tables(tables, name)
        with run(study, Path(folder, f"{network}-{runs}-{name}"), workers=count) as results:
            return max(run.peak_memory for run in results.runs)

    train("warm-up", 1, {"source": "glyphs", "train": 200, "valid": 100, "test": 100})
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak is counted from here on
    before = told("VmRSS")
    computed = train("measured", runs, {"source": f"idx:{folder}"})
    return before, told("VmHWM") - before, computed


def told(key: str) -> int:
    """Return what the system says of this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))


if __name__ == "__main__":
    sys.exit(main())
