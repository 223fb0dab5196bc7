"""``--set KEY=VALUE``: how a value is parsed."""

import re
import tomllib
from functools import reduce
from typing import Any

from assay.errors import UsageError, shown

TEXTS = ("name", "question", "source", "control", "parent")
"""Keys whose value is a string, whatever it looks like: an arm can be called ``no``."""

SPELLINGS = (
    (re.compile(r"(?<![\w.])([-+]?)\.(?=\d)"), r"\g<1>0."),  # .001
    (re.compile(r"(?<![\w.])(\d+)\.(?![\w.])"), r"\g<1>.0"),  # 1.
    (re.compile(r"(?<![\w.])(\d+)\.(?=[eE][-+]?\d)"), r"\g<1>.0"),  # 1.e3
    (re.compile(r"(?<![\w.-])(?:true|yes)(?![\w.-])", re.IGNORECASE), "true"),
    (re.compile(r"(?<![\w.-])(?:false|no)(?![\w.-])", re.IGNORECASE), "false"),
)
"""Ways to write numbers and booleans, and how TOML spells them."""


def setting(text: str, example: str = "network.filters=16") -> tuple[str, Any]:
    """Split KEY=VALUE into key and value; `UsageError`, showing the ``example``, if it is malformed."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise UsageError(f"--set {shown(text)}: expected KEY=VALUE, such as {example}")
    try:
        return key, _value(value.strip(), spelt=key not in TEXTS)
    except ValueError as error:
        raise UsageError(f"--set {key}: {shown(value.strip())}: {error}") from None


def _value(text: str, spelt: bool) -> Any:
    """Parse a value as TOML, or in one of the other `SPELLINGS`; anything else is a string.

    Raises `ValueError` for what is refused before it is parsed (`assay.study.toml`).
    """
    for attempt in (text, _in_toml(text)) if spelt else (text,):
        try:
            return _toml(attempt)
        except tomllib.TOMLDecodeError:
            continue
    return text


def _toml(text: str) -> Any:
    from assay.study import toml

    table = toml.loads(f"value = {text}")
    return table["value"] if list(table) == ["value"] else text


def _in_toml(text: str) -> str:
    """Spell numbers and booleans as TOML does; quoted strings are left unchanged."""
    if '"' in text or "'" in text:
        return text
    return reduce(lambda words, spelling: spelling[0].sub(spelling[1], words), SPELLINGS, text)
