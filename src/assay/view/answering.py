"""Networks that answer what is drawn, kept ready: arms' best, and the recogniser that comes with assay."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from threading import Lock

from assay.errors import AssayError, StoreError
from assay.findings.prediction import PREPARED
from assay.findings.trained import Fitted, best_run, network_for, trained
from assay.reading.recogniser import recogniser
from assay.store.readout import Readout
from assay.store.weights import path_of
from assay.view.followed import Followed

PICTURES = ("images:", "parquet:")
"""Sources whose images are not prepared as characters."""
DRAWN = (1, *PREPARED)
"""The shape of a character as it is prepared, grey."""
MOST_READY = 64
"""Networks that are kept."""
IN_THE_BOX = ""
"""The name under which the recogniser that comes with assay is asked; no arm's name is empty."""


@dataclass(frozen=True, eq=False)
class Ready:
    """A network that answers; ``state`` tells an arm's weights from any that take their place."""

    arm: str
    run: str
    found: Fitted
    classes: tuple[str, ...]
    state: tuple[object, ...] = ()


_kept: OrderedDict[tuple[str, str], Ready] = OrderedDict()
_lock = Lock()


def finished(results: Readout) -> tuple[str, ...]:
    """Return the arms with a finished run, the one with the best validation accuracy first."""
    best: dict[str, float] = {}
    for run in results.runs:
        if run.test_accuracy is not None:
            best[run.arm] = max(best.get(run.arm, 0.0), run.valid_best or 0.0)
    return tuple(sorted(best, key=lambda arm: -best[arm]))


def unable(results: Readout) -> dict[str, str]:
    """Return, by the arms with a finished run whose network cannot take what a pen draws, why it cannot."""
    found: dict[str, str] = {}
    for arm in finished(results):
        try:
            _expect_drawn(results)
            network_for(results, best_run(results, arm), DRAWN)
        except AssayError as error:
            why = str(error).removeprefix(f"{results.folder}: ").removeprefix(f"{results.study.name}: ")
            found[arm] = why.partition(" (")[0]  # what to do about it is said to the command line
    return found


def _expect_drawn(results: Readout) -> None:
    if results.data.source.startswith(PICTURES):
        raise StoreError(f"{results.folder}: its networks take pictures as they are, not drawn characters")


@cache
def in_the_box() -> Ready:
    """Return the recogniser that comes with assay."""
    known = recogniser()
    found = Fitted(known.network, known.weights, "float32", known.temperature)
    return Ready(IN_THE_BOX, "assay's recogniser", found, known.classes)


def ready(followed: Followed, arm: str) -> Ready:
    """Return an arm's best network for prepared characters, read again only when its weights have changed.

    A file that is replaced meanwhile is read whole, before or after: weights are never mixed. Raises
    `StudyError` for an unknown arm and `StoreError` where there are no weights for such images.
    """
    results = followed.look()
    _expect_drawn(results)
    run = best_run(results, arm)
    path = path_of(results.folder, run.id)
    found = path.stat() if path.is_file() else None
    state = (run.id, found and (found.st_mtime_ns, found.st_size, found.st_ino))
    with _lock:
        known = _kept.get((followed.key, arm))
        if known is None or known.state != state:
            network = trained(results, run, DRAWN)
            known = Ready(arm, str(run.id), network, results.header.classes, state)
            _kept[followed.key, arm] = known
        _kept.move_to_end((followed.key, arm))
        while len(_kept) > MOST_READY:
            _kept.popitem(last=False)
    return known
