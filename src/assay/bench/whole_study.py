"""A whole study against a script: the same runs, evaluation included, from start to finish.

Eight seeds of the 2017 report's second convolutional network, two epochs each,
the training and the validation set evaluated after every epoch and the test
set at the best one, on all processors: by ``assay.run`` as a user calls it, and
by a loop in plain PyTorch as its users write it.
"""

import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.bench.clock import Timing
from assay.bench.fresh import process
from assay.data.glyphs import draw
from assay.data.idx import write_idx
from assay.errors import UnsupportedError
from assay.records.machine import processors
from assay.study.study import Study

NAME = "bench"


@dataclass(frozen=True)
class Size:
    """How large the study is: drawn characters for each split, seeds, epochs."""

    train: int = 30_000
    valid: int = 5_000
    test: int = 5_000
    seeds: int = 8
    epochs: int = 2


@dataclass(frozen=True)
class WholeStudy:
    """Seconds from the start of a process to its end, in each round.

    ``script`` uses all processors, as PyTorch does by default; ``single`` is the
    script with one thread.
    """

    size: Size
    assay: Timing
    script: Timing
    single: Timing

    def ratio(self, other: Timing) -> float:
        """Return how many times as long as assay ``other`` takes: the median of the per-round ratios."""
        pairs = zip(other.seconds, self.assay.seconds, strict=True)
        return Timing(tuple(theirs / ours for theirs, ours in pairs)).median


def measure(size: Size, rounds: int) -> WholeStudy:
    """Run study and script in turn, each in new processes; assay's first run compiles for all of them.

    Raises `UnsupportedError` without PyTorch.
    """
    if find_spec("torch") is None:
        raise UnsupportedError("torch is not installed (pip install torch)")
    with TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        _write_data(data, size)
        study, threads = _study(data, size), processors()
        _by_assay(study, Path(folder) / "warm")
        found = [
            (_by_assay(study, Path(folder) / str(turn)), _by_script(study, threads), _by_script(study, 1))
            for turn in range(rounds)
        ]
    assay, script, single = (Timing(seconds) for seconds in zip(*found, strict=True))
    return WholeStudy(size, assay, script, single)


def _write_data(folder: Path, size: Size) -> None:
    folder.mkdir()
    for part, count in (("train", size.train + size.valid), ("test", size.test)):
        images, labels = draw(count, 0, part)
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels.astype("uint8"))


def _study(data: Path, size: Size) -> Study:
    base = {
        "network": {"family": "ConvPool", "maps": [5, 10]},
        "optimizer": {"rule": "Adam"},
        "training": {"epochs": size.epochs, "measure": "all"},
        "data": {"source": f"idx:{data}", "valid": size.valid},
    }
    return Study(NAME, "How long does it take?", base=base, seeds=size.seeds)


def _by_assay(study: Study, out: Path) -> float:
    began = time.perf_counter()
    with process() as own:
        own.call(run_study, study, out)
    return time.perf_counter() - began


def _by_script(study: Study, threads: int) -> float:
    from assay.bench.peers.script import run_script

    began = time.perf_counter()
    with process() as own:
        own.call(run_script, study, threads)
    return time.perf_counter() - began


def run_study(study: Study, out: Path) -> list[float]:
    """Run the study and return each run's test accuracy."""
    from assay.running.run import run

    with run(study, out) as results:
        return [record.test.accuracy for record in results.runs if record.test]
