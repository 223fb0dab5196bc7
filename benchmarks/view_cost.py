"""Measure what a page that is looked at costs the run: the same study with and without it, in turn.

::

    python benchmarks/view_cost.py --pairs 6

A study is trained by ``assay run`` in a process of its own, alone or with ``assay view`` beside it and its
page open in Chromium; which comes first changes from pair to pair. It prints the trainer's processor seconds
and wall seconds, the ratio of each pair with its mean and standard error, and the processor seconds of page
and browser. Needs Linux, Chromium and the packages of ``assay[test]``.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from time import monotonic, sleep

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from serving import Served, Tab, browsing

STUDY = """
name = "watched"
question = "Do 200 hidden units recognise characters better than 100?"
control = "narrow"
seeds = 2
network = {{ family = "Dense", hidden = [100] }}
optimizer = {{ rule = "Adam", lr = 0.001 }}
training = {{ epochs = {epochs} }}
data = {{ source = "glyphs", train = 8000 }}
factors.width.narrow.network.hidden = [100]
factors.width.wide.network.hidden = [200]
"""
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Train, in pairs, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=6, help="how often, each with and without the page")
    parser.add_argument("--epochs", type=int, default=30, help="epochs of each of the four runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "watched.toml").write_text(STUDY.format(epochs=options.epochs), encoding="utf-8")
        train(root, "first")  # draws the characters and compiles
        ratios: list[tuple[float, float]] = []
        for pair in range(options.pairs):
            found: dict[bool, tuple[float, float]] = {}
            for watched in (False, True) if pair % 2 else (True, False):
                found[watched] = measured(root, f"{pair}-{watched}", watched)
            ratios.append((found[True][0] / found[False][0], found[True][1] / found[False][1]))
        for title, values in zip(("processor", "wall"), zip(*ratios, strict=True), strict=True):
            error = stdev(values) / sqrt(len(values)) if len(values) > 1 else float("nan")
            print(
                f"{title} seconds with the page / without: {fmean(values):.4f} ± {error:.4f} (standard error)"
            )


def measured(root: Path, name: str, watched: bool) -> tuple[float, float]:
    """Train once and return the trainer's processor and wall seconds."""
    if not watched:
        found = train(root, name)
        print(f"alone:   {found[0]:.2f} s of a processor, {found[1]:.2f} s", flush=True)
        return found
    with page(root) as (server, tab):
        before = spent(server), spent(os.getpid())
        found = train(root, name, lambda: look(tab, root / name))
        own, both = spent(server) - before[0], spent(os.getpid()) - before[1]
        print(
            f"watched: {found[0]:.2f} s of a processor, {found[1]:.2f} s; "
            f"meanwhile the page {own:.2f} s of a processor, the browser {both - own:.2f} s",
            flush=True,
        )
    return found


def train(root: Path, name: str, meanwhile: Callable[[], None] = lambda: None) -> tuple[float, float]:
    """Run the study in a process; return its processor and wall seconds."""
    command = [sys.executable, "-m", "assay", "run", str(root / "watched.toml"), "--out", str(root / name)]
    begun = monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    meanwhile()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, monotonic() - begun


@contextmanager
def page(root: Path) -> Iterator[tuple[int, Tab]]:
    """Serve the studies from a process, with a browser that is let in."""
    command = [sys.executable, "-m", "assay", "view", str(root), "--no-open"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    served = Served(int(address.split(":")[2].split("/")[0]), address.partition("token=")[2])
    try:
        with browsing() as browser:
            yield server.pid, Tab(browser, served)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        server.stdout.close()


def look(tab: Tab, folder: Path) -> None:
    """Open the page of a study as soon as it is there."""
    while not (folder / "results.db").exists():
        sleep(0.05)
    tab.page.reload()
    link = tab.page.locator(f"li:has(span:text-is('{folder.name}')) h2 a")
    link.click()
    tab.page.wait_for_selector("#curves canvas")


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
