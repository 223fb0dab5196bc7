"""Reading TOML in bounded time, whatever the text."""

import re
import tomllib
from typing import Any

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


def _line(text: str, found: re.Match[str]) -> int:
    """Return the number of the line in which something was found."""
    return text.count("\n", 0, found.start()) + 1
