"""Results for other programs: CSV and JSON, one row per run; a report as JSON."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.findings.stopping import stopped_early
from assay.records.runs import Status
from assay.store.readout import Readout, names_of_hosts

if TYPE_CHECKING:
    from assay.findings.findings import Findings

STATUS_COLUMNS = (
    "arm", *(status.value for status in Status), "stuck", "epochs", "epochs_planned", "valid_best",
    "stopped_early", "hosts",
)  # fmt: skip
"""The columns of `status_rows`; of the runs that are done, ``stuck`` ones learnt nothing."""


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV under the names of their columns, empty where a value is None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def json_text(value: Any) -> str:
    """Return a value as JSON, dataclasses as objects, null for what is not finite."""
    return json.dumps(_plain(value), indent=2, allow_nan=False) + "\n"


def status_rows(results: Readout) -> list[dict[str, Any]]:
    """Return one row per arm, as `STATUS_COLUMNS` names them: how many of its runs have each status."""
    rows = []
    for arm in results.study.arms:
        runs = results.of(arm.name)
        counts = Counter(run.status for run in runs)
        counts[Status.PENDING] += len(results.study.seeds) - len(runs)
        best = max((run.valid_best for run in runs if run.valid_best is not None), default=None)
        recipe = arm.settings.recipe
        early = sum(run.status is Status.DONE and stopped_early(run, recipe) for run in runs)
        epochs_each = 0 if results.study.imported else recipe.epochs
        planned = len(results.study.seeds) * epochs_each
        stuck = sum(run.stuck for run in runs)
        epochs = sum(run.epochs for run in runs)
        by_status = {status.value: counts[status] for status in Status}
        last = {
            "stuck": stuck,
            "epochs": epochs,
            "epochs_planned": planned,
            "valid_best": best,
            "stopped_early": early,
            "hosts": ", ".join(names_of_hosts(runs)) or None,
        }
        rows.append({"arm": arm.name, **by_status, **last})
    return rows


def report_json(report: "Findings") -> str:
    """Return everything a report says as one object, null for what is not finite; pictures are left out."""
    return json.dumps(_plain(report), indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist()) if value.ndim < 3 and value.dtype != np.uint8 else None
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _finite(value)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
