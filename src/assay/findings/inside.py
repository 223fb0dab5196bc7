"""What an arm's networks do with single images: what they mistake, look for and see."""

from dataclasses import dataclass

import numpy as np

from assay.data import Split
from assay.errors import DataError, StoreError, UsageError
from assay.findings.confusion import Confusion, confusion
from assay.findings.feature_maps import Features, Kernels, features, first_kernels
from assay.findings.trained import best_run, load_test, trained
from assay.records.runs import RunId
from assay.store.readout import Readout
from assay.study.own_classes import waiting


@dataclass(frozen=True, eq=False)
class Inside:
    """The networks of ``arm``, and that of its ``run`` with the best validation accuracy.

    ``missing`` says in a sentence what cannot be shown and why; it is empty where all is there.
    """

    arm: str
    run: RunId
    missing: str = ""
    confusion: Confusion | None = None
    kernels: Kernels | None = None
    features: Features | None = None


def look_inside(results: Readout, arm: str | None = None, image: int = 0) -> Inside | None:
    """Look into ``arm``, by default the one with the best mean test accuracy.

    None while no run is finished, and where runs were trained elsewhere.

    ``image`` is the number of the test image whose feature maps are shown. At a declared look only the
    networks of its seeds are looked into. Raises `StudyError` for an unknown arm, `StoreError` for one
    without a finished run and `UsageError` for an image that is not there.
    """
    results = results.at_look()
    chosen = arm if arm is not None else _best_arm(results)
    if chosen is None or results.study.imported:
        return None
    run = best_run(results, chosen)
    try:
        test = load_test(results)
    except DataError as error:
        missing = f"The images are not at hand, so what the networks do with them is not shown. {error}"
        return Inside(chosen, run.id, missing)
    if not 0 <= image < len(test):
        raise UsageError(f"image {image}: the test set has images 0 to {len(test) - 1:,}")
    mistakes = _confusion(results, chosen, test)
    if waiting(results.study.arm(chosen).settings.architecture):
        missing = (
            "Kernels and feature maps are not shown: the network has layers of the study's own code, "
            "which is not run unless that is asked for (--trust)."
        )
        return Inside(chosen, run.id, missing, mistakes)
    try:
        found = trained(results, run, test.input_shape)
    except StoreError as error:
        missing = f"Kernels and feature maps are not shown: the weights are not at hand. {error}"
        return Inside(chosen, run.id, missing, mistakes)
    classes = results.header.classes
    seen = features(found, test.images[image], image, classes[test.labels[image]], classes)
    return Inside(chosen, run.id, "", mistakes, first_kernels(found), seen)


def _best_arm(results: Readout) -> str | None:
    """Return the arm whose printed mean is the highest."""
    values = {arm.name: results.counted(arm.name) for arm in results.study.arms}
    means = {arm: np.nanmean(found) for arm, found in values.items() if np.isfinite(found).any()}
    return max(means, key=lambda name: means[name], default=None)


def _confusion(results: Readout, arm: str, test: Split) -> Confusion:
    predicted = np.array([results.store.predicted(run.id) for run in results.counting(arm)])
    return confusion(arm, predicted, test.labels, test.images, results.header.classes)
