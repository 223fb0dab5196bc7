"""``--set KEY=VALUE``: how a value is read."""

import re
import tomllib
from functools import reduce
from typing import Any

from assay.errors import UsageError, shown

TEXTS = ("name", "question", "source", "control", "parent")
"""Keys whose value is a text, whatever it may look like: an arm can be called ``no``."""

SPELLINGS = (
    (re.compile(r"(?<![\w.])([-+]?)\.(?=\d)"), r"\g<1>0."),  # .001
    (re.compile(r"(?<![\w.])(\d+)\.(?![\w.])"), r"\g<1>.0"),  # 1.
    (re.compile(r"(?<![\w.])(\d+)\.(?=[eE][-+]?\d)"), r"\g<1>.0"),  # 1.e3
    (re.compile(r"(?<![\w.-])(?:true|yes)(?![\w.-])", re.IGNORECASE), "true"),
    (re.compile(r"(?<![\w.-])(?:false|no)(?![\w.-])", re.IGNORECASE), "false"),
)
"""What people write for numbers and truths, and how TOML spells it."""


def setting(text: str, example: str = "network.filters=16") -> tuple[str, Any]:
    """Read KEY=VALUE as a key and a value; `UsageError`, with the ``example``, where it is none."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise UsageError(f"--set {shown(text)}: expected KEY=VALUE, such as {example}")
    return key, _value(value.strip(), spelt=key not in TEXTS)


def _value(text: str, spelt: bool) -> Any:
    """Read a value as TOML does, or in one of the other `SPELLINGS`; whatever else there is as a text."""
    for attempt in (text, _in_toml(text)) if spelt else (text,):
        try:
            return _toml(attempt)
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        except ValueError as error:
            raise UsageError(f"--set: {shown(text)}: {error}") from None
    return text


def _toml(text: str) -> Any:
    from assay.study import toml

    table = toml.loads(f"value = {text}")
    return table["value"] if list(table) == ["value"] else text


def _in_toml(text: str) -> str:
    """Spell numbers and truths as TOML does; quoted texts are the user's own."""
    if '"' in text or "'" in text:
        return text
    return reduce(lambda words, spelling: spelling[0].sub(spelling[1], words), SPELLINGS, text)
