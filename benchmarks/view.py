"""Measure the local page in a browser: bytes and time of a first view, and the longest frame.

Sixty studies on the overview, and one of 40 arms x 10 seeds x 100 epochs that keeps growing while it is
looked at, hovered over, filtered and zoomed::

    python benchmarks/view.py

Needs Chromium and the packages of ``assay[test]``. A frame is the time between two animation frames; the
script also prints the longest task of the page's own, which a busy machine disturbs less.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import factories
from serving import Served, Tab, browsing, serving

from assay.records.runs import EpochRecord, RunId, Status
from assay.store import SQLiteStore
from assay.store.lookup import DATABASE
from assay.view.shelf import identity

STUDIES, ARMS, SEEDS, EPOCHS = 60, 40, 10, 100
WATCH = """
window.longest = 0; window.tasks = 0; let last = null;
const tick = (now) => { if (last !== null) window.longest = Math.max(window.longest, now - last); last = now;
  requestAnimationFrame(tick); };
requestAnimationFrame(tick);
new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  window.tasks = Math.max(window.tasks, entry.duration); })).observe({ type: "longtask", buffered: true });
window.restart = () => { window.longest = 0; window.tasks = 0; last = null; };
"""


def main() -> None:
    """Make the studies, look at them, and print what was measured."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        many, large = root / "many", root / "large"
        make_many(many)
        make_large(large / "forty")
        with serving([many, large]) as served, browsing() as browser:
            tab = Tab(browser, served)
            tab.page.add_init_script(WATCH)
            first_view(tab, "overview", "/", lambda page: page.wait_for_selector(".studies li"))
            first_view(tab, "a study", f"/study/{identity(many / 's00')}", drawn)
            first_view(tab, "40 x 10 x 100", f"/study/{identity(large / 'forty')}", drawn)
            frames(tab, served, large / "forty")
            print("console:", tab.said or "silent")


def make_many(root: Path) -> None:
    """Write sixty small finished studies."""
    for number in range(STUDIES):
        study = factories.make_study(
            seeds=4, question=f"Is max pooling better than average pooling, {number}?"
        )
        factories.make_results(root / f"s{number:02d}", study).close()


def make_large(folder: Path) -> None:
    """Write 40 arms x 10 seeds x 100 epochs, the last run under way."""
    arms = [f"arm{number:02d}" for number in range(ARMS)]
    factories.EPOCHS = EPOCHS
    study = factories.make_study(
        arms, SEEDS, training={"epochs": EPOCHS}, question="Which of forty arms is best?"
    )
    factories.make_results(folder, study, statuses={(arms[-1], SEEDS - 1): Status.RUNNING}).close()


def drawn(page: Any) -> None:
    """Wait until the curves stand."""
    page.wait_for_selector("#curves canvas")
    page.wait_for_selector("#runs tbody tr")


def first_view(tab: Tab, name: str, path: str, wait: Callable[[Any], Any]) -> None:
    """Print what a page loads, how long it takes, and its longest frame and task."""
    taken = []
    for _ in range(5):
        tab.page.goto("about:blank")
        page = tab.page
        begun = page.evaluate("performance.timeOrigin + performance.now()")
        tab.open(path)
        wait(page)
        taken.append(page.evaluate("performance.timeOrigin + performance.now()") - begun)
    sent = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".reduce((sum, entry) => sum + entry.transferSize, 0)"
    )
    page.wait_for_timeout(1500)
    longest, task = page.evaluate("[window.longest, window.tasks]")
    print(
        f"{name}: {sent / 1000:.0f} kB, {min(taken):.0f} to {max(taken):.0f} ms, "
        f"longest frame {longest:.0f} ms, longest task {task:.0f} ms"
    )


def frames(tab: Tab, served: Served, folder: Path) -> None:
    """Print the longest frame while the large study grows and is used."""
    del served
    page = tab.page
    box = page.locator("#curves .plot").bounding_box()
    steps: dict[str, Callable[[], None]] = {
        "hovering": lambda: hover(page, box),
        "growing": lambda: grow(folder, page),
        "another metric": lambda: page.select_option("#curves .metric", "train_loss"),
        "log axis": lambda: page.locator("#curves .log").check(),
        "fewer arms, every seed": lambda: fewer(page),
        "filtering runs": lambda: page.select_option("#only", "running"),
        "scrolling": lambda: scroll(page),
    }
    for name, step in steps.items():
        page.evaluate("window.restart()")
        step()
        page.wait_for_timeout(1500)
        longest, task = page.evaluate("[window.longest, window.tasks]")
        print(f"{name}: longest frame {longest:.0f} ms, longest task {task:.0f} ms")


def hover(page: Any, box: dict[str, float]) -> None:
    """Move the pointer over the curves."""
    for place in range(40):
        page.mouse.move(box["x"] + 80 + place * 20, box["y"] + 100 + 3 * place)


def fewer(page: Any) -> None:
    """Choose the first two arms."""
    page.locator("#curves .none").click()
    for place in range(2):
        page.locator("#curves .arms input").nth(place).check()


def scroll(page: Any) -> None:
    """Scroll to the end of the page."""
    for _ in range(20):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(30)


def grow(folder: Path, page: Any) -> None:
    """Add epochs to the run under way, as a worker does."""
    store = SQLiteStore.open(folder / DATABASE, write=True)
    run = RunId(f"arm{ARMS - 1:02d}", SEEDS - 1)
    [row] = [found for found in store.runs() if found.id == run]
    for epoch in range(row.epochs + 1, row.epochs + 6):
        store.add_epoch(run, EpochRecord(epoch, 0.5, 0.8, 0.6, 0.7, 2.0, 400.0, 0.3))
        store.add_run(replace(row, epochs=epoch))
        page.wait_for_timeout(1000)
    store.close()


if __name__ == "__main__":
    main()
