"""The files in a results folder's ``weights``: those of no run, those cut off, those that are gone."""

from collections.abc import Iterable
from pathlib import Path

from assay.findings.numbers import plural
from assay.records.runs import RunId, Status
from assay.results import Results
from assay.store.lookup import WEIGHTS
from assay.store.weights import cut_off, path_of


def strangers(results: Results) -> list[str]:
    """Return the weight files that belong to no run."""
    known = {path.name for path in _paths(results.folder, (run.id for run in results.runs))}
    known |= _names_cut_off(results)
    return [f"weights/{name}: belongs to no run" for name in _in_weights(results.folder) if name not in known]


def left_cut_off(results: Results) -> list[str]:
    """Say of files that processes died over that they do no harm; one that is at work is writing its own."""
    if results.at_work:
        return []
    known = _names_cut_off(results)
    return [
        f"weights/{name}: was being written when its process ended; harmless, and `assay run` removes it"
        for name in _in_weights(results.folder)
        if name in known
    ]


def _names_cut_off(results: Results) -> set[str]:
    return {cut_off(path).name for path in _paths(results.folder, results.planned())}


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
