"""``assay studies`` and ``show``: what can be run, and what running it would mean."""

from typing import TYPE_CHECKING

from assay.cli import options
from assay.cli.text import console, grid

if TYPE_CHECKING:
    pass


def studies() -> None:
    """List the built-in studies.

    Example: assay studies
    """
    from assay.studies import builtin, load_study

    table = grid("study", "question", "arms", left=2)
    for name in builtin():
        study = load_study(name)
        table.add_row(name, study.question, str(len(study.arms)))
    console().print(table)


def show(
    study: options.Name,
) -> None:
    """Print a study's plan without training.

    Example: assay show pooling --quick
    """
