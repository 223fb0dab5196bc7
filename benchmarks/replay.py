"""Replay test characters through the page's own sheet, and compare its answers with direct inference.

::

    python benchmarks/replay.py assay-runs/pooling emnist.json --characters 100

The folder is a finished study of characters whose data is at hand (for ``idx:`` sources, run where it was
trained). Of each class, that many test images are laid on the sheet in headless Chromium, sent as it sends a
drawing, and answered. Direct inference is `assay predict` on the same pictures; beside it stand the network's
answers to the test images themselves, which no picture was made of, and two controls: what the network would
answer had the page exchanged rows and columns, or ink and paper.
"""

import argparse
import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from serving import Tab, browsing, serving

from assay.data import load
from assay.findings.prediction import recognise
from assay.findings.trained import best_run, trained
from assay.store.readout import Readout

def main() -> None:
    """Replay, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a finished study of characters")
    parser.add_argument("out", type=Path, help="a JSON file for the figures")
    parser.add_argument("--characters", type=int, default=100, metavar="N", help="how many of each class")
    options = parser.parse_args()
    with Readout.open(options.folder) as results:
        test = load(results.study.data).test
        chosen = np.concatenate(
            [np.flatnonzero(test.labels == place)[: options.characters] for place in np.unique(test.labels)]
        )
        found = compared(results, options.folder, test.images[chosen])
    options.out.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2))


def compared(results: Readout, folder: Path, images: NDArray[np.uint8]) -> dict[str, Any]:
    """Return, for each arm, the shares of characters for which the page and direct inference agree."""
    pictures = [picture(image) for image in images]
    answers = replayed(folder, pictures)
    pixels = np.array([found["pixels"] for found in answers], np.uint8).reshape(-1, 28, 28)
    figures: dict[str, Any] = {"characters": len(images)}
    for place, arm in enumerate(one["arm"] for one in answers[0]["answers"]):
        page = np.array([found["answers"][place]["likeliest"][0][0] for found in answers])
        direct = np.array([one.character for one in recognise(results, pictures, arm=arm)])
        network = trained(results, best_run(results, arm), (1, 28, 28))
        classes = np.array(results.header.classes)

        def labels(these: NDArray[np.uint8], network: Any = network, classes: Any = classes) -> Any:
            return classes[
                np.concatenate([network.scores(part).argmax(1) for part in np.array_split(these, 20)])
            ]

        figures[arm] = {
            "as assay predict": float(np.mean(page == direct)),
            "control, transposed": float(np.mean(labels(pixels.transpose(0, 2, 1)) == direct)),
            "control, inverted": float(np.mean(labels(255 - pixels) == direct)),
            "as the test images themselves": float(np.mean(page == labels(images))),
        }
    return figures


def picture(image: NDArray[np.uint8]) -> Image.Image:
    """Return a test image as a picture of a character, dark on white."""
    return Image.fromarray(255 - image).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def replayed(folder: Path, pictures: list[Image.Image]) -> list[dict[str, Any]]:
    """Return what the page answers to each picture that is laid on its sheet."""
    found: list[dict[str, Any]] = []
    with serving([folder]) as served, browsing() as browser:
        page = Tab(browser, served).open("/draw")
        for start in range(0, len(pictures), AT_ONCE):
            found += page.evaluate(REPLAY, [encoded(one) for one in pictures[start : start + AT_ONCE]])
    return found


def encoded(picture: Image.Image) -> str:
    """Return a picture as PNG in base64."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    main()
