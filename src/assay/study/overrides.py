"""What is laid over a whole study: dotted keys or tables, which must reach every arm."""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

from assay.errors import StudyError, UsageError, shown
from assay.study import tables
from assay.study.settings import SETTINGS
from assay.study.tables import Table
from assay.study.values import plain, undotted


def nested(overrides: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return overrides as nested tables; `StudyError` where a key contradicts another."""
    try:
        return dict(plain(undotted(overrides), where))
    except StudyError as error:
        message = str(error).removeprefix(f"{where}: ")
        raise StudyError(f"{where}: {message}") from None


def expect_reach(changes: Table, base: Table, arms: Mapping[str, Iterable[Table]], where: str) -> None:
    """Refuse settings that an arm's levels lay themselves over: they would change some arms, or none.

    ``base`` is what all arms share, with ``changes`` in it; ``arms`` maps each arm to its levels' tables.
    """
    changed = {key: value for key, value in changes.items() if key in SETTINGS}
    for arm, levels in arms.items() if changed else ():
        values = reduce(tables.merge, levels, base)
        for path, value in tables.leaves(changed):
            if tables.at(values, path) != tables.at(base, path):
                raise UsageError(
                    f"{where}: {'.'.join(path)}={shown(value)}: does not reach arm {arm!r}: its level has "
                    "another (change the level in the study)"
                )
