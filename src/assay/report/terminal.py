"""Results in the terminal, readable at 80 columns and plain where there is no terminal."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from assay.findings import numbers
from assay.findings.arms import ArmRow
from assay.findings.comparisons import resolved
from assay.findings.effects import Effect
from assay.findings.findings import Findings
from assay.findings.wording import claim_words
from assay.findings.wording.captions import LEFT_IN_REPORT
from assay.findings.wording.code_words import CLAIM_VERDICTS, VERDICTS
from assay.findings.wording.facts import facts
from assay.records.runs import RunRecord, Status
from assay.report import export
from assay.stats import ClaimVerdict, Factorial, Verdict
from assay.store.readout import Readout

MOST_LIMITS = 5
MOST_FACTORS = 12
MOST_PARTS = 6
STATUS_STYLES = {
    Status.DIVERGED: "red",
    Status.FAILED: "bold red",
    Status.RUNNING: "cyan",
    Status.PENDING: "dim",
}
STUCK_STYLE = "yellow"
VERDICT_STYLES = {
    Verdict.BETTER: "green",
    Verdict.WORSE: "red",
    Verdict.EQUIVALENT: "blue",
    Verdict.NEGLIGIBLE: "blue",
    Verdict.INCONCLUSIVE: "yellow",
}
CLAIM_STYLES = {
    ClaimVerdict.SUPPORTED: "green",
    ClaimVerdict.CONTRADICTED: "red",
    ClaimVerdict.TOO_SMALL: "blue",
    ClaimVerdict.UNDECIDED: "yellow",
}


def results_table(results: Readout) -> Table:
    """Return one row per run."""
    if results.study.imported:
        return _imported_table(results)
    table = _table("accuracies in %, loss in nats without penalties, mem: MiB, par: parameters", gap=1)
    table.add_column("arm", overflow="fold")
    table.add_column("seed", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    headers = ("ep", "valid\nbest", "valid\nfinal", "test\nacc", "test\nloss", "steps\n/s", "s/ep", "mem")
    _numbers(table, (*headers, "par", "FLOPs"))
    several = len(results.hosts) > 1
    if several:
        table.add_column("host", overflow="fold", vertical="bottom")
    for run in results.runs:
        table.add_row(*_run_cells(run), *((run.host or "",) if several else ()))
    return table


def _imported_table(results: Readout) -> Table:
    """Return one row per run that was trained elsewhere."""
    table = _table("; ".join(filter(None, ("accuracies in %", results.study.source))))
    table.add_column("arm", overflow="fold")
    _numbers(table, ("seed", "test\nacc"))
    table.add_column("status")
    for run in results.runs:
        status = Text(run.status, STATUS_STYLES.get(run.status, ""))
        table.add_row(run.arm, str(run.seed), numbers.share(run.test_accuracy), status)
    return table


def epochs_table(results: Readout) -> Table:
    """Return one row per epoch and run."""
    table = _table("accuracies in %, losses in nats without penalties")
    table.add_column("arm", overflow="fold")
    headers = ("train\nloss", "train\nacc", "valid\nloss", "valid\nacc", "steps\n/s", "s")
    _numbers(table, ("seed", "epoch", *headers))
    for row in results.epoch_rows():
        table.add_row(
            row["arm"],
            str(row["seed"]),
            str(row["epoch"]),
            numbers.loss(row["train_loss"]),
            numbers.share(row["train_accuracy"]),
            numbers.loss(row["valid_loss"]),
            numbers.share(row["valid_accuracy"]),
            numbers.speed(row["steps_per_second"]),
            numbers.speed(row["seconds"]),
        )
    return table


def arms_table(report: Findings) -> Table:
    """Return one row per arm: what it reached and what it cost."""
    costs = "" if report.imported else ", mem: peak memory in MiB; valid best is optimistic"
    caption = f"accuracies in %{costs}"
    table = _table(caption if report.complete else f"{report.stamp}; {caption}")
    table.add_column("arm", overflow="fold")
    spread = (numbers.interval_name(report.confidence),) if report.judged else ()
    early = ("ep",) if report.stopping else ()
    more = () if report.imported else ("valid\nbest", *early, "s/ep", "mem", "par", "FLOPs")
    _numbers(table, ("runs", "test\nmean", *spread, "sd", *more))
    for arm in report.arms:
        table.add_row(
            arm.name,
            _with_stuck(f"{arm.done}/{arm.planned}", arm.stuck),
            numbers.share(arm.test.mean),
            *((arm.spread,) if report.judged else ()),
            numbers.share(arm.test.sd),
            *(() if report.imported else _cost_cells(arm, report)),
        )
    return table


def calibration_table(report: Findings) -> Table:
    """Return one row per arm: how far its probabilities are from the share that is right."""
    table = _table(
        "calibration error: how far, on average, the probability given with an answer is from\n"
        "the share of such answers that are right; above a temperature of 1: too sure before"
    )
    table.add_column("arm", overflow="fold")
    _numbers(table, ("runs", "expected calibration\nerror on the test set, %", "temperature"))
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


def status_table(results: Readout) -> Table:
    """Return one row per arm: how many of its runs have each status."""
    look = results.at_look().look
    settled = f"; {'resolved at ' if resolved(results) else ''}{look}" if look else ""
    table = _table(f"{numbers.ended(results.done, results.total)}{settled}")
    table.add_column("arm", overflow="fold")
    trained = () if results.study.imported else ("epochs", "valid\nbest")
    _numbers(table, (*(status.value for status in Status), *trained))
    several = len(results.hosts) > 1
    if several:
        table.add_column("hosts", overflow="fold", vertical="bottom")
    for row in export.status_rows(results):
        cells = (_dim_zero(row[status.value], STATUS_STYLES.get(status, "")) for status in Status)
        stuck = (row["stuck"] if status is Status.DONE else 0 for status in Status)
        counts = map(_with_stuck, cells, stuck)
        early = f" ({row['stopped_early']} stopped early)" if row["stopped_early"] else ""
        shown = f"{row['epochs']}/{row['epochs_planned']}{early}"
        epochs = (shown, numbers.share(row["valid_best"]))
        hosts = (row["hosts"] or "",) if several else ()
        table.add_row(row["arm"], *counts, *epochs[: len(trained)], *hosts)
    return table


def machines_tables(results: Readout) -> list[Table]:
    """Return one row per machine of a cluster that trains the study now; nothing where there is none."""
    machines = results.machines
    if not machines:
        return []
    slots = sum(machine.slots for machine in machines)
    busy = sum(len(machine.runs) for machine in machines)
    heading = f"{numbers.plural(busy, 'run')} on {numbers.plural(len(machines), 'node')}"
    table = _table(f"{heading} with {numbers.plural(slots, 'slot')}")
    for name in ("node", "processor"):
        table.add_column(name, overflow="fold")
    _numbers(table, ("slots",))
    table.add_column("runs", overflow="fold")
    for machine in machines:
        runs = "; ".join(map(str, machine.runs)) or "-"
        table.add_row(machine.host, machine.processor, str(machine.slots), runs)
    return [table]


def verdict_panel(report: Findings) -> Panel:
    """Return the answer, the numbers behind it and what they cannot say."""
    parts: list[RenderableType] = [Text(report.answer, style="bold")]
    if len(report.effects) == 1:
        parts.append(Padding(_numbers_behind(report.effects[0]), (1, 0, 0, 0)))
    elif report.effects:
        parts.append(Padding(_effects_table(report), (1, 0, 0, 0)))
    if report.networks:
        parts.append(Padding(_networks_table(report), (1, 0, 0, 0)))
    if report.factorial:
        parts.append(Padding(_factors_table(report.factorial), (1, 0, 0, 0)))
    parts.append(Padding(_bullets(report.limits), (1, 0, 0, 0)))
    return Panel(
        Group(*parts), title=Text(f"{report.name}: {report.stamp}"), title_align="left", padding=(1, 2)
    )


def claims_table(report: Findings) -> Table:
    """Return one row per claim, with what each of its comparisons found."""
    table = _table("differences in points, costs as factors")
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
        table.add_row(
            claim.sentence, verdict, f"{found}\n{LEFT_IN_REPORT.format(more)}" if more > 0 else found
        )
    return table


def summary(report: Findings) -> Group:
    """Return the question, the arms, the claims and the verdict."""
    claims = [claims_table(report)] if report.claims else []
    calibrated = [calibration_table(report)] if report.calibration else []
    tables = [arms_table(report), *calibrated, *claims]
    return Group(Text(report.question, style="italic"), *tables, verdict_panel(report))


def _run_cells(run: RunRecord) -> list[Text | str]:
    return [
        run.arm,
        str(run.seed),
        Text("stuck", STUCK_STYLE) if run.stuck else Text(run.status, STATUS_STYLES.get(run.status, "")),
        str(run.epochs),
        numbers.share(run.valid_best),
        numbers.share(run.valid_final),
        numbers.share(run.test_accuracy),
        numbers.loss(run.test_loss),
        numbers.speed(run.steps_per_second),
        numbers.speed(run.seconds_per_epoch),
        numbers.mebibytes(run.peak_memory or None),
        numbers.count(run.parameters),
        numbers.count(run.flops),
    ]


def _table(caption: str, gap: int = 2) -> Table:
    return Table(
        box=SIMPLE_HEAD,
        padding=(0, gap - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        caption=caption,
        caption_justify="left",
    )


def bare_table(caption: str, columns: Sequence[str]) -> Table:
    """Return a table of one row an arm or comparison, with columns of numbers."""
    table = _table(caption)
    table.add_column("", overflow="fold")
    _numbers(table, columns)
    return table


def _numbers(table: Table, headers: Iterable[str]) -> None:
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True, vertical="bottom")


def _dim_zero(count: int, style: str) -> Text:
    return Text(str(count), style=style if count else "dim")


def _with_stuck(cell: Text | str, stuck: int) -> Text:
    """Add how many of the runs that a cell counts have learnt nothing."""
    return Text.assemble(cell, (f"\n{stuck} stuck", STUCK_STYLE) if stuck else "")


def _numbers_behind(effect: Effect) -> Table:
    table = Table.grid(padding=(0, 2))
    verdict = effect.pair.judgement.verdict
    table.add_row("Verdict", Text(VERDICTS[verdict], style=VERDICT_STYLES[verdict]))
    for fact in facts(effect):
        table.add_row(fact.name, fact.value)
    return table


def _effects_table(report: Findings) -> Table:
    table = _table(
        f"differences in pp; {report.intervals_name}, p adjusted; of equivalent arms those within the margin"
    )
    table.add_column("comparison", overflow="fold")
    _numbers(table, ("mean", "interval", "p", "n"))
    table.add_column("verdict", overflow="fold")
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
    table = _table("two networks, not two methods: McNemar's exact test, in pp")
    table.add_column("networks", overflow="fold")
    _numbers(table, ("difference", "p", "mid-p"))
    for pair in report.networks:
        test = pair.test
        difference, p, mid_p = numbers.points(test.difference), *map(numbers.p_value, (test.p, test.mid_p))
        table.add_row(f"{pair.a} and {pair.b}", difference, p, mid_p)
    return table


def _factors_table(factorial: Factorial) -> Table:
    shown, more = factorial.effects[:MOST_FACTORS], len(factorial.effects) - MOST_FACTORS
    left = f"; {LEFT_IN_REPORT.format(more)}" if more > 0 else ""
    table = _table(f"effects of factors in pp, simultaneous intervals, p adjusted{left}")
    table.add_column("effect", overflow="fold")
    _numbers(table, ("mean", numbers.interval_name(factorial.confidence), "p"))
    for effect in shown:
        mean, p = numbers.points(effect.mean), numbers.p_value(effect.p_adjusted)
        table.add_row(effect.name, mean, numbers.points_interval(effect.interval), p)
    return table


def _bullets(sentences: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    left_out = len(sentences) - MOST_LIMITS
    more = [LEFT_IN_REPORT.format(left_out)] if left_out > 0 else []
    for sentence in [*sentences[:MOST_LIMITS], *more]:
        table.add_row(Text("·", style="dim"), Text(sentence, style="dim"))
    return table
