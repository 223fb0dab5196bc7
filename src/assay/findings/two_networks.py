"""Two networks on one test set: all that a study of a single seed can compare."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.findings.effects import Effect
from assay.records.runs import RunId
from assay.stats import McNemar, mcnemar_test
from assay.store.readout import Readout


@dataclass(frozen=True)
class TwoNetworks:
    """McNemar's test of the networks of ``a`` and ``b``, which says nothing about two ways to build them."""

    a: str
    b: str
    test: McNemar


def two_networks(results: Readout, effects: Sequence[Effect]) -> tuple[TwoNetworks, ...]:
    """Compare the networks of a study with one seed, those that finished, as its effects pair the arms.

    None where single answers are not known.
    """
    if len(results.study.seeds) > 1 or results.test_images is None:
        return ()
    pairs = (effect.pair for effect in effects if effect.pair.comparison.n)
    return tuple(TwoNetworks(pair.a, pair.b, _test(results, pair.a, pair.b)) for pair in pairs)


def _test(results: Readout, a: str, b: str) -> McNemar:
    (seed,) = results.study.seeds
    first, second = (results.correct(RunId(arm, seed)) for arm in (a, b))
    only_a, only_b = (int(np.count_nonzero(x & ~y)) for x, y in ((first, second), (second, first)))
    return mcnemar_test(only_a, only_b, len(first))
