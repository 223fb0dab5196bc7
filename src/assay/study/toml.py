"""TOML, read so that no text takes long."""

import re
import tomllib
from typing import Any

MOST_PARTS = 32
"""Parts of a dotted key: a study's tables lie no deeper."""
MOST_DOTS = 1_000
"""Dots in a line: the time that the standard library takes for a dotted key grows with their square."""
_PART = r"""(?:"(?:[^"\\\n]|\\.){0,100}+"|'[^'\n]{0,100}+'|[A-Za-z0-9_-]++)"""
_DEEP = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MOST_PARTS},}}+")


def loads(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises `tomllib.TOMLDecodeError`, or another `ValueError` for what is TOML but beyond sense.
    """
    for number, written in enumerate(text.split("\n"), start=1):
        if written.count(".") > MOST_DOTS:
            raise ValueError(f"line {number} has more than {MOST_DOTS:,} dots")
    if deep := _DEEP.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise ValueError(f"line {line} has a dotted name of more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise ValueError("an integer has thousands of digits") from None
    except RecursionError:
        raise ValueError("tables or lists are nested without end") from None
