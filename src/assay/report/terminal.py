"""The report in the terminal, readable at 80 columns and plain where there is no terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from assay.findings import numbers
from assay.findings.arms import ArmRow
from assay.findings.effects import Effect
from assay.findings.findings import Findings
from assay.findings.wording import claim_words
from assay.findings.wording.captions import LEFT_IN_REPORT, deciding
from assay.findings.wording.code_words import CLAIM_VERDICTS, VERDICTS
from assay.findings.wording.facts import facts
from assay.report.terminal_tables import (
    VERDICT_STYLES,
    add_numbers,
    bare_table,
    bullets,
    gap_beside,
    with_stuck,
)
from assay.stats import ClaimVerdict, Factorial

MOST_LIMITS = 5
MOST_FACTORS = 12
MOST_PARTS = 6
CLAIM_STYLES = {
    ClaimVerdict.SUPPORTED: "green",
    ClaimVerdict.CONTRADICTED: "red",
    ClaimVerdict.TOO_SMALL: "blue",
    ClaimVerdict.UNDECIDED: "yellow",
}


def arms_table(report: Findings) -> Table:
    """Return one row per arm: what it reached and what it cost."""
    costs = (
        ""
        if report.imported
        else ", s/ep: seconds an epoch, mem: peak memory in MiB, par: parameters, FLOPs: of one image "
        "forward; valid best is optimistic"
    )
    caption = f"accuracies in %{costs}"
    gap = gap_beside([arm.name for arm in report.arms], 8)  # letters that fit into 80 columns
    table = bare_table(caption if report.complete else f"{report.stamp}; {caption}", gap)
    table.add_column("arm", overflow="fold")
    spread = (numbers.interval_name(report.confidence),) if report.judged else ()
    early = ("ep",) if report.stopping else ()
    more = () if report.imported else ("valid\nbest", *early, "s/ep", "mem", "par", "FLOPs")
    add_numbers(table, ("runs", "test\nmean", *spread, "sd", *more))
    for arm in report.arms:
        table.add_row(
            arm.name,
            with_stuck(f"{arm.done}/{arm.planned}", arm.stuck),
            numbers.share(arm.test.mean),
            *((arm.spread,) if report.judged else ()),
            numbers.share(arm.test.sd),
            *(() if report.imported else _cost_cells(arm, report)),
        )
    return table


def calibration_table(report: Findings) -> Table:
    """Return one row per arm: how far its probabilities are from the share that is right."""
    table = bare_table(
        "calibration error: how far, on average, the probability given with an answer is from "
        "the share of such answers that are right; a temperature above 1: the network was too sure, below 1: "
        "not sure enough"
    )
    table.add_column("arm", overflow="fold")
    add_numbers(table, ("runs", "expected calibration\nerror on the test set, %", "temperature"))
    for row in report.calibration:
        table.add_row(row.arm, str(row.runs), numbers.share(row.error), numbers.fixed(row.temperature))
    return table


def _cost_cells(arm: ArmRow, report: Findings) -> tuple[str, ...]:
    return (
        numbers.share(arm.valid_best),
        *(numbers.speed(row.epochs) for row in report.stopping if row.arm == arm.name),
        numbers.speed(arm.seconds_per_epoch),
        numbers.mebibytes(arm.peak_memory),
        numbers.count(arm.parameters),
        numbers.count(arm.flops),
    )


def verdict_panel(report: Findings, left: str = LEFT_IN_REPORT) -> Panel:
    """Return the answer, the numbers behind it and what they cannot say; ``left`` says where the rest is."""
    parts: list[RenderableType] = [Text(report.answer, style="bold")]
    if len(report.effects) == 1:
        parts.append(Padding(_numbers_behind(report.effects[0]), (1, 0, 0, 0)))
    elif report.effects:
        parts.append(Padding(_effects_table(report), (1, 0, 0, 0)))
    if report.networks:
        parts.append(Padding(_networks_table(report), (1, 0, 0, 0)))
    if report.factorial:
        parts.append(Padding(_factors_table(report.factorial, left), (1, 0, 0, 0)))
    parts.append(Padding(_limits(report.limits, left), (1, 0, 0, 0)))
    return Panel(
        Group(*parts), title=Text(f"{report.name}: {report.stamp}"), title_align="left", padding=(1, 2)
    )


def claims_table(report: Findings, left: str = LEFT_IN_REPORT) -> Table:
    """Return one row per claim, with what each of its comparisons found."""
    table = bare_table("differences in points, costs as factors")
    table.add_column("claim", overflow="fold", ratio=3)
    table.add_column("verdict", no_wrap=True)
    table.add_column("found", overflow="fold", ratio=3)
    for claim in report.claims:
        verdict = (
            Text(CLAIM_VERDICTS[claim.verdict], style=CLAIM_STYLES[claim.verdict])
            if claim.verdict
            else Text("interim", "dim")
        )
        if verdict and claim.also and claim.also.verdict:
            verdict.append(f"\n(test: {CLAIM_VERDICTS[claim.also.verdict]})", "dim")
        found = "\n".join(f"{part.relation}: {claim_words.found(part)}" for part in claim.parts[:MOST_PARTS])
        more = len(claim.parts) - MOST_PARTS
        table.add_row(claim.sentence, verdict, f"{found}\n{left.format(more)}" if more > 0 else found)
    return table


def summary(report: Findings, left: str = LEFT_IN_REPORT) -> Group:
    """Return the question, the arms, the claims and the verdict; ``left`` says where the rest is."""
    claims = [claims_table(report, left)] if report.claims else []
    calibrated = [calibration_table(report)] if report.calibration else []
    tables = [arms_table(report), *calibrated, *claims]
    return Group(Text(report.question, style="italic"), *tables, verdict_panel(report, left))


def _numbers_behind(effect: Effect) -> Table:
    table = Table.grid(padding=(0, 2))
    verdict = effect.pair.judgement.verdict
    table.add_row("Verdict", Text(VERDICTS[verdict], style=VERDICT_STYLES[verdict]))
    for fact in facts(effect):
        table.add_row(fact.name, fact.value)
    return table


def _effects_table(report: Findings) -> Table:
    equivalence = report.equivalence_intervals_name if any(e.equivalent for e in report.effects) else ""
    table = bare_table(deciding("in points", report.intervals_name, equivalence, 1 - report.confidence))
    table.add_column("comparison", overflow="fold")
    add_numbers(table, ("mean", "interval", "p", "n"))
    table.add_column("verdict", overflow="fold", vertical="bottom")
    for effect in report.effects:
        pair = effect.pair
        table.add_row(
            effect.name,
            numbers.points(pair.comparison.mean),
            numbers.points_interval(effect.deciding),
            numbers.p_value(effect.deciding_p),
            str(pair.comparison.n),
            Text(VERDICTS[pair.judgement.verdict], style=VERDICT_STYLES[pair.judgement.verdict]),
        )
    return table


def _networks_table(report: Findings) -> Table:
    table = bare_table("two networks, not two methods: McNemar's exact test, in points")
    table.add_column("networks", overflow="fold")
    add_numbers(table, ("difference", "p", "mid-p"))
    for pair in report.networks:
        test = pair.test
        difference, p, mid_p = numbers.points(test.difference), *map(numbers.p_value, (test.p, test.mid_p))
        table.add_row(f"{pair.a} and {pair.b}", difference, p, mid_p)
    return table


def _factors_table(factorial: Factorial, left: str) -> Table:
    shown, more = factorial.effects[:MOST_FACTORS], len(factorial.effects) - MOST_FACTORS
    rest = f"; {left.format(more)}" if more > 0 else ""
    table = bare_table(f"effects of factors in points, simultaneous intervals, p adjusted{rest}")
    table.add_column("effect", overflow="fold")
    add_numbers(table, ("mean", numbers.interval_name(factorial.confidence), "p"))
    for effect in shown:
        mean, p = numbers.points(effect.mean), numbers.p_value(effect.p_adjusted)
        table.add_row(effect.name, mean, numbers.points_interval(effect.interval), p)
    return table


def _limits(sentences: Sequence[str], left: str) -> Table:
    left_out = len(sentences) - MOST_LIMITS
    more = [left.format(left_out)] if left_out > 0 else []
    return bullets([*sentences[:MOST_LIMITS], *more])
