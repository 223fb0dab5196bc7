"""What an arm costs against another, as a ratio: "1.5 times as long", seed by seed."""

from dataclasses import dataclass

from assay.records import RunRecord
from assay.results import Results
from assay.stats import CostRatio, Family, cost_ratio


@dataclass(frozen=True)
class Cost:
    """The cost of ``arm`` over that of ``reference``, on the seeds that both finished; None where unknown."""

    arm: str
    reference: str
    seconds: CostRatio | None
    memory: CostRatio | None


def costs_of(results: Results, family: Family | None) -> tuple[Cost, ...]:
    """Compare every arm's seconds per epoch and peak memory with the control's, or the best arm's."""
    reference = (family.control or family.best) if family else None
    if reference is None:
        return ()
    others = (arm.name for arm in results.study.arms if arm.name != reference)
    return tuple(_cost(results, arm, reference) for arm in others)


def _cost(results: Results, arm: str, reference: str) -> Cost:
    a, b = _done(results, arm), _done(results, reference)
    pairs = [(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())]
    seconds = [(x.seconds_per_epoch or 0.0, y.seconds_per_epoch or 0.0) for x, y in pairs]
    memory = [(float(x.peak_memory), float(y.peak_memory)) for x, y in pairs]
    return Cost(arm, reference, *(_ratio(pairs, results.confidence) for pairs in (seconds, memory)))


def _ratio(pairs: list[tuple[float, float]], confidence: float) -> CostRatio | None:
    known = [pair for pair in pairs if min(pair) > 0]
    if not known:
        return None
    return cost_ratio([a for a, _ in known], [b for _, b in known], confidence=confidence)


def _done(results: Results, arm: str) -> dict[int, RunRecord]:
    return {run.seed: run for run in results.finished(arm)}
