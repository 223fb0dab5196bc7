"""``assay reproduce``: repeat all studies of a published report, as one document."""

import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli import options
from assay.cli.elsewhere import Where, trainer
from assay.cli.text import REPORT, console, say
from assay.errors import UsageError, suggestion

if TYPE_CHECKING:
    from assay.results import Results
    from assay.running.events import OnEvent
    from assay.study.papers import Paper
    from assay.study.study import Study

Report = Annotated[
    str, typer.Argument(metavar="REPORT", show_default=False, help="2017 or 2018: the report's year.")
]
Out = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Folder; by default assay-runs/reproduce-REPORT."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="STUDY", help="Repeat this study alone; may be given several times."),
]


@options.grouped
def reproduce(
    report: Report,
    *,
    choices: options.Choices,
    training: options.Training,
    out: Out = None,
    only: Only = None,
) -> None:
    """Repeat a published report: its figures and claims beside ours.

    Example: assay reproduce 2017 --quick
    """
    from assay.study import papers

    paper = papers.paper(report)
    where = trainer(training)
    names = _names(paper, only)
    studies = [choices.study(name) for name in names]
    folder = Path(out or f"assay-runs/reproduce-{paper.name}{'-quick' if choices.quick else ''}")
    with ExitStack() as opened:
        results = []
        for index, study in enumerate(studies, 1):
            say(f"[{index}/{len(studies)}] {study.name}: {study.question}")
            results.append(_repeat(study, folder, where))
            opened.callback(results[-1].close)
        _conclude(paper, results, folder)


def _names(paper: "Paper", only: list[str] | None) -> tuple[str, ...]:
    """Return the studies to repeat, in the report's order."""
    for name in only or ():
        if name not in paper.studies:
            raise UsageError(f"--only {name!r}: no study of {paper.name} ({suggestion(name, paper.studies)})")
    return tuple(name for name in paper.studies if not only or name in only)


def _repeat(study: "Study", folder: Path, where: "Where") -> "Results":
    """Train one study, showing its progress."""
    from assay.cli.watching import watched
    from assay.running.repeat import repeat

    def train(watch: "OnEvent") -> "Results":
        return repeat(study, folder, **where, progress=False, on_event=watch)

    results, _ = watched(train, folder)
    return results


def _conclude(paper: "Paper", results: "list[Results]", folder: Path) -> None:
    """Write the document with its tables, print the claims and its path; exit with 1 if a run failed."""
    from assay.findings.findings import build
    from assay.report import document, terminal
    from assay.report.files import write_whole

    command = shlex.join(["assay", *sys.argv[1:]])
    reports = tuple(build(one) for one in results)
    found = document.Document(paper.title, reports, command, paper.plots_loss)
    write_whole(folder / "claims.csv", document.claims_csv(found))
    write_whole(folder / "published.csv", document.published_csv(found))
    write_whole(folder / "runs.csv", document.runs_csv(results))
    write_whole(folder / "epochs.csv", document.epochs_csv(results))
    path = write_whole(folder / REPORT, document.render(found))
    for report in found.reports:
        if report.claims:
            console().print(terminal.claims_table(report))
    say(*filter(None, (found.answer, found.unlike, found.agreement)))
    say(path)
    if not found.complete:
        raise typer.Exit(1)
