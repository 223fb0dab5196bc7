"""Kills: ``PYTHONPATH=src:tests/helpers python tests/long/kills.py every|random [SECONDS [FIRST]]``.

``every`` kills a study of two arms and two seeds before and after each step that writes, and at each step of
training that it tells of, from the step FIRST on; ``random`` kills it from outside at any moment, again and
again, until the time is up. After each kill the store must be sound and hold what was told; after the last of
a study's lives all must be as if nobody had killed it. The exit status says whether something was not.
"""

import sys
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from killing import last_words, start, two_by_two
from left import check_the_end, check_what_is_left
from tiny import outcome, write_characters

from assay.results import Results
from assay.running.run import run
from assay.study.study import Study


def unharmed(tables: dict[str, Any], folder: Path) -> tuple[dict[Any, Any], int]:
    """Return what the study finds, and in how many steps."""
    _, steps = last_words(*start(tables, folder))
    assert steps
    with Results.open(folder) as results:
        return outcome(results), steps


def every(tables: dict[str, Any], place: Path, end: float, first: int = 1) -> tuple[int, int]:
    """Kill at each step, and continue; return the last step at which it was killed, of how many."""
    expected, steps = unharmed(tables, place / "unharmed")
    for at in range(first, steps + 1):
        if monotonic() > end:
            return at - 1, steps
        folder = place / "killed"
        told, finished = last_words(*start(tables, folder, at=at))
        assert finished is None
        check_what_is_left(folder, told, expected)
        run(Study.from_tables(tables, "killed"), folder, workers=1, progress=False).close()
        check_the_end(folder, expected)
        rmtree(folder)
    return steps, steps


def random(tables: dict[str, Any], place: Path, end: float) -> tuple[int, int]:
    """Kill at random moments; return how many kills there were in how many studies."""
    expected, _ = unharmed(tables, place / "unharmed")
    draw, kills, studies = Random(0), 0, 0
    while monotonic() < end:
        folder, told, finished, patience = place / "killed", [], None, 0.05
        while finished is None:
            process, ear = start(tables, folder)
            process.join(timeout=draw.uniform(0, 1) * patience)
            process.kill()
            events, finished = last_words(process, ear)
            kills += finished is None
            told += events
            check_what_is_left(folder, told, expected)
            patience *= 1.15
        check_the_end(folder, expected)
        rmtree(folder)
        studies += 1
    return kills, studies


if __name__ == "__main__":
    begin = monotonic()
    end = begin + float(sys.argv[2] if sys.argv[2:] else 300)
    with TemporaryDirectory() as name:
        (Path(name) / "characters").mkdir()
        source = write_characters(Path(name) / "characters")
        study = two_by_two(source)
        if sys.argv[1] == "every":
            first = int(sys.argv[3] if sys.argv[3:] else 1)
            last, of = every(study, Path(name), end, first)
            said = f"killed at steps {first} to {last} of {of}"
        else:
            kills, studies = random(study, Path(name), end)
            said = f"{kills:,} kills in {studies} studies, each continued to its end"
    print(f"{said}: nothing lost, nothing half there, {monotonic() - begin:.0f} s")
