"""``assay run``: train a study, or go on with it."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli import options
from assay.cli.text import REPORT, console, say

if TYPE_CHECKING:
    from assay.results import Results

Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Results folder; by default assay-runs/STUDY.")
]


def run(
    study: options.Name,
    *,
    data: options.Data = None,
    quick: options.Quick = False,
    seeds: options.Seeds = None,
    epochs: options.Epochs = None,
    engine: options.Engine = None,
    workers: options.Workers = None,
    out: Out = None,
    settings: options.Set = None,
) -> None:
    """Train a study, or continue it where it stopped.

    Example: assay run pooling --quick --seeds 5
    """
    from assay import runner
    from assay.cli.progress import watcher

    chosen = options.chosen(study, quick, data, seeds, epochs, engine, settings)
    folder = Path(out) if out is not None else runner.default_folder(chosen)
    try:
        with watcher() as watching:
            results = runner.run(chosen, folder, workers=workers, on_event=watching)
    except KeyboardInterrupt:
        say(f"stopped; the same command continues it in {folder}")
        raise typer.Exit(130) from None
    with closing(results):
        _conclude(results, watching.trained)


def _conclude(results: "Results", trained: bool) -> None:
    """Say what came out, if anything is new, and where the report is."""
    path = results.folder / REPORT
    if trained or not path.exists():
        from assay.report import html, model, terminal

        report = model.build(results)
        html.write_html(report, path)
        if trained:
            console().print(terminal.summary(report))
    say(path)
    if not results.complete:
        raise typer.Exit(1)
