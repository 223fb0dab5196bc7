"""How results show themselves in a notebook."""

from assay.findings.findings import build
from assay.report import figures
from assay.report.html import environment
from assay.results import Results


def results_html(results: Results) -> str:
    """Return the answer, one row an arm and the effect plot (before the last run: validation accuracy)."""
    report = build(results)
    drawing = figures.effect_plot(report) or figures.curve_plot(report, "valid_accuracy")
    return environment().get_template("notebook.html.j2").render(report=report, drawing=drawing)
