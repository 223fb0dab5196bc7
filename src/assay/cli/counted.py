"""How far a command has come through many files."""

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def counted(items: Sequence[T], doing: str) -> Iterable[T]:
    """Yield the items; a terminal's stderr shows meanwhile how many are done and the time left.

    The bar goes when all are. A single item has none.
    """
    if len(items) < 2 or not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, doing, console=Console(file=sys.stderr), transient=True)
