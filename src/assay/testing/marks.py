"""Marks: a check summarised part by part, and tables of many checks."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from xml.etree import ElementTree

from assay.testing.check import Check
from assay.testing.comparison import EVALUATION

RIGHT, WRONG = "right", "wrong"


@dataclass(frozen=True)
class Mark:
    """One class or function of one file."""

    file: str
    name: str
    status: str
    """``right``, ``wrong``, ``not written``, ``error``, ``too slow`` or ``crashed``."""
    parts: Mapping[str, Any] = field(default_factory=dict)
    """``right`` or ``wrong`` for forward, each gradient and modes, and ``speed``, as `parts` gives them."""
    detail: str = ""
    points: float | None = None
    """What a teacher's spec gives for the parts that are right; None without one."""
    held: tuple[str, ...] = ()
    """What its process was held to: "no network", as far as the system allows."""

    @property
    def passed(self) -> bool:
        """Whether it is right."""
        return self.status == RIGHT


def parts(check: Check) -> dict[str, Any]:
    """Return what is right and what wrong, part by part.

    ``forward`` is there where there is a built-in to compare with, and so is
    ``speed``, the time forward and backward over the built-in's.
    """
    found: dict[str, Any] = {}
    compared = check.comparison
    if compared:
        found["forward"] = WRONG if any(each.argument == "y" for each in compared.differences) else RIGHT
    wrong = {each.argument for each in check.mismatches}
    for name in check.arguments:
        found[f"dL/d{name}"] = WRONG if name in wrong else RIGHT
    evaluation = compared and any(each.argument == EVALUATION for each in compared.differences)
    found["modes" if check.kind == "layer" else check.kind] = WRONG if check.faults or evaluation else RIGHT
    found["writes"] = "; ".join(check.writes)
    if compared:
        theirs, ours = (timing.median for timing in compared.forward_backward)
        found["speed"] = round(theirs / ours, 3)
    return found


def points_for(mark_parts: Mapping[str, Any], status: str, points: Mapping[str, float]) -> float:
    """Return the points of the parts that are right, and those for ``all`` where the whole is."""
    total = sum(value for name, value in points.items() if mark_parts.get(name) == RIGHT)
    return total + (points.get("all", 0) if status == RIGHT else 0)


def table(marks: Sequence[Mark]) -> list[str]:
    """Return the table as lines of text."""
    rows = [["file", "what", "is", "wrong in", "speed", "points", ""]]
    for mark in marks:
        wrong = ", ".join(name for name, value in mark.parts.items() if value == WRONG)
        speed = f"{mark.parts['speed']:.2g}x" if "speed" in mark.parts else ""
        points = "" if mark.points is None else f"{mark.points:g}"
        rows.append([mark.file, mark.name, mark.status, wrong, speed, points, _short(mark.detail)])
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
    right = sum(mark.passed for mark in marks)
    held = [words for words in (marks[0].held if marks else ()) if all(words in m.held for m in marks)]
    process = [f"each file in a process of its own: {', '.join(held)}"] if held else []
    return [*(line.rstrip() for line in lines), *process, f"{right} of {len(marks)} right"]


def json_text(marks: Sequence[Mark]) -> str:
    """Return the marks as JSON, a list of objects."""
    return json.dumps([asdict(mark) for mark in marks], indent=2)


def csv_text(marks: Sequence[Mark]) -> str:
    """Return the marks as CSV; each part has a column, empty where it does not apply."""
    names = list(dict.fromkeys(name for mark in marks for name in mark.parts))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file", "name", "status", *names, "points", "detail"])
    for mark in marks:
        values = [mark.parts.get(name, "") for name in names]
        writer.writerow([mark.file, mark.name, mark.status, *values, mark.points, mark.detail])
    return stream.getvalue()


def junit_text(marks: Sequence[Mark]) -> str:
    """Return the marks as JUnit's XML: a suite for each file, a case for each class."""
    root = ElementTree.Element("testsuites")
    for file in dict.fromkeys(mark.file for mark in marks):
        own = [mark for mark in marks if mark.file == file]
        wrong = sum(mark.status == WRONG for mark in own)
        errors = sum(mark.status not in (RIGHT, WRONG) for mark in own)
        counts: dict[str, str] = {"tests": str(len(own)), "failures": str(wrong), "errors": str(errors)}
        suite = ElementTree.SubElement(root, "testsuite", {"name": file, **counts})
        for mark in own:
            case = ElementTree.SubElement(suite, "testcase", classname=file, name=mark.name)
            if not mark.passed:
                kind = "failure" if mark.status == WRONG else "error"
                ElementTree.SubElement(case, kind, message=_printable(f"{mark.status}: {mark.detail}"))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


FORMS = {"json": json_text, "csv": csv_text, "junit": junit_text}
"""The forms of a table for programs, by their names."""


def _short(words: str, most: int = 120) -> str:
    plain = _printable(words)
    return plain if len(plain) <= most else f"{plain[: most - 3]}..."


def _printable(words: str) -> str:
    return "".join(c if c.isprintable() else " " for c in words)
