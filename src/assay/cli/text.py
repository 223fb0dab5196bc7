"""How the commands write: plain outside a terminal, never interpreting markup in a user's text."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from assay.cli.process import silence
from assay.errors import one_line

if TYPE_CHECKING:
    from rich.console import Console

REPORT = "report.html"


def console() -> "Console":
    """Return the terminal's console, or a plain one of 80 columns where stdout is not a terminal."""
    from assay.report import text

    return text.console(sys.stdout)


def say(*words: Any, sep: str = " ") -> None:
    """Print a line as it is, without wrapping, so that paths can be copied."""
    print(*words, sep=sep, flush=True)


def complain(message: str) -> None:
    """Write an error on one line of stderr, after the output on stdout; either stream may refuse it."""
    with suppress(OSError):
        sys.stdout.flush()
    try:
        print(f"assay: error: {one_line(message.strip())}", file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def write(text: str) -> None:
    """Write text that has its own line ends, to be read by a program."""
    sys.stdout.write(text)
