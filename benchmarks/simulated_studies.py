"""Do the procedures of assay.stats keep their promises? Simulated studies whose truth is known.

A table a topic, a line a setting: how often what the column says came true in 20,000 studies. Run it as
``python benchmarks/simulated_studies.py [--topic NAME] [--studies N] [--write FILE]``: all of it takes some
minutes. The exit status is 1 if a promise is broken.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import scipy
from simulated import (
    advice,
    claims,
    comparison,
    crossed,
    factorial,
    failures,
    families,
    looks,
    published,
    skew,
    spreads,
)
from simulated.table import BROKEN, Topic, lines

PARTS = (comparison, families, factorial, looks, advice, claims, failures, published, skew, crossed, spreads)
TOPICS: tuple[Topic, ...] = tuple(topic for part in PARTS for topic in part.TOPICS)


def page(topics: Iterable[Topic], studies: int) -> Iterator[str]:
    """Yield the tables as Markdown, a line at a time, under a line on how they came about."""
    numbers = f"NumPy {np.__version__}, SciPy {scipy.__version__}"
    yield from (f"{studies:,} studies a line; {numbers}.", "")
    for topic in topics:
        start = perf_counter()
        yield from lines(topic, studies)
        print(f"{topic.name}: {perf_counter() - start:.0f} s", file=sys.stderr)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [topic.name for topic in TOPICS]
    parser.add_argument("--topic", action="append", choices=names, help="one topic alone; again for another")
    parser.add_argument(
        "--studies", type=int, default=20_000, help="simulated studies a line (default: 20000)"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables here, not to the screen")
    return parser.parse_args()


def main() -> None:
    """Print the tables, or write them."""
    options = arguments()
    topics = [topic for topic in TOPICS if not options.topic or topic.name in options.topic]
    written = []
    for line in page(topics, options.studies):
        written.append(line)
        if options.write is None:
            print(line, flush=True)
    if options.write is not None:
        options.write.write_text("\n".join(written).rstrip() + "\n", "utf-8")
    sys.exit(any(BROKEN in line for line in written))


if __name__ == "__main__":
    main()
