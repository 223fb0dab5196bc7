"""How the commands write: plain where nobody watches, never with markup from a user's words."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from assay.cli.process import silence
from assay.errors import one_line

if TYPE_CHECKING:
    from rich.console import Console

REPORT = "report.html"


def console() -> "Console":
    """Return the terminal, or plain text of 80 columns where stdout is no terminal."""
    from assay.report import text

    return text.console(sys.stdout)


def say(*words: Any, sep: str = " ") -> None:
    """Print a line as it is, without folding, so that paths can be copied."""
    print(*words, sep=sep, flush=True)


def complain(message: str) -> None:
    """Write an error on one line of stderr, after what was said on stdout; neither has to take it."""
    with suppress(OSError):
        sys.stdout.flush()
    try:
        print(f"assay: error: {one_line(message.strip())}", file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def write(text: str) -> None:
    """Write a text that has its own line ends, to be read by a program."""
    sys.stdout.write(text)
