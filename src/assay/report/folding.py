"""Tables whose names are broken after a hyphen, not within a word, where a column is too narrow for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

WORD = re.compile(r"\s*\S+\s*")
PART = re.compile(r"\s*-*[^-\s]+-*\s*|\s*-+\s*")
"""A part of a word up to a hyphen; the blanks behind the word are with the last."""


class FoldingTable(Table):
    """A table that breaks what is in its folded columns between words, and longer words after hyphens."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row of cells, as for any table."""
        folds = [column.overflow == "fold" for column in self.columns]
        found = (
            _Folded(cell) if folds[index] and isinstance(cell, str) else cell
            for index, cell in enumerate(cells)
        )
        super().add_row(*found, **options)


@dataclass(frozen=True)
class _Folded:
    text: str

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, Text(self.text))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        lines = (line for text in self.text.split("\n") for line in _lines(text, options.max_width))
        yield Text("\n".join(lines), overflow="fold")


def _lines(text: str, width: int) -> list[str]:
    """Return the lines that ``text`` is broken into, first between words; a line is longer where it must."""
    found = [""]
    for word in WORD.findall(text):
        for part in [word] if cell_len(word.rstrip()) <= width else PART.findall(word):
            if found[-1] and cell_len((found[-1] + part).rstrip()) > width:
                found.append("")
            found[-1] += part
    return [line.rstrip() for line in found]
