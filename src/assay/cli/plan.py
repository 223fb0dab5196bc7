"""``assay plan``: how many seeds a study needs, and how long they take."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli import options
from assay.cli.formats import Format, put
from assay.cli.text import console
from assay.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from assay.findings.seeds_needed import SeedPlan
    from assay.results import Results
    from assay.running.estimate import Estimate
    from assay.study.study import Study

Resolve = Annotated[
    float | None,
    typer.Option(
        "--resolve", metavar="POINTS", parser=options.real, help="The difference; by default the margin."
    ),
]
Power = Annotated[
    float, typer.Option("--power", metavar="SHARE", parser=options.real, help="How surely it is to be told.")
]
Pilot = Annotated[
    str | None,
    typer.Option("--pilot", metavar="DIR", help="Results that show the spread; else the study's own."),
]

COLUMNS = (
    "sd: spread of the seeds' differences, in points; then seeds: to tell the difference in this comparison "
    "alone, or as one of all, and to show that equal arms are equivalent"
)


@options.grouped
def plan(
    study: options.Name,
    *,
    resolve: Resolve = None,
    power: Power = 0.8,
    pilot: Pilot = None,
    choices: options.Choices,
    workers: options.Workers = None,
    format: Format = "table",
) -> None:
    """Print how many seeds tell a difference, and how long they take.

    Example: assay plan pooling --resolve 0.3
    """
    from assay.cli import rows
    from assay.data.outline import outline
    from assay.findings.seeds_needed import plan_seeds
    from assay.running.capacity import that_fit, worker_count
    from assay.running.estimate import estimate
    from assay.running.plan import make_plan

    chosen = choices.study(study)
    worker_count(workers)
    sizes = outline(chosen.data)
    whole = make_plan(chosen, sizes)
    count = that_fit(whole, workers, sizes.bytes)
    with ExitStack() as stack:
        found = _pilot(chosen, pilot)
        if found:
            stack.enter_context(found)
        needed = plan_seeds(chosen, None if resolve is None else resolve / 100, power=power, pilot=found)
    cost = estimate(whole, sizes, count).for_seeds(needed.seeds, count)

    def draw() -> None:
        terminal = console()
        terminal.print(_table(needed))
        terminal.print("", _answer(needed, cost), sep="\n")
        terminal.print("", " ".join(_basis(needed, chosen, found)), sep="\n")

    document = rows.seeds(needed, cost, len(chosen.seeds), str(found.folder) if found else None)
    put(format, draw, rows.NEED_COLUMNS, document["comparisons"], document)


def _pilot(study: "Study", folder: str | None) -> "Results | None":
    """Open the pilot: the results in ``folder``, or else the study's own if they have a spread."""
    from assay.findings.seeds_needed import is_pilot
    from assay.results import Results
    from assay.running.results_folder import default_folder
    from assay.store.lookup import DATABASE

    place = Path(folder) if folder is not None else default_folder(study)
    if folder is None and not (place / DATABASE).exists():
        return None
    found = Results.open(place)
    if is_pilot(study, found):
        return found
    found.close()
    if folder is None:
        return None
    raise UsageError(
        f"{place}: no two arms that {study.name} compares have 3 seeds there that show a spread "
        "(use another --pilot, or none)"
    )


def _table(plan: "SeedPlan") -> "Table":
    """Return a table with one row per comparison."""
    from assay.findings.numbers import share
    from assay.report.terminal_tables import add_numbers, bare_table

    table = bare_table(COLUMNS)
    table.add_column("comparison", overflow="fold")
    add_numbers(table, ("pilot\nsd", "pilot\nseeds", "planned\nsd", "alone", "in family", "equivalent"))
    for need in plan.needs:
        seen = (share(need.seen), str(need.n)) if need.seen else ("–", "–")
        counts = (f"{count:,}" for count in (need.alone, need.family, need.equivalent))
        table.add_row(f"{need.a} less {need.b}", *seen, share(need.sd), *counts)
    return table


def _answer(plan: "SeedPlan", cost: "Estimate") -> str:
    """Summarise the table in a sentence."""
    from assay.cli.drawing import expected
    from assay.findings.numbers import margin, plural, seeds

    runs = plural(sum(cohort.runs for cohort in cost.cohorts), "run")
    every = "" if len(plan.needs) == 1 else f" in each of {len(plan.needs)} comparisons"
    return (
        f"{seeds(plan.seeds)} ({runs}, about {expected(cost)} with {cost.workers} at a time) tell a "
        f"true difference of {margin(plan.difference)}{every} with {100 * plan.power:g}% power, and "
        f"{plan.equivalent:,} show that equal arms are equivalent within {margin(plan.margin)}."
    )


def _basis(plan: "SeedPlan", study: "Study", pilot: "Results | None") -> Iterator[str]:
    """Say what the study's own seeds can resolve, and what the numbers are based on."""
    from assay.findings.numbers import seeds, share
    from assay.findings.seeds_needed import STORED_SD

    own = len(study.seeds)
    if own > 1:
        yield f"The study's {seeds(own)} tell a difference of {share(plan.detectable(own))} points."
    if pilot:
        yield (
            f"Planned with the upper 80% bound of the spread of paired differences in {pilot.folder}: half "
            "of all pilots show too small a spread."
        )
    if any(need.seen is None for need in plan.needs):
        yield (
            f"{'Where it shows none' if pilot else 'There is no pilot:'} a spread of {100 * STORED_SD:.6g} "
            "points is assumed, that of arms whose seeds spread by 0.25 points each; three seeds or more, "
            "given as --pilot, know better."
        )
    if plan.changed:
        more = f", and {len(plan.changed) - 1} more" if len(plan.changed) > 1 else ""
        yield f"The pilot had other settings ({plan.changed[0]}{more}): its spread is a guess."
    if study.looks:
        yield f"Each of {len(study.looks)} declared looks tests at {100 * plan.alpha:.3g}%."
