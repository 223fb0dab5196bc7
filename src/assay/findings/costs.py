"""What an arm costs against another, as a ratio: "1.5 times as long", seed by seed."""

from dataclasses import dataclass, replace

from assay.records.runs import RunRecord
from assay.stats import CostRatio, Family, cost_ratio
from assay.store.readout import Readout


@dataclass(frozen=True)
class Cost:
    """The cost of ``arm`` over that of ``reference``, on the seeds that both finished; None where unknown.

    ``memory`` that was computed is exact: it has neither interval nor p.
    """

    arm: str
    reference: str
    seconds: CostRatio | None
    memory: CostRatio | None

    @property
    def memory_has_interval(self) -> bool:
        """Whether memory was measured, often enough."""
        return self.memory is not None and self.memory.interval is not None


def costs_of(results: Readout, family: Family | None) -> tuple[Cost, ...]:
    """Compare every arm's seconds per epoch and peak memory with the control's, or the best arm's."""
    reference = (family.control or family.best) if family else None
    if reference is None or results.study.imported:
        return ()
    others = (arm.name for arm in results.study.arms if arm.name != reference)
    return tuple(_cost(results, arm, reference) for arm in others)


def _cost(results: Readout, arm: str, reference: str) -> Cost:
    a, b = _done(results, arm), _done(results, reference)
    pairs = [(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())]
    seconds = [(x.seconds_per_epoch or 0.0, y.seconds_per_epoch or 0.0) for x, y in pairs]
    memory = [(float(x.peak_memory), float(y.peak_memory)) for x, y in pairs]
    ratio = _ratio(memory, results.confidence)
    if ratio and is_computed(results, arm, reference):
        ratio = replace(ratio, interval=None, p=None)
    return Cost(arm, reference, _ratio(seconds, results.confidence), ratio)


def is_computed(results: Readout, *arms: str) -> bool:
    """Whether the memory of finished runs was computed, not measured, and so involves no randomness."""
    return any(run.memory_source != "measured" for arm in arms for run in results.finished(arm))


def _ratio(pairs: list[tuple[float, float]], confidence: float) -> CostRatio | None:
    known = [pair for pair in pairs if min(pair) > 0]
    if not known:
        return None
    return cost_ratio([a for a, _ in known], [b for _, b in known], confidence=confidence)


def _done(results: Readout, arm: str) -> dict[int, RunRecord]:
    return {run.seed: run for run in results.finished(arm)}
