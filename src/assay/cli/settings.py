"""``--set KEY=VALUE``: how a value is read, and how settings are laid over a study."""

import re
import tomllib
from functools import reduce
from typing import TYPE_CHECKING, Any

from assay.errors import UsageError, shown

if TYPE_CHECKING:
    from assay.study.study import Study

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


def overridden(study: "Study", changes: dict[str, Any]) -> "Study":
    """Lay settings over a study, all at once, so that their order does not matter."""
    from assay.study import tables

    outer_first = sorted(changes, key=lambda key: key.count("."))  # a list before items of it
    nested = (tables.nest(key, changes[key]) for key in outer_first)
    study = study.override(reduce(tables.merge, nested, {}))
    for key, value in changes.items():
        _expect_reach(study, key, value)
    return study


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


def _expect_reach(study: "Study", key: str, value: Any) -> None:
    """Refuse a setting that an arm's own level lays itself over: it would change some arms, or none."""
    from assay.study import tables
    from assay.study.settings import SETTINGS

    paths = [path for path, _ in tables.leaves(tables.nest(key, value)) if path[0] in SETTINGS]
    for arm in study.arms if paths else ():
        levels = (study.factors[factor][level] for factor, level in arm.levels.items())
        values = reduce(tables.merge, levels, study.base)
        if any(tables.at(values, path) != tables.at(study.base, path) for path in paths):
            raise UsageError(
                f"{key}={shown(value)}: does not reach arm {arm.name!r}: its level has another "
                "(edit the study file)"
            )
