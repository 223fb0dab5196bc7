"""A study's test images and what its networks answered, kept while pages ask for them."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from assay.data import Split
from assay.errors import DataError
from assay.findings.disagreement import Answered, answered
from assay.findings.trained import load_test
from assay.view.followed import Followed

MOST_KEPT = 3
"""Studies whose test images are kept."""


@dataclass(frozen=True, eq=False)
class Examined:
    """The test set, and the answers of each arm with a finished run."""

    test: Split = field(repr=False)
    arms: dict[str, Answered]


_kept: OrderedDict[str, tuple[str, Examined]] = OrderedDict()
_lock = Lock()


def examined(found: Followed) -> Examined:
    """Return a study's test set and answers; `DataError` where the images are not at hand."""
    results = found.look()
    finished = repr((results.header.data_digest, [run.id for run in results.at_look().runs if run.test]))
    with _lock:
        known = _kept.get(found.key)
        if known is None or known[0] != finished:
            test = known[1].test if known else load_test(results)
            known = _kept[found.key] = finished, Examined(test, answered(results, test.labels))
        _kept.move_to_end(found.key)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
        return known[1]


def compared(found: Followed) -> Examined:
    """Return the same where an arm has answered; `DataError` where none has."""
    seen = examined(found)
    if not seen.arms:
        raise DataError("No run is finished yet.")
    return seen
