"""Whether runs are those of the source whose numbers and claims stand beside them."""

from assay.metrics import Metric
from assay.settings import Settings
from assay.studies import builtin, load_study
from assay.study import Study


def unlike_source(study: Study) -> str:
    """Return how the runs differ from the source's: "1 epoch instead of 100".

    Nothing where networks, learning rule and training are those of the built-in
    study of this name and source, and where there is none: what the source of one's
    own study did is for its author to know. Precision and engine are not the source's.
    """
    name = study.name.removesuffix("-quick")
    if name not in builtin() or load_study(name).source != study.source:
        return ""
    theirs = {arm.name: arm.settings for arm in load_study(name).arms}
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
    """Return why the number printed for an arm may be an error; costs are never the doubtful ones."""
    row = study.published.get(arm, {})
    return "" if metric.ratio else str(row.get("doubt", ""))


def _but_epochs(settings: Settings) -> tuple[object, ...]:
    """Return what makes an arm what it is, but for how long it was trained."""
    recipe = settings.recipe
    rest = (recipe.optimizer, recipe.batch_size, recipe.schedule, recipe.penalties, recipe.augment)
    return settings.architecture, rest
