"""``assay run``, ``extend`` and ``fork``: train or continue a study, add seeds to it, change its settings."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli import options
from assay.cli.elsewhere import trainer
from assay.cli.text import REPORT, console, say
from assay.cli.view import beside
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.findings.findings import Findings
    from assay.results import Results
    from assay.running.events import OnEvent

Out = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Results folder; by default assay-runs/STUDY.")
]
More = Annotated[int, options.number("--seeds", "How many seeds there are to be in all.")]
Beside = Annotated[
    str | None, typer.Option("--out", metavar="DIR", help="Results folder; by default beside the other.")
]
UntilResolved = Annotated[
    bool, typer.Option("--until-resolved", help="Add seeds, look by look, until every verdict is in.")
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget", metavar="TIME", parser=options.duration, help="Stop when 2h, 90min or so are used up."
    ),
]
View = Annotated[
    bool, typer.Option("--view", help="Show the study on a local page while it runs (see assay view).")
]
LogTo = Annotated[
    str | None,
    typer.Option("--log", metavar="TOOL", help="Also log to tensorboard or mlflow while training."),
]


@options.grouped
def run(
    study: options.Name,
    *,
    choices: options.Choices,
    training: options.Training,
    out: Out = None,
    until_resolved: UntilResolved = False,
    budget: Budget = None,
    view: View = False,
    log: LogTo = None,
) -> None:
    """Train a study, or continue it where it stopped.

    Example: assay run pooling --quick --seeds 5
    """
    from assay.running.results_folder import default_folder
    from assay.running.run import run
    from assay.running.until_resolved import run_until_resolved

    if budget is not None and not until_resolved:
        raise UsageError("--budget: goes with --until-resolved (any run can be stopped, and continued later)")
    chosen = choices.study(study)
    folder = Path(out) if out is not None else default_folder(chosen)

    where = trainer(training)

    def train(watch: "OnEvent") -> "Results":
        if until_resolved:
            return run_until_resolved(chosen, folder, **where, budget=budget, progress=False, on_event=watch)
        return run(chosen, folder, **where, progress=False, on_event=watch)

    with beside(folder) if view else nullcontext():
        if log is None:
            _finish(train, folder)
            return
        from assay.exchange.log_kinds import live

        with live(log, folder) as logging:
            _finish(lambda watch: train(logging.with_others(watch)), folder)


@options.grouped
def extend(
    folder: options.Folder,
    *,
    seeds: More,
    training: options.Training,
    out: Beside = None,
    trust: options.Trust = None,
    unchecked: options.Unchecked = False,
) -> None:
    """Add seeds to a finished study: a new study, whose report says so.

    Example: assay extend assay-runs/pooling-quick --seeds 10
    """
    from assay.running.extend import extend, extended_folder

    there = Path(out) if out is not None else extended_folder(folder, seeds)
    where = trainer(training)

    def train(watch: "OnEvent") -> "Results":
        return extend(
            folder,
            seeds,
            there,
            **where,
            trust=trust or (),
            unchecked=unchecked,
            progress=False,
            on_event=watch,
        )

    _finish(train, there)


@options.grouped
def fork(
    folder: options.Folder,
    study: options.Name,
    *,
    choices: options.Choices,
    training: options.Training,
    out: Beside = None,
) -> None:
    """Begin a study with changed settings from one that has run, with the runs that stay the same.

    Example: assay fork assay-runs/width width.toml
    """
    from assay.running.fork import fork, forked_folder

    chosen = choices.study(study)
    there = Path(out) if out is not None else forked_folder(folder)
    where = trainer(training)

    def train(watch: "OnEvent") -> "Results":
        return fork(folder, chosen, there, **where, progress=False, on_event=watch)

    _finish(train, there)


def _finish(train: "Callable[[OnEvent], Results]", folder: Path) -> None:
    """Train, showing progress, and print the outcome."""
    from assay.cli.watching import watched

    results, trained = watched(train, folder, report_follows=True)
    with results:
        _conclude(results, folder, trained)


def _conclude(results: "Results", folder: Path, trained: bool) -> None:
    """Print the outcome if anything is new, and the path of the report."""
    from assay.findings.comparisons import resolved
    from assay.records.runs import Status
    from assay.report.files import is_current
    from assay.running.inventory import without_weights
    from assay.store.durable import is_writable

    path = folder / REPORT
    current = not trained and is_current(path, results.digest)
    idle = not (trained or current or is_writable(folder))
    if not (current or idle):
        report = _write_report(results, path)
        if trained:
            from assay.report import terminal

            console().print(terminal.summary(report))
    failed = sum(run.status is Status.FAILED for run in results.runs)
    if not (failed or results.complete or resolved(results)):
        say(f"the budget is used up; the same command continues it in {folder}")
    if failed:
        say(f"{failed} failed: see `assay status {folder} --failed`; --retry-failed trains again")
    if lost := without_weights(results):
        say(lost)
    elsewhere = f"`assay report {folder} --out DIR` writes the report elsewhere"
    say(f"nothing is left to do, and {folder} cannot be written ({elsewhere})" if idle else path)
    if failed:
        raise typer.Exit(1)


def _write_report(results: "Results", path: Path) -> "Findings":
    """Write the report, and keep how long that took, but for the images, for later estimates."""
    begun = thread_time()
    from assay.findings.findings import build
    from assay.findings.inside import look_inside
    from assay.report import html
    from assay.running.overheads import observe_report

    imported = thread_time()
    inside = look_inside(results)
    seen = thread_time()
    report = build(results, inside)
    html.write_html(report, path)
    if results.complete:
        observe_report(len(results.study.arms), thread_time() - seen + imported - begun)
    return report
