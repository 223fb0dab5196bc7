"""A results folder in the terminal: its runs, their epochs, how far it has come, who trains it."""

from rich.table import Table
from rich.text import Text

from assay.findings import numbers
from assay.findings.comparisons import resolved
from assay.records.runs import RunRecord, Status
from assay.report import export
from assay.report.terminal_tables import (
    STATUS_STYLES,
    STUCK_STYLE,
    add_numbers,
    bare_table,
    gap_beside,
    with_stuck,
)
from assay.store.readout import Readout


def results_table(results: Readout) -> Table:
    """Return one row per run."""
    if results.study.imported:
        return _imported_table(results)
    table = bare_table("accuracies in %, loss in nats without penalties, mem: MiB, par: parameters", gap=1)
    table.add_column("arm", overflow="fold")
    table.add_column("seed", justify="right", no_wrap=True, vertical="bottom")
    table.add_column("status", no_wrap=True, vertical="bottom")
    headers = ("ep", "valid\nbest", "valid\nfinal", "test\nacc", "test\nloss", "steps\n/s", "s/ep", "mem")
    add_numbers(table, (*headers, "par", "FLOPs"))
    several = len(results.hosts) > 1
    if several:
        table.add_column("host", overflow="fold", vertical="bottom")
    for run in results.runs:
        table.add_row(*_run_cells(run), *((run.host or "",) if several else ()))
    return table


def _imported_table(results: Readout) -> Table:
    """Return one row per run that was trained elsewhere."""
    table = bare_table("; ".join(filter(None, ("accuracies in %", results.study.source))))
    table.add_column("arm", overflow="fold")
    add_numbers(table, ("seed", "test\nacc"))
    table.add_column("status", vertical="bottom")
    for run in results.runs:
        status = Text(run.status, STATUS_STYLES.get(run.status, ""))
        table.add_row(run.arm, str(run.seed), numbers.share(run.test_accuracy), status)
    return table


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


def epochs_table(results: Readout) -> Table:
    """Return one row per epoch and run."""
    table = bare_table("accuracies in %, losses in nats without penalties")
    table.add_column("arm", overflow="fold")
    headers = ("train\nloss", "train\nacc", "valid\nloss", "valid\nacc", "steps\n/s", "s")
    add_numbers(table, ("seed", "epoch", *headers))
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


def status_table(results: Readout) -> Table:
    """Return one row per arm: how many of its runs have each status."""
    look = results.at_look().look
    settled = f"; {'resolved at ' if resolved(results) else ''}{look}" if look else ""
    several = len(results.hosts) > 1
    room = 0 if several else 12  # letters of a name that fit into 80 columns
    gap = gap_beside([arm.name for arm in results.study.arms], room)
    table = bare_table(f"{numbers.ended(results.done, results.total)}{settled}", gap)
    table.add_column("arm", overflow="fold")
    trained = () if results.study.imported else ("epochs", "valid\nbest")
    add_numbers(table, (*(status.value for status in Status), *trained))
    if several:
        table.add_column("hosts", overflow="fold", vertical="bottom")
    for row in export.status_rows(results):
        cells = (_dim_zero(row[status.value], STATUS_STYLES.get(status, "")) for status in Status)
        stuck = (row["stuck"] if status is Status.DONE else 0 for status in Status)
        counts = map(with_stuck, cells, stuck)
        early = f" ({row['stopped_early']} stopped early)" if row["stopped_early"] else ""
        shown = f"{row['epochs']}/{row['epochs_planned']}{early}"
        epochs = (shown, numbers.share(row["valid_best"]))
        hosts = (row["hosts"] or "",) if several else ()
        table.add_row(row["arm"], *counts, *epochs[: len(trained)], *hosts)
    return table


def _dim_zero(count: int, style: str) -> Text:
    return Text(str(count), style=style if count else "dim")


def machines_tables(results: Readout) -> list[Table]:
    """Return one row per machine of a cluster that trains the study now; nothing where there is none."""
    machines = results.machines
    if not machines:
        return []
    slots = sum(machine.slots for machine in machines)
    busy = sum(len(machine.runs) for machine in machines)
    heading = f"{numbers.plural(busy, 'run')} on {numbers.plural(len(machines), 'node')}"
    table = bare_table(f"{heading} with {numbers.plural(slots, 'slot')}")
    for name in ("node", "processor"):
        table.add_column(name, overflow="fold")
    add_numbers(table, ("slots",))
    table.add_column("runs", overflow="fold")
    for machine in machines:
        runs = "; ".join(map(str, machine.runs)) or "-"
        table.add_row(machine.host, machine.processor, str(machine.slots), runs)
    return [table]
