"""The seeds of a study, and the looks: the numbers of seeds at which there may be a verdict."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from assay.errors import StudyError, shown

USUAL = 5
"""The default number of seeds."""
FEWEST = 3
"""The fewest seeds that a look can have: two give no interval."""
MOST = 100_000


def seeds_and_looks(
    values: Mapping[str, Any], where: str, seeds: Sequence[int] = tuple(range(USUAL)), looks: Any = ()
) -> dict[str, Any]:
    """Return ``seeds`` and ``looks`` from a table if it has them, or else unchanged.

    With looks alone, the last one is the number of seeds; with seeds alone, the looks below them stay.
    """
    given = values.get("looks", ())
    if not isinstance(given, list | tuple):
        raise StudyError(f"{where}: looks must be a list of numbers of seeds; got {shown(given)}")
    if given:
        check_looks(tuple(given), given[-1], where)
    found = _seeds(values.get("seeds", given[-1] if given else seeds), where)
    return {"seeds": found, "looks": tuple(given) if "looks" in values else looks_up_to(looks, len(found))}


def given_seeds_and_looks(seeds: Any, looks: Any, where: str) -> dict[str, Any]:
    """Return ``seeds`` and ``looks`` that were given in Python: None and () stand for the defaults."""
    given = {"seeds": seeds} if seeds is not None else {}
    given |= {"looks": looks} if looks != () else {}
    return seeds_and_looks({key: _listed(value) for key, value in given.items()}, where)


def _listed(value: Any) -> Any:
    """Return a range, such as of seeds, as a list, unless it is far too long."""
    return list(value) if isinstance(value, range) and len(value) <= MOST else value


def _seeds(value: Any, where: str) -> tuple[int, ...]:
    """Turn a count or a list into seeds."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MOST:
            raise StudyError(f"{where}: seeds must be from 1 to {MOST:,}; got {shown(value)}")
        return tuple(range(value))
    if not isinstance(value, list | tuple):
        raise StudyError(
            f"{where}: seeds must be a number of seeds or a list of integers; got {shown(value)}"
        )
    return tuple(value)


def first_seeds(seeds: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the first ``count`` seeds; if there are fewer, add the smallest unused ones."""
    more = (seed for seed in range(count) if seed not in seeds)
    return (*seeds, *more)[:count]


def looks_up_to(looks: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the looks below ``count`` and, if there are any, ``count`` as the last one."""
    if count in looks[-1:]:
        return tuple(looks)
    below = tuple(look for look in looks if look < count)
    return (*below, count) if below else ()


def check_seeds(seeds: tuple[int, ...], where: str) -> None:
    """Refuse invalid and repeated seeds."""
    seen: set[int] = set()
    for seed in seeds:
        if not _whole(seed) or not 0 <= seed < 2**63:
            raise StudyError(f"{where}: seeds must be integers 0..2^63-1; got {shown(seed)}")
        if seed in seen:
            raise StudyError(f"{where}: seed {seed} listed twice; repeats are not independent runs")
        seen.add(seed)
    if not seeds:
        raise StudyError(f"{where}: seeds must be at least 1; got none")


def check_looks(looks: tuple[Any, ...], seeds: int, where: str) -> None:
    """Refuse looks that do not increase from `FEWEST` to the number of seeds."""
    if not all(map(_whole, looks)) or any(a >= b for a, b in pairwise((FEWEST - 1, *looks))):
        raise StudyError(
            f"{where}: looks must be increasing numbers of seeds, the first at least {FEWEST}; "
            f"got {shown(list(looks))}"
        )
    if looks and looks[-1] != seeds:
        raise StudyError(
            f"{where}: the last of looks must be the number of seeds, {seeds}; got {shown(looks[-1])}"
        )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
