"""The published reports that assay's built-in studies repeat, each as a list of them."""

from dataclasses import dataclass
from pathlib import Path

from assay import runner
from assay.errors import UsageError, suggestion
from assay.events import OnEvent, ignore
from assay.results import DATABASE, Results
from assay.study import Study


@dataclass(frozen=True)
class Paper:
    """A report: its name, its title, and the studies of its tables and figures in its own order."""

    name: str
    title: str
    studies: tuple[str, ...]
    plots_loss: bool = False
    """Whether its figures plot the loss beside the accuracy."""


PAPERS: dict[str, Paper] = {
    paper.name: paper
    for paper in (
        Paper(
            "2017",
            "Learning rules, BatchNorm, and ConvNets",
            (
                "dense-depth", "learning-rate", "l2", "dropout", "optimizers", "batch-norm", "cnn-depth",
                "cnn-batch-norm", "dense-or-cnn",
            ),
        ),
        Paper(
            "2018",
            "Exploring Convolutional Networks",
            ("pooling", "depth", "overlapping", "stride", "stride-kernel"),
            plots_loss=True,
        ),
    )
}  # fmt: skip
"""The two reports that assay grew out of."""


def paper(name: str) -> Paper:
    """Return a report by its name; `UsageError` if there is none."""
    if name not in PAPERS:
        raise UsageError(f"report {name!r} is unknown ({suggestion(name, PAPERS)})")
    return PAPERS[name]


def repeat(study: Study, folder: Path, *, workers: int | None = None, on_event: OnEvent = ignore) -> Results:
    """Run a study in a folder of its own below ``folder``, or go on with it, and return its results.

    A run that another study below ``folder`` shares is trained once: the later
    one takes it over.
    """
    own = folder / study.name
    others = [path.parent for path in sorted(folder.glob(f"*/{DATABASE}")) if path.parent != own]
    return runner.run(study, own, workers=workers, on_event=on_event, reuse=others)
