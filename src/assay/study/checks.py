"""Checks on a study's values alone, before any arm is built."""

import re
from collections.abc import Mapping
from typing import Any

from assay.errors import StudyError, shown, suggestion
from assay.records.metrics import MARGINS, check_margins
from assay.study import factors, tables
from assay.study.settings import TABLES, subtable
from assay.study.tables import Table

MAX_RUNS = 100_000
MAX_ARMS = 1_000
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The name of a study, an arm or a level, and of the files named after them."""
DIGEST = re.compile(r"[0-9a-f]{64}")
"""A digest of a study, of data or of a file, as text."""

_TYPES: tuple[tuple[str, Any, str], ...] = (
    ("question", str, "text"),
    ("base", Mapping, "a table"),
    ("control", str | None, "the name of an arm"),
    ("margin", int | float, "a number"),
    ("margins", Mapping, "a table"),
    ("source", str, "text"),
    ("claims", tuple | list, "a list of tables"),
    ("published", Mapping, "a table"),
    ("published_images", int | None, "a number of images"),
    ("quick", Mapping, "a table"),
    ("parent", str | None, "the digest of a study"),
    ("code", Mapping, "a table"),
)


def expect_name(name: object, where: str) -> None:
    """Refuse what cannot name a study, an arm or a level, or the files named after them."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise StudyError(
            f"{where}: expected a letter or digit, then letters, digits, . _ - (64 at most); "
            f"got {shown(name)}"
        )


def expect_types(values: Table, where: str) -> None:
    """Refuse arguments of a study that have the wrong type."""
    for key, types, called in _TYPES:
        value = values[key]
        if not isinstance(value, types) or isinstance(value, bool):
            raise StudyError(f"{where}: {key} must be {called}; got {shown(value)}")
    if not values["question"].strip():
        raise StudyError(f"{where}: question is empty (ask what the study is to answer)")
    parent = values["parent"]
    if parent is not None and not DIGEST.fullmatch(parent):
        raise StudyError(f"{where}: parent must be a study's digest, 64 hex digits; got {shown(parent)}")
    for file, digest in values["code"].items():
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise StudyError(f"{where}: code.{file} must be a digest, 64 hex digits; got {shown(digest)}")


def expect_plain(values: Table, where: str) -> None:
    """Refuse values that are not tables, and what TOML and JSON cannot both represent."""
    for key in TABLES:
        subtable(values["base"], key, where)
    tables.check_plain(values["base"], where)
    for key in ("factors", "quick", "published", "margins"):
        tables.check_plain(values[key], where, (key,))


def expect_margins(margin: float, margins: Mapping[str, float], images: int | None, where: str) -> None:
    """Refuse invalid margins, and an invalid number of published images."""
    if not MARGINS["accuracy"].allows(margin):
        raise StudyError(f"{where}: margin must be {MARGINS['accuracy'].expected}; got {shown(margin)}")
    check_margins(margins, where)
    if "accuracy" in margins:
        raise StudyError(f"{where}: margins.accuracy: the margin of accuracies is called margin (use that)")
    if images is not None and images < 1:
        raise StudyError(f"{where}: published_images must be at least 1; got {shown(images)}")


def expect_factors(found: Mapping[str, Mapping[str, Table]], seeds: int, where: str) -> None:
    """Refuse factors without levels, more runs than anyone can wait for, and keys shared by two factors."""
    arms = 1
    for name, levels in found.items():
        expect_name(name, f"{where}: factor {shown(name)}")
        _expect_levels(levels, f"{where}: factor {shown(name)}")
        arms *= len(levels)
    for count, what, most in ((arms * seeds, "runs", MAX_RUNS), (arms, "arms", MAX_ARMS)):
        if count > most:
            raise StudyError(f"{where}: {count:,} {what} are more than {most:,} (use fewer levels)")
    for level, overrides in (each for levels in found.values() for each in levels.items()):
        _expect_level(overrides, f"{where}: level {level!r}")
    factors.expect_own_keys(found, where)


def known_keys(values: Table, known: tuple[str, ...], where: str) -> None:
    """Refuse keys other than the known ones."""
    for key in values:
        if key not in known:
            raise StudyError(f"{where}: unknown key {shown(key)} ({suggestion(key, known)})")


def _expect_levels(levels: object, where: str) -> None:
    if not isinstance(levels, Mapping) or not levels:
        raise StudyError(f"{where} needs a table of levels; got {shown(levels)}")
    for level in levels:
        expect_name(level, f"{where}: level")


def _expect_level(overrides: Any, where: str) -> None:
    if not isinstance(overrides, Mapping):
        raise StudyError(f"{where}: expected the settings it changes; got {shown(overrides)}")
    known_keys(overrides, ("network", "optimizer", "training", "engine"), where)
    training = overrides.get("training", {})
    if isinstance(training, Mapping) and "measure" in training:
        raise StudyError(f"{where}: training.measure is the same for all arms (write it under [training])")
