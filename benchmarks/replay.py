"""Replay test characters through the sheet, compare its answers with direct inference, and time strokes.

::

    python benchmarks/replay.py assay-runs/cnn-depth emnist.json --characters 100 --strokes 30

The folder is a finished study of characters whose data is at hand (for ``idx:`` sources, run where it was
trained). Of each class, that many test images are laid on the sheet in headless Chromium, sent as it sends a
drawing, and answered by the recogniser that comes with assay and the study's best arms, ``--arms`` of them.
Direct inference is `assay predict` on the same pictures, for the recogniser `assay read`; beside it stand the
network's answers to the test images themselves, which no picture was made of, and two controls: what the
network would answer had the page exchanged rows and columns, or ink and paper. What was found is kept, a line
a character, in a file beside the figures; the same command continues it.

Then that many strokes are drawn, 16 movements each, and the milliseconds are taken from a change of the sheet
until its answer is shown: with each movement made once the last one is answered, and with 60 movements a
second, where what changes while a request is under way waits for its end. Beside them stands what the time
was spent on: until the request leaves, by the server, on the way, and for showing the answer. The page is
served by `assay view` in a process of its own.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import cache
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from serving import Tab, apart, browsing
from sheets import picture, places, replayed

from assay.data import load
from assay.errors import DataError
from assay.findings.prediction import recognise
from assay.findings.trained import Fitted, best_run, trained
from assay.reading import read
from assay.reading.recogniser import recogniser
from assay.store.readout import Readout

MOVES, PACE, BATCH = 16, 1000 / 60, 40
COLUMNS = ("as assay predict", "control, transposed", "control, inverted", "as the test images themselves")
"""Shares of the page's answers that are direct inference's; of two controls'; of the test images' own."""
IN_THE_BOX = "the recogniser that comes with assay"
WATCH = """() => {
    window.took = [];
    const sheet = document.querySelector("#sheet");
    const note = () => {
        const sent = performance.getEntriesByType("resource");
        const last = sent.filter(({ name }) => name.includes("/draw/answer")).at(-1);
        const server = last.serverTiming.map(({ name, duration }) => [name, duration]);
        const [took, end] = [Number(sheet.dataset.took), performance.now()];
        const whole = last.responseEnd - last.startTime;
        const inside = server.reduce((sum, [, duration]) => sum + duration, 0);
        const [before, after] = [took - (end - last.startTime), end - last.responseEnd];
        window.took.push({ whole: took, "until sent": before, ...Object.fromEntries(server),
            "on the way": whole - inside, "until shown": after });
        performance.clearResourceTimings();
    };
    new MutationObserver(note).observe(sheet, { attributeFilter: ["data-answered"] });
}"""
CHOOSE = """(arms) => document.querySelectorAll("#sheet .arms input").forEach((box) => {
    box.checked = arms.includes(box.value);
})"""


def main() -> None:
    """Time, replay, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a finished study of characters")
    parser.add_argument("out", type=Path, help="a JSON file for the figures")
    parser.add_argument("--characters", type=int, default=100, metavar="N", help="how many of each class")
    parser.add_argument("--arms", type=int, default=1, metavar="N", help="how many are compared")
    parser.add_argument("--strokes", type=int, default=20, metavar="N", help="how many are timed")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with apart([options.folder]) as (served, _), browsing() as browser:
        page = Tab(browser, served).open("/draw")
        for name, pace in (("one by one", 0.0), ("60 a second", PACE)) if options.strokes else ():
            found[f"milliseconds, {name}"] = timed(page, options.strokes, pace)
            print(json.dumps(found, indent=2), flush=True)
        if options.characters:
            found |= compared(page, options)
    options.out.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2))


def compared(page: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Return, for each network, the shares of characters for which the page and direct inference agree.

    A batch is replayed while workers infer directly on it; after each its lines are kept.
    """
    folder, count = options.folder, options.characters
    page.reload()
    arms = page.eval_on_selector_all("#sheet .arms input", "(boxes) => boxes.map((box) => box.value)")
    arms = [*arms[:-1][: options.arms], ""]
    page.evaluate(CHOOSE, arms)
    todo, kept = chosen(folder, count), options.out.with_suffix(".lines")
    done = [json.loads(line) for line in kept.read_text("utf-8").splitlines()] if kept.exists() else []
    if any(
        row["image"] != place or list(row["found"]) != arms for row, place in zip(done, todo, strict=False)
    ):
        raise SystemExit(f"{kept}: is of other characters or arms (remove it, or choose another file)")
    begun, left = monotonic(), todo[len(done) :]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context) as pool, kept.open("a", encoding="utf-8") as file:
        for start in range(0, len(left), BATCH):
            rows = of_batch(page, pool, folder, arms, left[start : start + BATCH])
            done += rows
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
            file.flush()
            more = len(todo) - len(done)
            seconds = (monotonic() - begun) * more / (len(left) - more)
            print(
                f"{len(done):,} of {len(todo):,}, about {seconds / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )
    shares = {arm: np.mean([row["found"][arm] for row in done], axis=0) for arm in arms}
    named = {
        arm or IN_THE_BOX: dict(zip(COLUMNS, map(float, found), strict=True)) for arm, found in shares.items()
    }
    return {"characters": len(done), **named}


def chosen(folder: Path, count: int) -> list[int]:
    """Return the places of the first ``count`` test images of each class."""
    labels = test_of(folder).labels
    found = [np.flatnonzero(labels == place)[:count] for place in np.unique(labels)]
    return [int(place) for place in chain(*found)]


def of_batch(
    page: Any, pool: Executor, folder: Path, arms: Sequence[str], batch: Sequence[int]
) -> list[dict[str, Any]]:
    """Return for each image and network whether the page's answer is each of the four that are compared."""
    pictures = [picture(test_of(folder).images[place]) for place in batch]
    direct = {arm: [pool.submit(directly, folder, arm, one) for one in pictures] for arm in arms}
    answers = replayed(page, pictures)
    rows: list[dict[str, Any]] = [{"image": place, "found": {}} for place in batch]
    for arm in arms:
        found = agreements(folder, arm, answers, direct[arm], batch)
        for row, agreed in zip(rows, found, strict=True):
            row["found"][arm] = agreed
    return rows


def agreements(
    folder: Path, arm: str, answers: Sequence[Any], direct: Sequence[Future[str]], batch: Sequence[int]
) -> Iterator[list[bool]]:
    """Yield for each answer whether direct inference, each control and the image itself give the same."""
    pixels = np.array([found["characters"][0]["pixels"] for found in answers], np.uint8).reshape(-1, 28, 28)
    network, classes = network_of(folder, arm)
    ways = (pixels.transpose(0, 2, 1), 255 - pixels, test_of(folder).images[list(batch)])
    labels = [classes[network.scores(these).argmax(1)] for these in ways]
    for answer, expected, *read_so in zip(answers, direct, *labels, strict=True):
        [likeliest] = [found["likeliest"] for found in answer["answers"] if found["arm"] == arm]
        page, straight = "".join(row[0][0] for row in likeliest), expected.result()
        *controls, own = map(str, read_so)
        yield [page == straight, *(control == straight for control in controls), page == own]


def directly(folder: Path, arm: str, picture: Image.Image) -> str:
    """Return what `assay predict` reads in a picture, or `assay read` where no arm is named.

    Nothing where no character is found: the sheet then takes all ink for one that is half drawn.
    """
    try:
        found = recognise(results_of(folder), picture, arm=arm) if arm else read(picture).characters
    except DataError:
        found = ()
    return "".join(character.character for character in found)


@cache
def results_of(folder: Path) -> Readout:
    """Return a study's results, opened once in each process."""
    return Readout.open(folder)


@cache
def test_of(folder: Path) -> Any:
    """Return a study's test images."""
    return load(results_of(folder).data).test


@cache
def network_of(folder: Path, arm: str) -> tuple[Fitted, NDArray[np.str_]]:
    """Return an arm's best network, or the recogniser's, and its classes."""
    results = results_of(folder)
    if not arm:
        known = recogniser()
        return Fitted(known.network, known.weights, "float32", known.temperature), np.array(known.classes)
    return trained(results, best_run(results, arm), (1, 28, 28)), np.array(results.header.classes)


def timed(page: Any, strokes: int, pace: float) -> dict[str, Any]:
    """Return how long answers take while ``strokes`` are drawn, one movement each ``pace`` milliseconds."""
    page.reload()
    page.evaluate(WATCH)
    generator = np.random.default_rng(0)
    for number in range(-1, strokes):
        count = page.evaluate("window.took.length")
        start, turn, end = generator.uniform(0.15, 0.85, (3, 2))
        way = [start + (turn - start) * at / MOVES * 2 for at in range(MOVES // 2)]
        way += [turn + (end - turn) * at / MOVES * 2 for at in range(MOVES // 2)]
        for at, point in enumerate(places(page, way)):
            page.mouse.move(*point)
            if at == 0:
                page.mouse.down()
            count += 1
            if pace:
                page.wait_for_timeout(pace)
            else:
                page.wait_for_function("(count) => window.took.length >= count", arg=count)
        page.mouse.up()
        page.wait_for_function("() => document.querySelector('#sheet').dataset.busy === 'false'")
        page.locator("#clear").click()
        page.wait_for_timeout(300)
        page.evaluate("window.took.pop()")  # of the cleared sheet
        if number < 0:
            page.evaluate("window.took.length = 0")  # the first answers read the networks' weights
    took = page.evaluate("window.took")
    figures: dict[str, Any] = {"answers": len(took)}
    for part in took[0]:
        values = [one[part] for one in took]
        figures[part] = {name: round(float(np.percentile(values, at)), 1) for name, at in SHARES.items()}
    return figures


SHARES = {"median": 50, "95 of 100": 95, "most": 100}


if __name__ == "__main__":
    main()
