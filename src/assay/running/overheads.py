"""What a command that runs a study takes beside its runs: to start, images, kernels, checkpoints, the report.

Each is measured where that takes a moment, or follows from what earlier commands took on this machine
(`assay.records.observations`). All are seconds of a processor that has nothing else to do.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from time import thread_time

import numpy as np

from assay.data import glyphs
from assay.data.outline import Outline
from assay.data.spec import GLYPHS, DataSpec
from assay.errors import StoreError
from assay.records.observations import KERNEL, folder, observe, observed
from assay.running.plan import Cohort
from assay.store.weights import write_tensors

DRAWN = "an image of glyphs"
SAVED = "a byte of a checkpoint"
REPORTED = "a figure's time in a report"
"""The names by which seconds are kept."""

COMPILING = 0.12
"""Seconds that a kernel takes to compile where none has been compiled: from 0.06 to 0.5 for most of them."""

FIGURE = 0.07
"""Seconds that a figure takes, with its share of the page, where no report has been written."""

BEFORE_FIGURES = 10
"""Figures that could be drawn while a report is begun: libraries are imported, findings computed."""

WITHOUT_LAYERS, OF_AN_ARM, MOST_ARMS = 6, 3, 12
"""Figures of a report about no arm in particular, about each arm's layers, and of how many arms at most."""

ROW = 0.001
"""Seconds that an epoch's row takes in the store."""

TRIED = 1 << 20
"""Bytes that are written to see how long a checkpoint takes."""


def images(spec: DataSpec, sizes: Outline) -> float:
    """Return the seconds that a data set takes to draw, or took to read; 0 if it is not on this machine."""
    if spec.source != GLYPHS:
        return sizes.seconds
    return _fewest(DRAWN, _time_an_image) * (sizes.train + sizes.valid + sizes.test)


def compiling(kernels: Collection[str]) -> float:
    """Return the seconds that kernels take to compile, one after the other."""
    known = observed(KERNEL)
    return len(kernels) * (fmean(known) if known else COMPILING)


def reporting(arms: int) -> float:
    """Return the seconds that the report of a study of that many arms takes, without the images in it."""
    return report_size(arms) * min(observed(REPORTED), default=FIGURE)


def observe_report(arms: int, seconds: float) -> None:
    """Keep how long a report took, without the images in it."""
    observe(REPORTED, seconds / report_size(arms))


def report_size(arms: int) -> int:
    """Return a report's size in figures: its own, and `BEFORE_FIGURES` for what comes before them."""
    return BEFORE_FIGURES + WITHOUT_LAYERS + OF_AN_ARM * min(arms, MOST_ARMS)


def saving(cohort: Cohort) -> float:
    """Return the seconds that keeping an epoch takes: a checkpoint, and a row in the store."""
    return ROW + _fewest(SAVED, _time_a_byte) * _checkpoint_bytes(cohort)


def _fewest(what: str, measure: Callable[[], float]) -> float:
    """Return the fewest seconds that ``what`` took; where none are known they are measured now, and kept."""
    if known := observed(what):
        return min(known)
    seconds = measure()
    observe(what, seconds)
    return seconds


def _checkpoint_bytes(cohort: Cohort) -> int:
    """Return the size of a checkpoint: parameters, the best ones, and what the rule keeps of each."""
    kept = sum(value.ndim for value in cohort.recipe.optimizer.slots(np.zeros(1)).values())
    return cohort.network.parameter_count * (2 + kept) * np.dtype(cohort.recipe.parameter_dtype).itemsize


def _time_an_image() -> float:
    """Return the seconds that drawing an image of glyphs takes."""
    glyphs.draw(1, 0)  # reads the fonts
    begun = thread_time()
    glyphs.draw(glyphs.BLOCK, 0)
    return (thread_time() - begun) / glyphs.BLOCK


def _time_a_byte() -> float:
    """Return the seconds that writing a byte of a checkpoint takes, beside what is kept; 0 if none can be."""
    values = np.zeros(TRIED // 4, np.float32)
    with suppress(OSError, StoreError):
        folder().mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder()) as place:
            begun = thread_time()
            write_tensors(Path(place) / "trial", {"values": values}, "{}")
            return (thread_time() - begun) / TRIED
    return 0.0
