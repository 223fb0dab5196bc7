"""How text is written to a terminal, a file or a pipe: user text is never interpreted as markup."""

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 80


def console(stream: TextIO) -> "Console":
    """Return a console on ``stream``, or plain text of 80 columns where it is not a terminal."""
    from rich.console import Console

    terminal = getattr(stream, "isatty", bool)()  # what takes stderr's place may lack it
    width = None if terminal else WIDTH
    found = Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
    if not found.width:  # COLUMNS=0: a terminal whose width is not known, in which tables would be empty
        found.width = WIDTH
    return found


def grid(*headings: str, left: int = 1) -> "Table":
    """Return an empty table: the first ``left`` columns of text, the others of numbers."""
    from rich import box

    from assay.report.folding import FoldingTable

    table = FoldingTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        if index < left:
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    return table


def duration(seconds: float | None) -> str:
    """Write seconds the way people say them: 4.8 s, 48 s, 3 min 20 s, 2 h 05 min."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
