"""Measure whether a page that is looked at costs the run beside it processor time.

::

    python benchmarks/view_cost.py --minutes 10

One study is trained the whole time, in a process of its own and with as many workers as there are
processors; its page is open in Chromium, and then not, for a few seconds each, in the order with, without,
without, with, .... After each epoch the trainer notes the processor seconds of its whole process, and those
of the session that trained. A pair is two neighbouring windows; of their ratios the script prints the mean
with its 95% interval (Student's, of logarithms), and what that says about 1%. The first minute, in which code
is compiled and caches fill, and the first second after each change do not count.

With ``--sham`` the page is opened in no window: whatever then differs is the method's own error. Nothing else
should run meanwhile. Needs Linux, Chromium and the packages of ``assay[test]``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from statistics import fmean, stdev
from time import monotonic, sleep

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from serving import Tab, apart, browsing

from assay.view.shelf import identity

STUDY = """
name = "watched"
question = "Is a learning rate of 0.001 better than 0.0005?"
control = "slow"
seeds = 50
network = { family = "Dense", hidden = [100] }
optimizer = { rule = "Adam", lr = 0.0005 }
training = { epochs = 800 }
data = { source = "glyphs", train = 6000 }
factors.rate.slow.optimizer.lr = 0.0005
factors.rate.fast.optimizer.lr = 0.001
"""
TRAIN = """
import sys, time
import assay
from assay.running.events import EpochEnded

def note(event):
    if isinstance(event, EpochEnded):
        own = event.record.seconds + event.record.evaluation_seconds
        print(time.monotonic(), time.process_time(), own, flush=True)

assay.run(assay.load_study(sys.argv[1]), sys.argv[2], progress=False, on_event=note)
"""
TICK = os.sysconf("SC_CLK_TCK")
WARM_UP, WINDOW, SETTLING = 60.0, 5.0, 1.0
"""Seconds before anything counts, of a window, and after a change that do not count."""
MOST = 0.01
"""What a page may cost."""


@dataclass(frozen=True)
class Epoch:
    """When an epoch ended; the processor seconds of the trainer until then, and of the epoch alone."""

    at: float
    process: float
    own: float


@dataclass(frozen=True)
class Window:
    """A stretch of time with the page open, or without."""

    begin: float
    end: float
    watched: bool


def main() -> None:
    """Train, look and look away, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long, the first minute not counted")
    parser.add_argument("--sham", action="store_true", help="open no page: what the method finds by itself")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with training(root) as (trainer, notes), apart([root]) as (served, server), browsing() as browser:
            tab, everyone = Tab(browser, served), (os.getpid(), trainer, server)
            sleep(WARM_UP)
            before = [spent(process) for process in everyone]
            windows = [*looked_at(tab, root, 60 * options.minutes, options.sham)]
            every, of_trainer, of_server = (
                spent(process) - seconds for process, seconds in zip(everyone, before, strict=True)
            )
            epochs = [Epoch(*map(float, line.split())) for line in notes.read_text().splitlines(True)[:-1]]
        report(epochs, windows)
        watched = sum(window.watched for window in windows) * (WINDOW + SETTLING)
        print(
            f"In {watched:.0f} s of looking the page took {of_server:.1f} s of a processor, "
            f"the browser {every - of_trainer - of_server:.1f} s"
        )


def report(epochs: Sequence[Epoch], windows: Sequence[Window]) -> None:
    """Print the ratio of processor seconds an epoch, with the page over without, and what it says."""
    pairs = list(zip(windows[::2], windows[1::2], strict=False))
    for title, measure in (("of the trainer's process", process_seconds), ("of its sessions", own_seconds)):
        ratios = []
        for pair in pairs:
            found = {window.watched: measure(inside(epochs, window)) for window in pair}
            ratios.append(log(found[True] / found[False]))
        low, mean, high = (exp(value) - 1 for value in interval(ratios))
        said = "less than 1%" if high < MOST else "more than 1%" if low > MOST else "undecided"
        print(
            f"processor seconds an epoch, {title}: {mean:+.2%} (95% interval {low:+.2%} to {high:+.2%}, "
            f"{len(pairs)} pairs): {said}",
            flush=True,
        )


def inside(epochs: Sequence[Epoch], window: Window) -> list[Epoch]:
    """Return the epochs that ended in a window; an end to the script where there are too few."""
    found = [epoch for epoch in epochs if window.begin <= epoch.at <= window.end]
    if len(found) < 3:
        raise SystemExit(f"{len(found)} epochs in {WINDOW:g} s are too few to measure")
    return found


def process_seconds(epochs: Sequence[Epoch]) -> float:
    """Return the processor seconds of the whole process for each epoch, from the first end to the last."""
    return (epochs[-1].process - epochs[0].process) / (len(epochs) - 1)


def own_seconds(epochs: Sequence[Epoch]) -> float:
    """Return the mean processor seconds of the sessions that trained the epochs."""
    return fmean(epoch.own for epoch in epochs)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower end of the mean's 95% interval, the mean, and the upper end."""
    from scipy.special import stdtrit

    half = stdtrit(len(values) - 1, 0.975) * stdev(values) / sqrt(len(values))
    return fmean(values) - half, fmean(values), fmean(values) + half


def looked_at(tab: Tab, root: Path, seconds: float, sham: bool) -> Iterator[Window]:
    """Open the study's page and leave it, in turn, until the ``seconds`` are over; yield whole pairs."""
    end, number = monotonic() + seconds, 0
    while monotonic() < end or number % 2:
        watched = number % 4 in (0, 3)
        if watched and not sham:
            tab.open(f"/study/{identity(root / 'watched')}").wait_for_selector("#curves canvas")
        else:
            tab.page.goto("about:blank")
        sleep(SETTLING)
        begin = monotonic()
        sleep(WINDOW)
        yield Window(begin, monotonic(), watched)
        number += 1


@contextmanager
def training(root: Path) -> Iterator[tuple[int, Path]]:
    """Train the study for as long as the block runs; give the process and the file of its notes."""
    (root / "watched.toml").write_text(STUDY, encoding="utf-8")
    notes = root / "notes"
    command = [sys.executable, "-c", TRAIN, str(root / "watched.toml"), str(root / "watched")]
    with notes.open("w") as file:
        process = subprocess.Popen(command, stdout=file)
    try:
        while not (root / "watched" / "results.db").exists():
            sleep(0.1)
        yield process.pid, notes
        if process.poll() is not None:
            raise SystemExit("the study ended before the measurement did (give fewer --minutes)")
    finally:
        process.kill()
        process.wait()


def spent(process: int) -> float:
    """Return the processor seconds of a process and all below it that are alive."""
    parents: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                fields = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(place.name))
            seconds[int(place.name)] = (int(fields[11]) + int(fields[12])) / TICK
    found, waiting = 0.0, [process]
    while waiting:
        one = waiting.pop()
        found += seconds.get(one, 0.0)
        waiting += parents.get(one, [])
    return found


if __name__ == "__main__":
    main()
