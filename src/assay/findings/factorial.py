"""What each factor of a study does by itself, and what pairs of them do together."""

from collections.abc import Mapping

from assay.errors import UsageError
from assay.stats import Factorial, factorial_effects
from assay.store.readout import Readout
from assay.study.study import Study


def factorial_of(results: Readout) -> Factorial | None:
    """Estimate main effects and two-way interactions, on test accuracy, as shares.

    The control's levels are the references, or else the first ones. None for
    a study with fewer than two factors to compare, before it is complete, and
    where not all arms have finished on at least 3 seeds.
    """
    factors = _factors(results.study)
    if len(factors) < 2 or not results.complete:
        return None
    cells = {
        tuple(arm.levels[name] for name in factors): results.counted(arm.name) for arm in results.study.arms
    }
    try:
        return factorial_effects(cells, factors, confidence=results.confidence)
    except UsageError:
        return None


def has_factors(study: Study) -> bool:
    """Whether a study has two or more factors, each with two or more levels."""
    return len(_factors(study)) > 1


def _factors(study: Study) -> Mapping[str, tuple[str, ...]]:
    """Return the factors that vary with their levels, that of the control first."""
    first = study.arm(study.control).levels if study.control else study.arms[0].levels
    return {
        name: (first[name], *(level for level in levels if level != first[name]))
        for name, levels in study.factors.items()
        if len(levels) > 1
    }
