"""What is wrong with a results folder, and what can be salvaged from it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assay.errors import AssayError, StoreError, UsageError, one_line, reason
from assay.records.runs import RunRecord, Status
from assay.report.files import is_current
from assay.results import Results
from assay.running.inventory import harmless, strangers
from assay.store.lock import holder
from assay.store.lookup import DATABASE, none_at
from assay.store.notes import read_note, write_note
from assay.store.readout import CODE
from assay.store.salvage import altered_rows, salvage_store, sound
from assay.store.unchecked import FILE as UNCHECKED
from assay.store.weights import WEIGHTS, identity_of, load_weights, path_of
from assay.study import kept_code
from assay.training import agreement
from assay.training.checkpoints import AGAIN, PARTS, load_progress
from assay.training.train import best_epoch_of

REPORT = "report.html"


def examine(folder: Path) -> tuple[list[str], list[str]]:
    """Return sentences on what a results folder holds and on what is wrong with it; nothing is written.

    Raises `StoreError` if there is no store at all.
    """
    _expect_store(folder)
    if fault := sound(folder / DATABASE):
        return [], [f"{DATABASE}: SQLite finds: {fault} (`assay salvage` copies what can be read)"]
    try:
        results = Results.open(folder, watch=True)
    except AssayError as error:
        return [], [*altered_rows(folder / DATABASE), str(error)]
    with results:
        faults = altered_rows(folder / DATABASE)
        looks = (_sums, _faults, _unfinished)
        faults += [fault for run in results.runs for look in looks for fault in look(results, run)]
        faults += [
            *kept_code.faults(folder / CODE, results.study.code),
            *strangers(results),
            *_untold(results),
            *_report(results),
        ]
        at_work = holder(folder) if results.at_work else None
        done = f"{results.done} of {results.total} runs have come to their end"
        said = f"study {results.study.name}: {done}{f'; at work: {at_work}' if at_work else ''}"
        return [said, *harmless(results)], faults


def _expect_store(folder: Path) -> None:
    if not (folder / DATABASE).is_file():
        raise StoreError(none_at(folder))


def _faults(results: Results, run: RunRecord) -> Iterator[str]:
    """Compare a run's row with its answers and its weights."""
    if run.status is not Status.DONE or run.test is None or results.test_images is None:
        return
    try:
        right = int(np.count_nonzero(results.correct(run.id)))
        results.store.predicted(run.id)
        if right != run.test.correct:
            yield f"{run.id}: its row says {run.test.correct:,} right answers, its answers {right:,}"
        if not run.imported:
            yield from _unfit(results, run)
    except AssayError as error:
        yield str(error)


def _unfit(results: Results, run: RunRecord) -> Iterator[str]:
    """Say where a finished run's weights, which are its own, cannot be those of its network."""
    path, weights = path_of(results.folder, run.id), results.weights(run.id)
    count = sum(value.size for value in weights.values())
    if count < run.parameters or any(name.startswith(PARTS) for name in weights):
        yield f"{path}: holds other weights than those of a network of {run.parameters:,} parameters"
    for name, value in weights.items():
        if not np.isfinite(value).all():
            yield f"{path}: {name} has values that are not finite"


def _unfinished(results: Results, run: RunRecord) -> Iterator[str]:
    """Compare the checkpoint of a run that is to be continued with its rows, of which it is never behind."""
    if run.status.ended or run.imported:
        return
    path, epochs = path_of(results.folder, run.id, unfinished=True), results.epochs(run.id)
    if not path.exists():
        if epochs and not results.at_work:
            yield f"{path}: is missing, and the run starts again from its first epoch"
        return
    header, recipe = results.header, results.study.arm(run.arm).settings.recipe
    try:
        progress = load_progress(path, identity_of(run.id, header))
    except StoreError as error:
        yield str(error)
        return
    size = sum(value.size for value in progress.state.parameters.values())
    if size != run.parameters:
        yield f"{path}: holds {size:,} parameters, its network has {run.parameters:,} ({AGAIN})"
    examples = header.sizes["train"] if results.study.data.alike else None
    for fault in (
        *agreement.against_itself(progress, recipe, examples),
        *agreement.against_rows(progress, epochs, results.layers(run.id)),
    ):
        yield f"{path}: {fault} ({AGAIN})"


def _sums(results: Results, run: RunRecord) -> Iterator[str]:
    """Compare a run's row with its epochs, of which it is a summary."""
    epochs = results.epochs(run.id)
    if not epochs or len(epochs) != run.epochs:
        return  # a run under way: its row follows its epoch
    found = {"valid_final": epochs[-1].valid_accuracy}
    if run.best_epoch is not None:
        best = epochs[max(best_epoch_of(epochs), 1) - 1]
        found |= {"best_epoch": best.epoch, "valid_best": best.valid_accuracy}
    for column, value in found.items():
        said = getattr(run, column)
        if said != value:
            yield f"{run.id}: its row says {column} {said}, its epochs {value}"


def _untold(results: Results) -> list[str]:
    """Return the error if the record of what was trained unchecked cannot be read."""
    try:
        _ = results.unchecked
    except StoreError as error:
        return [str(error)]
    return []


def _report(results: Results) -> list[str]:
    if not (results.folder / REPORT).exists():
        return []
    current = is_current(results.folder / REPORT, results.digest)
    return [] if current else [f"{REPORT}: is older than the results (`assay report` draws it again)"]


def salvage(folder: Path, out: Path) -> list[str]:
    """Copy what can be read of ``folder`` into the new folder ``out``; return what was copied and what not.

    Raises `StoreError` if nothing can be read, and `UsageError` if ``out`` exists or cannot be created.
    """
    _expect_store(folder)
    try:
        out.mkdir(parents=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(out)!r}: cannot be made ({reason(error)}; name a new folder)") from None
    rows = salvage_store(folder / DATABASE, out / DATABASE)
    said = [
        f"{table}: {copied:,} rows{f', and {lost:,} or more lost' if lost else ''}"
        for table, (copied, lost) in rows.items()
    ]
    return [
        *said,
        *_notes(folder, out),
        *_weights(folder / WEIGHTS, out / WEIGHTS),
        *_code(folder / CODE, out / CODE),
    ]


def _notes(folder: Path, out: Path) -> Iterator[str]:
    """Copy what a report needs besides the store."""
    try:
        if (text := read_note(folder / UNCHECKED)) is not None:
            write_note(out / UNCHECKED, text)
    except StoreError as error:
        yield f"not copied: {error}"


def _code(source: Path, target: Path) -> Iterator[str]:
    """Copy the study's own Python files; their digests are in the study."""
    copied = 0
    for path in sorted(source.rglob("*.py")) if source.is_dir() else ():
        place = target / path.relative_to(source)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            copied += 1
        except OSError as error:
            yield one_line(f"not copied: {error}")
    if copied:
        yield f"code: {copied:,} files"


def _weights(source: Path, target: Path) -> Iterator[str]:
    """Copy the weights whose contents match their SHA-256."""
    copied = 0
    for path in sorted(source.glob("*.safetensors")) if source.is_dir() else ():
        try:
            load_weights(path)
            target.mkdir(exist_ok=True)
            shutil.copyfile(path, target / path.name)
            copied += 1
        except (AssayError, OSError) as error:
            yield one_line(f"not copied: {error}")
    yield f"weights: {copied:,} files"
