"""How far a study is, in numbers and a few words: for the overview and for the head of its page."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Any

from starlette.exceptions import HTTPException

from assay.findings.findings import answer_alone
from assay.records.machine import load
from assay.records.runs import RunId, RunRecord, Status
from assay.store.readout import Readout
from assay.view.followed import Followed
from assay.view.shelf import Shelf

UNREAD = "being read"


@dataclass(frozen=True)
class Glance:
    """A study in the overview; ``trouble`` says why nothing is known of it.

    While it is `UNREAD`, its name stands in the place of its question.
    """

    key: str
    name: str
    folder: str
    question: str = ""
    state: str = ""
    kind: str = "quiet"
    """How the state is coloured: quiet, warn or going."""
    done: int = 0
    total: int = 0
    arms: int = 0
    left: float | None = None
    answer: str = ""
    trouble: str = ""


def overview(shelf: Shelf) -> list[Glance]:
    """Return every study on the shelf; of those that are still being read, the names."""
    at_hand, places = shelf.at_hand(), shelf.ids()
    return [_summary(shelf, key, str(place), at_hand.get(key, False)) for key, place in places.items()]


def _summary(shelf: Shelf, key: str, folder: str, at_hand: bool) -> Glance:
    name = folder.rstrip("/").rpartition("/")[2]
    if not at_hand:
        return Glance(key, name, folder, name, UNREAD)
    try:
        found = shelf.study(key)
    except HTTPException as error:
        return Glance(key, name, folder, trouble=error.detail)
    return summary(found)


def summary(found: Followed) -> Glance:
    """Sum up a study as it was at the last look."""
    results = found.readout
    state, kind = state_of(results)
    return Glance(
        found.key,
        found.folder.name,
        str(found.folder),
        results.study.question,
        state,
        kind,
        results.done,
        results.total,
        len(results.study.arms),
        seconds_left(results, found.speed),
        answer_of(found),
    )


def state_of(results: Readout) -> tuple[str, str]:
    """Return how far a study is in words, and how that is coloured."""
    if results.complete:
        return "complete", "quiet"
    counts = Counter(run.status for run in results.runs)
    how_far = f"{results.done}/{results.total}"
    if counts[Status.RUNNING]:
        return f"running {how_far}", "going"
    if results.stopped:
        return f"stopped at {how_far}", "warn"
    return f"interim {how_far}", "warn" if counts[Status.FAILED] else "quiet"


def answer_of(found: Followed) -> str:
    """Return a study's answer, once it may have one: when all runs have ended, or those of a look."""
    if found.answer is None or found.answer[0] != found.version:
        results = found.readout
        results = results.at_look()
        found.answer = found.version, answer_alone(results) if results.complete else ""
    return found.answer[1]


def seconds_left(results: Readout, speed: float | None) -> float | None:
    """Return about how long the runs that are left will take; None where nothing trains, or nothing is known.

    Each takes as long an epoch as its arm's runs have taken so far, or the others'. ``speed`` is how many
    seconds of that pass in one (`Followed.speed`); None stands for as many as runs are trained now.
    """
    at_once = sum(run.status is Status.RUNNING for run in results.runs)
    if not at_once:
        return None
    paces = {arm.name: _pace(results, arm.name) for arm in results.study.arms}
    known = [pace for pace in paces.values() if pace is not None]
    if not known:
        return None
    rows = every_run(results)
    left = 0.0
    for arm in results.study.arms:
        pace = paces[arm.name]
        epochs = arm.settings.recipe.epochs
        open_runs = [run for run in rows[arm.name] if not (run.status.ended or run.status is Status.FAILED)]
        left += (fmean(known) if pace is None else pace) * sum(epochs - run.epochs for run in open_runs)
    return left / (speed or at_once)


def _pace(results: Readout, arm: str) -> float | None:
    """Return an arm's seconds per epoch."""
    found = [run.pace for run in results.of(arm) if run.pace is not None]
    return fmean(found) if found else None


def every_run(results: Readout) -> dict[str, list[RunRecord]]:
    """Return the runs of each arm by seed, those that have not begun among them."""
    known = {run.id: run for run in results.runs}
    return {
        arm.name: [
            known.get(RunId(arm.name, seed)) or _pending(arm.name, seed) for seed in results.study.seeds
        ]
        for arm in results.study.arms
    }


def _pending(arm: str, seed: int) -> RunRecord:
    return RunRecord(arm, seed, Status.PENDING, "", 0, 0, 0, "")


def as_data(found: Followed, arms: Container[str]) -> dict[str, Any]:
    """Return what a study's page shows beside the curves, as plain data; the runs of ``arms`` alone."""
    rows = [
        [index, run.seed, run.outcome, run.epochs, *map(_number, _cells(run)), run.message or ""]
        for index, (arm, runs) in enumerate(every_run(found.readout).items())
        if arm in arms
        for run in runs
    ]
    said = summary(found)
    return {
        "state": said.state,
        "kind": said.kind,
        "done": said.done,
        "total": said.total,
        "left": said.left,
        "answer": said.answer,
        "runs": rows,
        "machine": load(),
        "machines": _machines(found.readout),
    }


def _machines(results: Readout) -> list[list[Any]]:
    """Return the machines of a cluster that train a study: name, processor, slots and runs (arm, seed)."""
    if not any(run.status is Status.RUNNING for run in results.runs):
        return []
    order = {arm.name: index for index, arm in enumerate(results.study.arms)}
    return [
        [of.host, of.processor, of.slots, [[order[run.arm], run.seed] for run in of.runs if run.arm in order]]
        for of in results.machines
    ]


def _cells(run: RunRecord) -> tuple[float | None, ...]:
    return run.valid_best, run.test_accuracy, run.seconds_per_epoch, run.peak_memory or None


def _number(value: float | None) -> float | None:
    return float(f"{value:.6g}") if value is not None and isfinite(value) else None
