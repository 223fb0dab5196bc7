"""Studies that stop at the first declared look at which every comparison has a verdict."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic

from assay.data import AtHand
from assay.errors import UsageError
from assay.findings.comparisons import family_of, resolved
from assay.results import Results
from assay.running.events import EpochEnded, Event, Looked, OnEvent, RunEnded, Started, StepsTaken, ignore
from assay.running.executor import Executor
from assay.running.progress.show import shown
from assay.running.results_folder import default_folder
from assay.running.run import Asked, LoadedOnce, run_as_asked
from assay.stats.ttest import FEWEST
from assay.study.study import Study


def with_looks(study: Study) -> Study:
    """Return the study with looks: its own, or else at one, two and four times its number of seeds."""
    count = len(study.seeds)
    if count < FEWEST and not study.looks:
        raise UsageError(
            f"{study.name}: the first look is at the study's number of seeds, at least {FEWEST}; got {count}"
        )
    return study if study.looks else replace(study.with_seeds(4 * count), looks=(count, 2 * count, 4 * count))


def run_until_resolved(
    study: Study,
    out: Path | str | None = None,
    *,
    workers: int | None = None,
    budget: float | None = None,
    progress: bool = True,
    retry_failed: bool = False,
    executor: Executor | None = None,
    on_event: OnEvent = ignore,
) -> Results:
    """Run ``study`` look by look until every comparison has a verdict other than inconclusive.

    A study that declares no looks is given those of ``with_looks`` before it starts. It ends at the last
    look at the latest, earlier if a run fails, and within seconds once ``budget``, in seconds, is used up.
    The same call continues it, and if it was resolved only returns the results. ``retry_failed`` retrains
    runs that failed before. Raises `UsageError` for a study of one arm and for an invalid budget, and what
    `run` raises; ``executor``, ``progress`` and ``on_event`` are as for `run`.
    """
    study = with_looks(study)
    if len(study.arms) < 2:
        raise UsageError(f"{study.name}: has one arm, so there is nothing to resolve")
    folder = out if out is not None else default_folder(study)
    at_hand: AtHand | None = None
    images = LoadedOnce()
    with shown(progress, on_event) as both, suppress(_BudgetUsedUp):
        watch = _Watch(budget, both)
        for seeds in study.looks:
            watch.trained = False
            asked = Asked(executor, workers, seeds, (), retry_failed)
            found = run_as_asked(study, folder, asked, images, progress=False, on_event=watch)
            at_hand = found.at_hand or at_hand
            with found as results:
                if results.seeds_ended < seeds or _looked(results, watch):
                    break
    return replace(Results.open(folder, watch=True), at_hand=at_hand)


def _looked(results: Results, watch: "_Watch") -> bool:
    """Report a look that is new, and return whether it resolves the study."""
    look, family = results.at_look().look, family_of(results)
    if watch.trained and look and family:
        watch.on_event(Looked(look, family))
    return resolved(results)


class _BudgetUsedUp(Exception):
    """There is no time left."""


class _Watch:
    """Passes events on until the budget is used up; what was stored by then is complete."""

    def __init__(self, budget: float | None, on_event: OnEvent) -> None:
        if budget is not None and not budget > 0:
            raise UsageError(f"budget must be > 0 seconds; got {budget}")
        self.end = None if budget is None else monotonic() + budget
        self.on_event = on_event
        self.trained = False

    def __call__(self, event: Event) -> None:
        self.trained = self.trained or isinstance(event, Started)
        self.on_event(event)
        stored = isinstance(event, StepsTaken | EpochEnded | RunEnded)
        if stored and self.end is not None and monotonic() >= self.end:
            raise _BudgetUsedUp
