"""Whether runs repeat those of the source whose numbers and claims are reported beside them."""

from dataclasses import replace
from functools import cache

from assay.optim.recipe import Recipe
from assay.records.metrics import Metric
from assay.study.architecture import Architecture
from assay.study.builtin import builtin, load_study
from assay.study.settings import Settings
from assay.study.study import Study


def unlike_source(study: Study) -> str:
    """Return how the runs differ from the source's, such as "1 epoch instead of 100".

    Empty if networks, learning rule and training are those of the built-in study
    of this name and source, and if there is no such study: only its author knows what
    the source of a user's study did. Precision and engine are not the source's.
    """
    original = _builtin(study.name.removesuffix("-quick"))
    if original is None or original.source != study.source:
        return ""
    theirs = {arm.name: arm.settings for arm in original.arms}
    pairs = [(arm.settings, theirs.get(arm.name)) for arm in study.arms]
    if any(other is None or _but_epochs(ours) != _but_epochs(other) for ours, other in pairs):
        return "other networks or training than the source's"
    lengths = {(ours.recipe.epochs, other.recipe.epochs) for ours, other in pairs if other}
    if all(ours == other for ours, other in lengths):
        return ""
    if len(lengths) > 1:
        return "other numbers of epochs than the source's"
    ((ours, other),) = lengths
    return f"{ours} epoch{'' if ours == 1 else 's'} instead of {other}"


def doubt(study: Study, arm: str, metric: Metric) -> str:
    """Return why the number printed for an arm may be an error; costs are never in doubt."""
    row = study.published.get(arm, {})
    return "" if metric.ratio else str(row.get("doubt", ""))


@cache
def _builtin(name: str) -> Study | None:
    """Return a built-in study unmodified; it is read once, however often a report asks."""
    return load_study(name) if name in builtin() else None


def _but_epochs(settings: Settings) -> tuple[Architecture, Recipe]:
    """Return what defines an arm, apart from its training length and precision."""
    return settings.architecture, replace(settings.recipe, epochs=1, dtype="float32")
