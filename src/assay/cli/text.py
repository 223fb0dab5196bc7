"""How the commands write: plain where nobody watches, never with markup from a user's words."""

import sys
from typing import TYPE_CHECKING, Any

from assay.errors import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 80
REPORT = "report.html"


def console() -> "Console":
    """Return the terminal, or plain text of 80 columns where stdout is no terminal."""
    from rich.console import Console

    watched = sys.stdout.isatty()
    return Console(
        file=sys.stdout, width=None if watched else WIDTH, markup=False, highlight=False, emoji=False
    )


def say(*words: Any, sep: str = " ") -> None:
    """Print a line as it is, without folding, so that paths can be copied."""
    print(*words, sep=sep, flush=True)


def complain(message: str) -> None:
    """Write an error on one line of stderr."""
    sys.stdout.flush()
    print(f"assay: error: {one_line(message.strip())}", file=sys.stderr)


def write(text: str) -> None:
    """Write a text that has its own line ends, to be read by a program."""
    sys.stdout.write(text)


def grid(*headings: str, left: int = 1) -> "Table":
    """Return an empty table: the first ``left`` columns of text, the others of numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        if index < left:
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    return table


def duration(seconds: float | None) -> str:
    """Write seconds as people say them: 4.8 s, 48 s, 3 min 20 s, 2 h 05 min."""
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
