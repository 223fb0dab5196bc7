"""An HTML page taken apart, and made without figures."""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from io import TextIOBase
from typing import IO, Any

import pytest

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Collects tags, ids, attributes and text, and insists that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(key, value or "") for key, value in attrs]
        self.ids += [value for key, value in attrs if key == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + " "


class Nothing:
    """In the place of a figure and all that is in one: whatever is asked of it, it is nothing."""

    def __getattr__(self, name: str) -> "Nothing":
        return self

    def __call__(self, *_: object, **__: object) -> "Nothing":
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())


MADE_OF = {
    "figures": ("Figure", "fit"),
    "layer_figures": ("Figure", "fit"),
    "factorial_figure": ("Figure", "fit"),
    "confusion_figure": ("Figure", "Rectangle", "PatchCollection"),
}
"""What the modules of figures make them of, by its names there."""


def leave_figures_empty(patch: pytest.MonkeyPatch) -> None:
    """Let the figures of a report be empty; their titles and descriptions stay."""
    leave_figures_unwritten(patch)
    for module, names in MADE_OF.items():
        for name in names:
            patch.setattr(f"assay.report.{module}.{name}", Nothing())


def leave_figures_unwritten(patch: pytest.MonkeyPatch) -> None:
    """Let figures be laid out, whatever the numbers, and then written as empty ones."""
    empty = '<svg viewBox="0 0 1 1"></svg>'
    patch.setattr("assay.report.canvas.write_figure", lambda figure, file, *_: _write(file, empty))


def _write(file: IO[Any], text: str) -> None:
    file.write(text if isinstance(file, TextIOBase) else text.encode())
