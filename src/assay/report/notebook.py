"""How results are displayed in a notebook."""

from pathlib import Path
from time import sleep
from typing import Any

from assay.findings.cells import findings_html, table_html
from assay.findings.comparisons import over
from assay.findings.findings import build
from assay.records.runs import Status
from assay.report import export, figures
from assay.report.palette import COLOURS
from assay.report.sketch import sketch, validation
from assay.store.lock import is_held
from assay.store.lookup import DATABASE
from assay.store.mirror import Mirror
from assay.store.readout import Readout


def results_html(results: Readout) -> str:
    """Return the findings with the effect plot below (before the last run: validation accuracy)."""
    found = build(results)
    drawing = figures.effect_plot(found) or figures.curve_plot(found, "valid_accuracy")
    return findings_html(found, COLOURS) + (drawing.svg if drawing else "")


def live_html(results: Readout) -> str:
    """Return how far a study is: a row an arm, and the curves so far."""
    rows = [
        (row["arm"], *(str(row[status.value]) for status in Status)) for row in export.status_rows(results)
    ]
    return table_html(("arm", *(status.value for status in Status)), rows) + sketch(validation(results))


def follow(folder: Path, every: float) -> None:
    """Show a study in the cell and keep it up to date until nothing trains it any more.

    The cell holds plain HTML, which is replaced every ``every`` seconds if anything has changed.
    """
    from IPython.display import HTML, display

    mirror, handle = Mirror(folder / DATABASE), None
    while True:
        at_work = is_held(folder)
        changed = mirror.refresh()
        results = Readout(folder, mirror, at_work)
        ended = over(results) or not at_work
        if changed or ended:
            handle = _shown(handle, HTML(results_html(results) if ended else live_html(results)), display)
        if ended:
            return
        sleep(every)


def _shown(handle: Any, picture: Any, display: Any) -> Any:
    if handle is None:
        return display(picture, display_id=True)
    handle.update(picture)
    return handle
