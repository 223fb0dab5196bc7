"""TOML, as study files have it: read in bounded time, whatever the text, and written as people write it."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import tomli_w

MOST_PARTS = 32
"""Parts of a dotted key: a study's tables lie no deeper."""
MOST_DOTS = 1_000
"""Dots in a line: the time that the standard library takes for a dotted key grows with their square."""
MOST_TABLES = 10_000
"""Tables with a header, or a dotted name: each takes about a thousand bytes."""
LONGEST_NUMBER = 10_000
"""Characters of a number: what the standard library looks for it with takes a hundred bytes for each."""
_NUMBER = re.compile(rf"(?<![\w.+-])[+-]?[0-9][0-9A-Za-z_.+-]{{{LONGEST_NUMBER}}}")
_TABLE = re.compile(r"^[ \t]*+\[|(?<=[\w\"'])[ \t]*+\.[ \t]*+(?=[A-Za-z_\"'])", re.MULTILINE)
_PART = r"""(?:"(?:[^"\\\n]|\\.){0,100}+"|'[^'\n]{0,100}+'|[A-Za-z0-9_-]++)"""
_DEEP = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MOST_PARTS},}}+")
_NUMBERS = re.compile(r"\[\n(?:\s+[-+.\w]+,\n)+\s*\]")
"""An array of numbers, one per line; no string spans lines, so nothing else matches."""


def loads(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises `tomllib.TOMLDecodeError`, or another `ValueError` for valid TOML beyond sensible limits.
    """
    for number, written in enumerate(text.split("\n"), start=1):
        if written.count(".") > MOST_DOTS:
            raise ValueError(f"line {number} has more than {MOST_DOTS:,} dots")
    if deep := _DEEP.search(text):
        raise ValueError(f"line {_line(text, deep)} has a dotted name of more than {MOST_PARTS} parts")
    if long := _NUMBER.search(text):
        raise ValueError(f"line {_line(text, long)} has a number of thousands of digits")
    if sum(1 for _ in _TABLE.finditer(text)) > MOST_TABLES:
        raise ValueError(f"it has more than {MOST_TABLES:,} tables")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python does not parse integers of more than 4,300 digits
        raise ValueError("an integer has thousands of digits") from None
    except RecursionError:
        raise ValueError("tables or lists are nested without end") from None


def dumps(tables: Mapping[str, Any]) -> str:
    """Return a study's tables as the text of its file; what is None is left out.

    Seeds that count from 0 are given as their number, and arrays of numbers are on one line.
    """
    values = _without_none(tables)
    seeds = values.get("seeds")
    if isinstance(seeds, list) and seeds and seeds == list(range(len(seeds))):
        values["seeds"] = len(seeds)
    return _NUMBERS.sub(_on_one_line, tomli_w.dumps(values))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def _on_one_line(array: re.Match[str]) -> str:
    return f"[{' '.join(array[0][1:-1].split()).rstrip(',')}]"


def _line(text: str, found: re.Match[str]) -> int:
    """Return the number of the line in which something was found."""
    return text.count("\n", 0, found.start()) + 1
