"""The declared comparisons as a report shows them."""

from dataclasses import dataclass

import numpy as np

from assay.findings.numbers import points, points_interval
from assay.records.runs import RunId
from assay.stats import Crossed, Family, Pair, Verdict, compare_crossed
from assay.stats.ttest import FEWEST, Interval
from assay.store.readout import Readout


@dataclass(frozen=True)
class Effect:
    """One comparison over seeds, and over seeds and test images.

    The latter is None below three seeds, where neither arm ever learnt, and without single answers.
    """

    pair: Pair
    crossed: Crossed | None

    @property
    def verdict(self) -> Verdict:
        """What the difference is: better, worse, equivalent, negligible or inconclusive."""
        return self.pair.judgement.verdict

    @property
    def mean(self) -> float:
        """The mean difference of test accuracies, the first arm's less the second's, a share."""
        return self.pair.comparison.mean

    @property
    def interval(self) -> Interval | None:
        """The interval of the mean difference, simultaneous over the family."""
        return self.pair.interval

    @property
    def deciding(self) -> Interval | None:
        """The interval that the verdict rests on: of equivalent arms that of equivalence."""
        return self.pair.deciding

    @property
    def deciding_p(self) -> float | None:
        """The adjusted p that goes with `deciding`."""
        return self.pair.deciding_p

    @property
    def equivalent(self) -> bool:
        """Whether the arms are equivalent."""
        return self.pair.equivalent

    @property
    def name(self) -> str:
        """Which arm is subtracted from which."""
        return f"{self.pair.a} less {self.pair.b}"

    def __repr__(self) -> str:
        """Say in a line what the comparison shows."""
        return f"<{self.name}: {self.verdict}, {points(self.mean)} points ({points_interval(self.interval)})>"


def effects_of(results: Readout, family: Family | None) -> tuple[Effect, ...]:
    """Return the family's comparisons with the second analysis of each."""
    return tuple(Effect(pair, _crossed(results, pair)) for pair in family.pairs) if family else ()


def _crossed(results: Readout, pair: Pair) -> Crossed | None:
    first, second = ({run.seed for run in results.counting(arm)} for arm in (pair.a, pair.b))
    seeds = sorted(first & second)
    if len(seeds) < FEWEST or pair.guesses or results.test_images is None:
        return None
    a, b = (np.array([results.correct(RunId(arm, seed)) for seed in seeds]) for arm in (pair.a, pair.b))
    return compare_crossed(a, b, confidence=results.confidence) if a.shape[1] > 1 else None
