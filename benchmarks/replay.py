"""Replay test characters through the sheet, compare its answers with direct inference, and time strokes.

::

    python benchmarks/replay.py assay-runs/pooling emnist.json --characters 100 --strokes 20

The folder is a finished study of characters whose data is at hand (for ``idx:`` sources, run where it was
trained). Of each class, that many test images are laid on the sheet in headless Chromium, sent as it sends a
drawing, and answered. Direct inference is `assay predict` on the same pictures, for the recogniser that comes
with assay `assay read`; beside it stand the network's answers to the test images themselves, which no picture
was made of, and two controls: what the network would answer had the page exchanged rows and columns, or ink
and paper.

Then that many strokes are drawn, 16 movements each, and the milliseconds are taken from a change of the sheet
until its answer is shown: with each movement made once the last one is answered, and with 60 movements a
second, where what changes while a request is under way waits for its end.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from serving import Tab, browsing, serving
from sheets import picture, places, replayed

from assay.data import load
from assay.errors import DataError
from assay.findings.prediction import recognise
from assay.findings.trained import best_run, trained
from assay.reading import read
from assay.reading.recogniser import recogniser
from assay.store.readout import Readout

MOVES, PACE = 16, 1000 / 60
WATCH = """() => {
    window.took = [];
    const sheet = document.querySelector("#sheet");
    new MutationObserver(() => window.took.push(Number(sheet.dataset.took))).observe(
        sheet, { attributeFilter: ["data-answered"] });
}"""


def main() -> None:
    """Replay, compare, time, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a finished study of characters")
    parser.add_argument("out", type=Path, help="a JSON file for the figures")
    parser.add_argument("--characters", type=int, default=100, metavar="N", help="how many of each class")
    parser.add_argument("--strokes", type=int, default=20, metavar="N", help="how many are timed")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with (
        Readout.open(options.folder) as results,
        serving([options.folder]) as served,
        browsing() as browser,
    ):
        page = Tab(browser, served).open("/draw")
        for name, pace in (("one by one", 0.0), ("60 a second", PACE)) if options.strokes else ():
            found[f"milliseconds, {name}"] = timed(page, options.strokes, pace)
        if options.characters:
            found |= compared(results, page, chosen(results, options.characters))
    options.out.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2))


def chosen(results: Readout, count: int) -> NDArray[np.uint8]:
    """Return the first ``count`` test images of each class."""
    test = load(results.study.data).test
    places = [np.flatnonzero(test.labels == place)[:count] for place in np.unique(test.labels)]
    return test.images[np.concatenate(places)]


def compared(results: Readout, page: Any, images: NDArray[np.uint8]) -> dict[str, Any]:
    """Return, for each network, the shares of characters for which the page and direct inference agree."""
    pictures = [picture(image) for image in images]
    answers = replayed(page, pictures)
    pixels = np.array([found["characters"][0]["pixels"] for found in answers], np.uint8).reshape(-1, 28, 28)
    figures: dict[str, Any] = {"characters": len(images)}
    for place, arm in enumerate(one["arm"] for one in answers[0]["answers"]):
        likeliest = [found["answers"][place]["likeliest"] for found in answers]
        shown = np.array(["".join(row[0][0] for row in rows) for rows in likeliest])
        direct = np.array(directly(results, arm, pictures))
        network = trained(results, best_run(results, arm), (1, 28, 28)) if arm else recogniser()
        classes = np.array(results.header.classes if arm else recogniser().classes)

        def labels(these: NDArray[np.uint8], network: Any = network, classes: Any = classes) -> Any:
            return classes[
                np.concatenate([network.scores(part).argmax(1) for part in np.array_split(these, 20)])
            ]

        figures[arm or "the recogniser that comes with assay"] = {
            "as assay predict": float(np.mean(shown == direct)),
            "control, transposed": float(np.mean(labels(pixels.transpose(0, 2, 1)) == direct)),
            "control, inverted": float(np.mean(labels(255 - pixels) == direct)),
            "as the test images themselves": float(np.mean(shown == labels(images))),
        }
    return figures


def directly(results: Readout, arm: str, pictures: list[Image.Image]) -> list[str]:
    """Return what `assay predict` reads in each picture, or `assay read` where no arm is named.

    Nothing where no character is found: the sheet then takes all ink for one that is half drawn.
    """
    texts: list[str] = []
    for one in pictures:
        try:
            found = recognise(results, one, arm=arm) if arm else read(one).characters
        except DataError:
            found = ()
        texts.append("".join(character.character for character in found))
    return texts


def timed(page: Any, strokes: int, pace: float) -> dict[str, float]:
    """Return how long answers take while ``strokes`` are drawn, one movement each ``pace`` milliseconds."""
    page.reload()
    page.evaluate(WATCH)
    count = 0
    generator = np.random.default_rng(0)
    for _ in range(strokes):
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
        count += 1
        page.wait_for_timeout(300)
        page.evaluate("window.took.pop()")  # of the cleared sheet
        count -= 1
    took = np.array(page.evaluate("window.took"))
    shares = {"median": 50, "95 of 100": 95, "most": 100}
    return {"answers": len(took), **{name: float(np.percentile(took, at)) for name, at in shares.items()}}


if __name__ == "__main__":
    main()
