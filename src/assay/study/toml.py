"""TOML, read so that no text takes long."""

import tomllib
from typing import Any

MOST_DOTS = 1_000
"""Dots in a line: the time that the standard library takes for a dotted key grows with their square."""


def loads(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises `tomllib.TOMLDecodeError`, or `RecursionError` or another `ValueError` for what is TOML but
    beyond sense.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MOST_DOTS:
            raise ValueError(f"line {number} has more than {MOST_DOTS:,} dots")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise ValueError("an integer has thousands of digits") from None
