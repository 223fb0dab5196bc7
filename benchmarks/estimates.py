"""Compare what `assay show` foretells with what `assay run` takes.

Shows and then runs every packaged study with `--quick`, and three others, each in a fresh folder, and prints
for each the seconds that were estimated and taken: of processors, which count on a busy machine, and of the
clock. Nothing is known of earlier runs, unless `--known`; kernels are compiled before, unless `--cold`. With
`--data` packaged studies have the images of a data set instead of drawn ones, 10,000 of them to train on.

    python benchmarks/estimates.py                        # about eight minutes on two processors
    python benchmarks/estimates.py --studies pooling,tiny --cold
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import matplotlib

from assay.findings.numbers import fixed
from assay.study.builtin import builtin

WIDTH = """\
name = "{name}"
question = "Do 200 hidden units recognise characters better than 50?"
control = "narrow"
seeds = 3
engine = "{engine}"
network = {{ family = "Dense", hidden = [50] }}
optimizer = {{ rule = "Adam", lr = 0.001 }}
training = {{ epochs = {epochs} }}
data = {{ source = "glyphs", train = {train} }}
factors.width.narrow.network.hidden = [50]
factors.width.wide.network.hidden = [200]
"""
OWN = {
    "tiny": {"engine": "numba", "epochs": 1, "train": 500},
    "long": {"engine": "numba", "epochs": 60, "train": 20_000},
    "torch": {"engine": "torch:cpu", "epochs": 5, "train": 8000},
}
"""Studies that are neither packaged nor quick: of a moment, of a minute, and with another engine."""
SIZES = [word for size in ("train=10000", "valid=1500", "test=4000") for word in ("--set", f"data.{size}")]


@dataclass(frozen=True)
class Taken:
    """Seconds of the clock and of processors that a command took, and what it printed."""

    wall: float
    processor: float
    out: str


def main() -> None:
    """Measure, and print a row for each study and the range of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", help="names with commas between; by default all", default="")
    parser.add_argument("--data", help="a data set for the packaged studies, such as idx:DIR", default="")
    parser.add_argument("--cold", action="store_true", help="with no kernel compiled before")
    parser.add_argument("--known", action="store_true", help="with what earlier runs showed on this machine")
    chosen = parser.parse_args()
    names = chosen.studies.split(",") if chosen.studies else [*builtin(), *OWN]
    print(f"load {os.getloadavg()[0]:.1f}; seconds; ratio = taken / estimated")
    row = "{:18}{:>8}{:>12}{:>8}{:>8}{:>12}{:>8}{:>8}  {}"
    print(row.format("study", "show", "estimated", "taken", "ratio", "processor", "taken", "ratio", "parts"))
    walls, processors = [], []
    options = ["--data", chosen.data, *SIZES] if chosen.data else []
    for name in names:
        with TemporaryDirectory() as place:
            shown, told, run = _measure(name, Path(place), options, cold=chosen.cold, known=chosen.known)
        whole, work = told["seconds"], _work(told)
        walls.append(run.wall / whole)
        processors.append(run.processor / work)
        parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in told["parts"].items())
        numbers = (shown.wall, whole, run.wall, walls[-1], work, run.processor, processors[-1])
        print(row.format(name, *map(fixed, numbers), parts), flush=True)
    print(f"by the clock {min(walls):.2f} to {max(walls):.2f}, ", end="")
    print(f"by processors {min(processors):.2f} to {max(processors):.2f}")


def _measure(
    name: str, place: Path, options: list[str], *, cold: bool, known: bool
) -> tuple[Taken, dict, Taken]:
    """Show a study and run it; return what each took, and the estimate."""
    environment = dict(os.environ)
    if not known:
        fonts = {"MPLCONFIGDIR": matplotlib.get_cachedir()}  # which are found once a machine
        environment |= {"XDG_CACHE_HOME": str(place / "cache"), **fonts}
    if cold:
        environment["NUMBA_CACHE_DIR"] = str(place / "kernels")
    study = [name, "--quick", *options]
    if name in OWN:
        file = place / f"{name}.toml"
        file.write_text(WIDTH.format(name=name, **OWN[name]))
        study = [str(file)]
    shown = _command(["show", *study, "--format", "json"], environment)
    run = _command(["run", *study, "--out", str(place / "results")], environment)
    return shown, json.loads(shown.out), run


def _work(told: dict) -> float:
    """Return the estimated seconds of processors: those of runs side by side added up."""
    beside = sum(told["parts"][part] for part in ("starting", "images", "compiling", "report"))
    return float(beside + sum(arm["runs"] * arm["seconds_per_run"] for arm in told["arms"]))


def _command(words: list[str], environment: dict[str, str]) -> Taken:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "assay", *words], capture_output=True, text=True, check=True, env=environment
    )
    wall, after = perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Taken(wall, processor, done.stdout)


if __name__ == "__main__":
    main()
