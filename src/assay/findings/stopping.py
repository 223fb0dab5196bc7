"""Early stopping: how many epochs the runs of each arm took before their patience was over."""

from dataclasses import dataclass
from statistics import fmean

from assay.optim.recipe import Recipe
from assay.records.runs import RunRecord
from assay.stats import CostRatio, Family, cost_ratio
from assay.store.readout import Readout
from assay.study.design import Arm


@dataclass(frozen=True)
class Stopping:
    """The epochs that an arm's finished runs were trained for, where some arm of the study stops early.

    ``patience`` is None for an arm without early stopping; ``planned`` is the most epochs that a run may
    take, ``epochs`` their mean over ``finished`` runs, of which ``stopped`` took fewer than planned.
    ``ratio`` compares them, seed by seed, with those of the control or the best arm; None for that arm
    itself, and until there may be a verdict.
    """

    arm: str
    patience: int | None
    planned: int
    finished: int
    stopped: int
    epochs: float | None
    ratio: CostRatio | None


def stopping_of(results: Readout, family: Family | None) -> tuple[Stopping, ...]:
    """Return a row per arm; none where no arm of the study stops early."""
    arms = results.study.arms
    if all(arm.settings.recipe.patience is None for arm in arms):
        return ()
    reference = (family.control or family.best) if family else None
    return tuple(_stopping(results, arm, reference) for arm in arms)


def stopped_early(run: RunRecord, recipe: Recipe) -> bool:
    """Whether a finished run took fewer epochs than its recipe allows."""
    return recipe.stops_early and run.epochs < recipe.epochs


def _stopping(results: Readout, arm: Arm, reference: str | None) -> Stopping:
    recipe, runs = arm.settings.recipe, results.finished(arm.name)
    ratio = None if reference in (None, arm.name) else _ratio(runs, results, str(reference))
    return Stopping(
        arm.name,
        recipe.patience,
        recipe.epochs,
        len(runs),
        sum(stopped_early(run, recipe) for run in runs),
        fmean(run.epochs for run in runs) if runs else None,
        ratio,
    )


def _ratio(runs: list[RunRecord], results: Readout, reference: str) -> CostRatio | None:
    others = {run.seed: run.epochs for run in results.finished(reference)}
    pairs = [(run.epochs, others[run.seed]) for run in runs if run.seed in others]
    if not pairs:
        return None
    return cost_ratio([a for a, _ in pairs], [b for _, b in pairs], confidence=results.confidence)
