"""The study ``pooling`` as it stands, 100 epochs, with as many of its seeds as a GPU trains in a given time.

A few epochs are trained first to see how long one takes, then the whole study::

    python benchmarks/gpu_pooling.py --data idx:DIR --seconds 300 --out gpu-results/pooling

Arguments after ``--`` go to ``assay run``.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from assay.cli.options import Choices
from assay.running.events import EpochEnded, Event
from assay.running.run import run

EPOCHS = 100
TRIAL = 3
"""Epochs of a trial; of the first, in which graphs are recorded, the others' time is told apart."""

SPARE = 1.1
"""By how much the whole may take longer than the trial says."""


@dataclass
class Ends:
    """When the last run ended each epoch."""

    begin: float = field(default_factory=perf_counter)
    at: dict[int, float] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, EpochEnded):
            self.at[event.record.epoch] = perf_counter()


def needed(seeds: int, data: str, more: list[str]) -> float:
    """Return the seconds that the study takes with so many seeds, as a trial says."""
    chosen = Choices(data=data, seeds=seeds, epochs=TRIAL, engine="torch:cuda", settings=settings(more))
    study = chosen.study("pooling")
    ends = Ends()
    with TemporaryDirectory() as folder, run(study, Path(folder), on_event=ends.note):
        done = perf_counter()
    epoch = (ends.at[TRIAL] - ends.at[1]) / (TRIAL - 1)
    first, last = ends.at[1] - ends.begin, done - ends.at[TRIAL]
    print(f"{seeds} seeds: first epoch {first:.1f} s, others {epoch:.2f} s, end {last:.1f} s", flush=True)
    return first + last + SPARE * EPOCHS * epoch


def settings(more: list[str]) -> list[str]:
    """Return the settings among the arguments of ``assay run``."""
    return [value for key, value in pairwise(more) if key in ("-s", "--set")]


def main() -> int:
    """Choose the number of seeds and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seeds", type=int, default=10, help="at most so many")
    parser.add_argument("--out", required=True)
    parser.add_argument("more", nargs="*")
    given = parser.parse_args()
    begin, seeds = perf_counter(), given.seeds
    while True:
        takes, left = needed(seeds, given.data, given.more), given.seconds - (perf_counter() - begin)
        print(f"{seeds} seeds need {takes:.0f} s of {left:.0f} s", flush=True)
        if takes <= left:
            break
        fewer = min(seeds - 1, int(seeds * left / takes))
        if fewer < 2:
            print(f"{left:.0f} s do not suffice for 2 seeds")
            return 1
        seeds = fewer
    asked = ["--seeds", str(seeds), "--data", given.data, "--engine", "torch:cuda", "--out", given.out]
    command = [sys.executable, "-m", "assay", "run", "pooling", *asked, *given.more]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
