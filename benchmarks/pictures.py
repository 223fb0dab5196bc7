"""How well people's pictures are read: 16 faults at two strengths, plain characters, words, empty sheets.

    ASSAY_EMNIST47=DIR python benchmarks/pictures.py [--tune] [--fault NAME]... [--wrong DIR] [OUT]

Every figure is of the recogniser that comes with assay, on test characters, which it was not trained on. What
reading sets by hand was chosen on the first characters of the test file (``--tune``); the figures that are
reported are of others, further on, with faults, words and sheets drawn anew. A character counts as read when
the picture gives one character, and the same as its plain drawing gives.

``--fault`` measures only that fault. ``--wrong`` keeps the pictures that were read otherwise, as PNG files
whose names say what was expected and what was read.
"""

import argparse
import io
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import faults
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assay.data import load
from assay.errors import DataError
from assay.reading import read
from assay.reading.recogniser import recogniser

CHARACTERS, PLAIN, WORDS, LETTERS = 80, 500, 20, 5
TUNING, MEASURING = slice(0, 2000), slice(8000, 10000)
"""Which of the test file's characters are for setting constants, and which for the figures."""
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


def faulty(images: Images, names: list[str], seed: int, wrong: Path | None) -> Iterator[str]:
    """Yield a row a fault: how many are read as when plain, at the milder and at the greater strength."""
    draw = np.random.default_rng(seed)
    expected = [text(faults.plain(faults.large(image), 0, draw)) for image in images]
    yield f"| fault | milder, of {len(images)} | stronger |"
    yield "|---|---|---|"
    with ProcessPoolExecutor(2) as pool:
        found = pool.map(_same, names, repeat(images), repeat(expected), repeat(seed), repeat(wrong))
        for name, counts in zip(names, found, strict=True):
            yield f"| {name} | {counts[0]} | {counts[1]} |"


def _same(name: str, images: Images, expected: list[str], seed: int, wrong: Path | None) -> list[int]:
    """Return how many are read as expected under a fault, at either strength."""
    fault, draw = faults.FAULTS[name], np.random.default_rng([seed, *name.encode()])
    counts = [0, 0]
    for strength in (0, 1):
        for index, (one, image) in enumerate(zip(expected, images, strict=True)):
            picture = fault(faults.large(image), strength, draw)
            found = text(picture)
            counts[strength] += found == one
            if wrong and found != one:
                file = wrong / f"{name.replace(' ', '_')}-{strength}-{index:02}-{one}-{found or 'none'}.png"
                Image.open(io.BytesIO(picture)).save(file)
    return counts


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


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser()
    options.add_argument("--tune", action="store_true", help="the characters on which constants are chosen")
    options.add_argument("--fault", action="append", choices=list(faults.FAULTS), help="only this fault")
    options.add_argument("--wrong", type=Path, help="folder for pictures read otherwise than when plain")
    options.add_argument("out", nargs="?", type=Path, help="file into which the figures are written")
    return options.parse_args()


def main() -> None:
    """Print every figure as soon as it is known, and write them into a file."""
    options = _options()
    test = load(f"idx:{os.environ['ASSAY_EMNIST47']}").test
    part, seed = (TUNING, 17) if options.tune else (MEASURING, 71)
    images, labels = test.images[part], test.labels[part]
    draw = np.random.default_rng(seed)
    if options.wrong:
        options.wrong.mkdir(parents=True, exist_ok=True)
    parts = [] if options.fault else [words(images, draw), empty(draw), plain(images[:PLAIN], labels[:PLAIN])]
    parts.append(faulty(images[:CHARACTERS], options.fault or list(faults.FAULTS), seed, options.wrong))
    lines: list[str] = []
    for line in (line for figures in parts for line in figures):
        print(line, flush=True)
        lines.append(line)
        if options.out:
            options.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
