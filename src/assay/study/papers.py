"""The published reports that assay's built-in studies repeat, each as a list of studies."""

from dataclasses import dataclass

from assay.errors import UsageError, suggestion


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
    """Return a report by its name; `UsageError` if the name is unknown."""
    if name not in PAPERS:
        raise UsageError(f"report {name!r} is unknown ({suggestion(name, PAPERS)})")
    return PAPERS[name]
