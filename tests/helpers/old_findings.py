"""What is concluded from a results folder, as text that is alike wherever the code that found it lies.

Classes are named without their modules, numbers have as many digits as every machine and library agrees on,
the folder's own path is left out. A change of any word or number is a change of these texts.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from assay.findings.findings import Findings, build
from assay.findings.inside import look_inside
from assay.report import html, run_tables, terminal
from assay.results import Results

DIGITS = 10
"""Significant digits of what is computed in float64; the last differ between processors and libraries."""
SINGLE_DIGITS = 3
"""And of what the networks compute, in float32."""
WIDTH = 80
COMPUTED = (property, cached_property)


def snapshots(folder: Path) -> dict[str, str]:
    """Return what is concluded from the results in ``folder``: the texts of three files by their endings."""
    results = Results.open(folder, watch=True)  # as the commands do: what nobody trains any more has stopped
    try:
        report = build(results, look_inside(results))
        found = {
            "json": findings(report),
            "terminal.txt": terminal_text(results, report),
            "page.txt": page_text(report),
        }
    finally:
        results.close()
    return {ending: text.replace(str(folder), "FOLDER") for ending, text in found.items()}


def findings(report: Findings) -> str:
    """Return all that a report holds or computes as JSON, a line for each list of numbers or words."""
    return "".join(_lines(plain(report, DIGITS))) + "\n"


def terminal_text(results: Results, report: Findings) -> str:
    """Return what ``assay status``, ``results`` and ``run`` print where there is no terminal."""
    text = io.StringIO()
    console = Console(file=text, width=WIDTH, markup=False, highlight=False, emoji=False)
    for part in (
        run_tables.status_table(results),
        run_tables.results_table(results),
        terminal.summary(report),
    ):
        console.print(part)
    return _stripped(text.getvalue())


def page_text(report: Findings) -> str:
    """Return the words of the HTML report, one element a line, without its figures."""
    page = _Words()
    page.feed(html.render(report))
    return "\n".join(page.words) + "\n"


def plain(value: Any, digits: int) -> Any:
    """Return ``value`` as what JSON knows; a dataclass with its class's name and its properties."""
    if is_dataclass(value):
        return _object(value, digits)
    if isinstance(value, np.ndarray):
        return _array(value, digits)
    if isinstance(value, Mapping):
        return {str(key): plain(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, digits) for item in value]
    return _scalar(value, digits)


def _scalar(value: Any, digits: int) -> Any:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}: {value.value}"
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}g}"
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} is not known to findings: say how it is written")


def _object(value: Any, digits: int) -> dict[str, Any]:
    name = type(value).__name__
    digits = SINGLE_DIGITS if name == "Inside" else digits
    names = [*(field.name for field in fields(value)), *_computed(type(value))]
    names = [key for key in names if key != "results_digest"]  # of numbers in all their digits
    return {"class": name, **{key: plain(getattr(value, key), digits) for key in names}}


def _computed(cls: type) -> list[str]:
    """Return the names of a class's public properties, in the order of the alphabet."""
    return [name for name in dir(cls) if name[0] != "_" and isinstance(getattr(cls, name), COMPUTED)]


def _array(value: np.ndarray[Any, Any], digits: int) -> Any:
    """Return numbers; of an image a digest, of float32 the norm, which no single rounding changes."""
    kind = f"{value.dtype} {'x'.join(map(str, value.shape))}"
    if value.dtype == np.uint8:
        return f"{kind} {sha256(value.tobytes()).hexdigest()}"
    if value.dtype == np.float32:
        return f"{kind} norm {np.linalg.norm(value.astype(float)):.{SINGLE_DIGITS}g}"
    return [kind, *plain(value.tolist(), digits)]


def _lines(value: Any, indent: str = "") -> list[str]:
    """Return JSON in pieces: objects and what holds them over several lines, all else on one."""
    deeper = indent + " "
    if isinstance(value, dict) and value:
        items = [
            [f"{deeper}{json.dumps(key, ensure_ascii=False)}: ", *_lines(item, deeper)]
            for key, item in value.items()
        ]
        ends = "{}"
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        items = [[deeper, *_lines(item, deeper)] for item in value]
        ends = "[]"
    else:
        return [json.dumps(value, ensure_ascii=False)]
    return [f"{ends[0]}\n", ",\n".join(map("".join, items)), f"\n{indent}{ends[1]}"]


def _stripped(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


class _Words(HTMLParser):
    """Collects the text of a page; what is drawn or styled is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("svg", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and not self.inside:
            self.words.append(words)
