"""Continuing the study of a folder: whether it is the same one, where its data lies, what is left to do."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from assay.data import Dataset, load
from assay.data.address import absolute
from assay.errors import StoreError
from assay.findings.comparisons import over
from assay.findings.numbers import seeds
from assay.records.runs import RunRecord, Status
from assay.results import Results
from assay.store.moved import keep
from assay.store.readout import CODE
from assay.study import kept_code, tables
from assay.study.seeds import first_seeds, looks_up_to
from assay.study.study import Study


def check_same_study(results: Results, study: Study, data: Dataset | None) -> Dataset | None:
    """Return ``data``, loaded if it is None and now lies elsewhere.

    Raises `StoreError`, and closes the results, if they are of other settings.
    """
    folder, header, stored = results.folder, results.header, results.study
    if study.digest in (header.digest, stored.digest):
        return data
    ended = over(results)
    old, new = tables.flat(header.study), tables.flat(study.to_tables())
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    if "data.source" in changed:
        changed.remove("data.source")
        if not _is_there(results, study.data.source):
            changed.append("data.source")  # the last to be named: by itself it is no other study
        elif not changed:
            return data
    with ExitStack() as refused:
        refused.callback(results.close)
        if changed == ["data.source"]:
            data = data or load(study.data)
            if data.digest == header.data_digest:
                refused.pop_all()
                return data
    own = [key.removeprefix("code.") for key in changed if key.startswith("code.")]
    if changed and len(own) == len(changed):
        file = own[0]
        what = kept_code.changed(folder / CODE, file, study.code.get(file, ""))
        raise StoreError(
            f"{folder}: was begun with other code in {file}: {what} (undo the change, or use another --out)"
        )
    as_many = looks_up_to(study.looks, len(stored.seeds))
    if "seeds" in changed and {*changed} <= {"seeds", "looks"} and as_many == stored.looks:
        raise StoreError(f"{folder}: {_other_seeds(folder, stored.seeds, study.seeds, ended)}")
    key = changed[0] if changed else "its format"
    raise StoreError(
        f"{folder}: holds this study with other settings, {key}: {_shown(old, key)} there, "
        f"{_shown(new, key)} now (use another --out, or `assay fork {folder} STUDY`)"
    )


def _other_seeds(folder: Path, there: Sequence[int], now: Sequence[int], ended: bool) -> str:
    """Say that a folder holds the study with other seeds than are asked for, and what to do."""
    holds, fork = f"holds this study with {seeds(len(there))}", f"`assay fork {folder} STUDY`"
    if {*now} < {*there}:
        return (
            f"{holds}, more than the {len(now):,} asked for (ask for all {len(there):,}; {fork} with those "
            "asked for copies their runs into a folder of their own)"
        )
    if first_seeds(there, len(now)) == (*now,):
        more = f"add seeds with `assay extend {folder} --seeds {len(now)}`"
        when = "" if ended else " once its runs have ended"
        return f"{holds}, fewer than the {len(now):,} asked for (use another --out, or {more}{when})"
    others = "the same ones in another order" if {*now} == {*there} else "others"
    return f"{holds}, and {others} are asked for (use another --out, or {fork})"


def _shown(settings: Mapping[str, object], key: str) -> str:
    value = settings.get(key)
    return "not set" if value is None else repr(value)


def remember(results: Results, source: str) -> Results:
    """Record where the data lies now, if the study in the folder says otherwise; return the results anew."""
    if _is_there(results, source):
        return results
    folder = results.folder
    results.close()
    keep(folder, absolute(source))
    return Results.open(folder, watch=True)


def _is_there(results: Results, source: str) -> bool:
    """Whether ``source``, from the current folder, is where the study's data was last found."""
    return absolute(source) == results.data.source


def nothing_left(results: Results, first: int | None, retry_failed: bool) -> bool:
    """Whether every run has ended, or failed and is not retried, or a look has resolved the study."""
    if over(results) if first is None else results.seeds_ended >= first:
        return True
    closed = {run.id for run in results.runs if is_closed(run, retry_failed)}
    return closed >= {*results.planned(first)}


def is_closed(run: RunRecord, retry_failed: bool) -> bool:
    """Whether a run is not trained further: it has ended, or failed and is not retried."""
    return run.status.ended or (run.status is Status.FAILED and not retry_failed)
