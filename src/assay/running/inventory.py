"""The files of a study's runs beside its store: those of no run, those left over, those that are gone."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from assay.findings.numbers import plural
from assay.records.runs import RunId, Status
from assay.results import Results
from assay.running.tracebacks import FAILURES, traceback_path
from assay.store.weights import WEIGHTS, cut_off, path_of


def strangers(results: Results) -> list[str]:
    """Return the weight files that belong to no run."""
    known = {path.name for path in _paths(results.folder, (run.id for run in results.runs))}
    known |= {path.name for path in _cut_off(results)}
    return [f"weights/{name}: belongs to no run" for name in _in_weights(results.folder) if name not in known]


def harmless(results: Results) -> list[str]:
    """Say of what `left_over` returns that it does no harm; one who is at work is about to remove it."""
    found = [] if results.at_work else left_over(results)
    left = "left by a process that was stopped; harmless, and `assay run` removes it"
    return [f"{path.parent.name}/{path.name}: {left}" for path in found]


def remove_left_over(results: Results) -> None:
    """Remove what `left_over` returns, as far as it can be; for who holds the folder."""
    for path in left_over(results):
        with suppress(OSError):
            path.unlink()


def left_over(results: Results) -> list[Path]:
    """Return what stopped or killed processes have left of the study's runs, and nothing will ever read.

    These are weights that were being written, and, where a run has ended, its last checkpoint and the
    traceback of an earlier attempt.
    """
    folder = results.folder
    patterns = f"{WEIGHTS}/*.tmp", f"{WEIGHTS}/*.part.safetensors", f"{FAILURES}/*.txt"
    there = sorted(path for pattern in patterns for path in folder.glob(pattern))
    if not there:  # as a rule; a large study has many names
        return []
    ended = [run.id for run in results.runs if run.status.ended]
    useless = {*_cut_off(results)}
    useless |= {path_of(folder, run, unfinished=True) for run in ended}
    useless |= {traceback_path(folder, run) for run in ended}
    return [path for path in there if path in useless]


def _cut_off(results: Results) -> list[Path]:
    return [cut_off(path) for path in _paths(results.folder, results.planned())]


def _paths(folder: Path, runs: Iterable[RunId]) -> list[Path]:
    """Return where the weights of ``runs`` lie, unfinished or not."""
    return [path_of(folder, run, unfinished=part) for run in runs for part in (True, False)]


def _in_weights(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in (folder / WEIGHTS).iterdir())
    except OSError:
        return []


def without_weights(results: Results) -> str | None:
    """Say how many finished runs have lost their weights, and what needs them; None if none has."""
    there = {*_in_weights(results.folder)}
    done = [run for run in results.runs if run.status is Status.DONE and not run.imported]
    lost = sum(path_of(results.folder, run.id).name not in there for run in done)
    if not lost:
        return None
    return (
        f"the weights of {lost:,} of {plural(len(done), 'finished run')} are missing: the results stand, but "
        "`assay predict`, `assay export` and the report's pictures need the weights "
        "(`assay run STUDY --out ANOTHER` trains them again)"
    )
