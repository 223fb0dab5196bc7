"""Where results folders lie, and which one a misspelt name may have meant."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from assay.errors import nearest, some
from assay.store.remains import remains_of

DATABASE = "results.db"
RUNS = "assay-runs"
"""The folder in which results folders lie by default."""
DEPTH = 2
"""Levels of folders below a given one: a reproduction's folder has one for each study."""
MOST = 1000
"""Entries of a folder among which results folders are looked for."""


def results_folders(folder: Path, depth: int = DEPTH, most: int | None = None) -> Iterator[Path]:
    """Yield ``folder`` if it is a results folder, or else those in it, in the order of their names.

    With ``most``, no more entries of a folder are looked at.
    """
    if os.path.isfile(folder / DATABASE):  # which, unlike Path.is_file, never raises
        yield folder
        return
    inside: list[Path] = []
    with suppress(OSError, ValueError):
        inside = sorted(islice(folder.iterdir(), most)) if depth else []
    for place in filter(os.path.isdir, inside):
        yield from results_folders(place, depth - 1, most)


def none_at(folder: Path) -> str:
    """Say that ``folder`` holds no results, and what may help."""
    if folder.suffix == ".toml" and os.path.isfile(folder):
        return f"{folder}: a study file, expected its results folder, such as {RUNS}/{folder.stem}"
    with suppress(OSError, ValueError):
        if left := remains_of(folder / DATABASE):
            return f"{folder / DATABASE}: is missing, and {' and '.join(map(str, left))} (put it back)"
    return f"{folder / DATABASE}: no results here ({instead(folder)})"


def instead(folder: Path) -> str:
    """Say what to use instead of ``folder``, which holds no results.

    That is the results folder of the nearest name beside it or below `RUNS`; if none is near, one that is to
    be made, or any of these.
    """
    beside = results_folders(folder.parent, 1, MOST)
    known = {place.name: place for place in (*results_folders(Path(RUNS), most=MOST), *beside)}
    if near := nearest(folder.name, known):
        return f"did you mean {str(known[near])!r}?"
    others = f"; known: {some(sorted(map(str, known.values())))}" if known else ""
    return f"`assay run STUDY --out {folder}` puts results there{others}"
