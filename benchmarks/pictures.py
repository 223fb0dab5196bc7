"""How well people's pictures are read: 16 faults at two strengths, plain characters, words, empty sheets.

    ASSAY_EMNIST47=DIR python benchmarks/pictures.py [OUT]

Every figure is of the recogniser that comes with assay, on test characters, which it was not trained on. A
character counts as read when the picture gives one character, and the same as its plain drawing gives.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import faults
import numpy as np
from numpy.typing import NDArray

from assay.data import load
from assay.errors import DataError
from assay.reading import read
from assay.reading.recogniser import recogniser

CHARACTERS, PLAIN, WORDS, LETTERS = 80, 500, 20, 5
SEED = 17
Images = NDArray[np.uint8]


def text(picture: bytes) -> str:
    """Return what is read in a picture, lines and words joined; nothing where no character is found."""
    try:
        return "".join(character.character for character in read(picture).characters)
    except DataError:
        return ""


def plain(images: Images, labels: NDArray[np.int64]) -> Iterator[str]:
    """Yield how plain drawings are read, against the arrays themselves."""
    network = recogniser()
    direct = network.probabilities(images).argmax(axis=1)
    read_as = [text(faults.png(faults.shades(faults.large(image)))) for image in images]
    right = np.mean([found == network.classes[label] for found, label in zip(read_as, labels, strict=True)])
    arrays = np.mean(direct == labels)
    yield f"{len(images)} plain characters: {100 * right:.1f}% right; their arrays {100 * arrays:.1f}%"


def faulty(images: Images, draw: np.random.Generator) -> Iterator[str]:
    """Yield a row a fault: how many are read as when plain, at the milder and at the greater strength."""
    expected = [text(faults.plain(faults.large(image), 0, draw)) for image in images]
    yield f"| fault | milder, of {len(images)} | stronger |"
    yield "|---|---|---|"
    with ProcessPoolExecutor(2) as pool:
        found = pool.map(_same, faults.FAULTS, repeat(images), repeat(expected))
        for name, counts in zip(faults.FAULTS, found, strict=True):
            yield f"| {name} | {counts[0]} | {counts[1]} |"


def _same(name: str, images: Images, expected: list[str]) -> tuple[int, int]:
    """Return how many are read as expected under a fault, at either strength."""
    fault, draw = faults.FAULTS[name], np.random.default_rng([SEED, *name.encode()])
    pairs = [*zip(images, expected, strict=True)]
    mild, strong = (
        sum(text(fault(faults.large(image), strength, draw)) == one for image, one in pairs)
        for strength in (0, 1)
    )
    return mild, strong


def words(images: Images, draw: np.random.Generator) -> Iterator[str]:
    """Yield how many characters of words are found."""
    found = extra = 0
    for _ in range(WORDS):
        chosen = images[draw.integers(0, len(images), LETTERS)]
        count = len(text(faults.word(list(chosen), draw)))
        found += min(count, LETTERS)
        extra += max(0, count - LETTERS)
    yield f"{WORDS} words of {LETTERS}: {found} of {WORDS * LETTERS} characters found, {extra} too many"


def empty(draw: np.random.Generator) -> Iterator[str]:
    """Yield what is invented on empty sheets."""
    invented = {name: text(sheet) for name, sheet in faults.empty_sheets(draw).items()}
    some = [f"{name}: {found}" for name, found in invented.items() if found]
    yield f"{len(invented)} empty sheets: characters invented on {len(some)} ({'; '.join(some) or 'none'})"


def main(out: str | None) -> None:
    """Print every figure as soon as it is known, and write them into the file ``out``."""
    test = load(f"idx:{os.environ['ASSAY_EMNIST47']}").test
    draw = np.random.default_rng(SEED)
    lines = []
    for figures in (
        words(test.images, draw),
        empty(draw),
        faulty(test.images[:CHARACTERS], draw),
        plain(test.images[:PLAIN], test.labels[:PLAIN]),
    ):
        for line in figures:
            print(line, flush=True)
            lines.append(line)
            if out:
                Path(out).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
