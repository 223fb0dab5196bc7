"""How results are displayed in a notebook."""

from assay.findings.cells import findings_html
from assay.findings.findings import build
from assay.report import figures
from assay.report.canvas import COLOURS
from assay.store.readout import Readout


def results_html(results: Readout) -> str:
    """Return the findings with the effect plot below (before the last run: validation accuracy)."""
    found = build(results)
    drawing = figures.effect_plot(found) or figures.curve_plot(found, "valid_accuracy")
    return findings_html(found, COLOURS) + (drawing.svg if drawing else "")
