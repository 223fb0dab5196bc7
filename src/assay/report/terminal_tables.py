"""What all tables in the terminal have in common: no frame, columns of numbers to the right, colours."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from assay.records.runs import Status
from assay.report.folding import FoldingTable
from assay.stats import Verdict

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


def bare_table(caption: str, gap: int = 2) -> Table:
    """Return a table without a frame or columns, its ``caption`` below it and ``gap`` between columns."""
    return FoldingTable(
        box=SIMPLE_HEAD,
        padding=(0, gap - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        caption=caption,
        caption_justify="left",
    )


def gap_beside(names: Iterable[str], room: int) -> int:
    """Return the gap between a wide table's columns: a narrow one where names are longer than ``room``."""
    return 1 if any(len(name) > room for name in names) else 2


def named_rows(caption: str, columns: Sequence[str]) -> Table:
    """Return a table whose rows begin with a name, such as that of an arm, before columns of numbers."""
    table = bare_table(caption)
    table.add_column("", overflow="fold")
    add_numbers(table, columns)
    return table


def add_numbers(table: Table, headers: Iterable[str]) -> None:
    """Add columns of numbers."""
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True, vertical="bottom")


def bullets(sentences: Iterable[str]) -> Table:
    """Return sentences as a list, dimmed."""
    table = Table.grid(padding=(0, 1))
    for sentence in sentences:
        table.add_row(Text("·", style="dim"), Text(sentence, style="dim"))
    return table


def with_stuck(cell: Text | str, stuck: int) -> Text:
    """Add how many of the runs that a cell counts have learnt nothing."""
    return Text.assemble(cell, (f"\n{stuck} stuck", STUCK_STYLE) if stuck else "")
