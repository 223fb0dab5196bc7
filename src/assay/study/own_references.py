"""Where the tables of a study name a user's own classes, as ``file.py:Name``."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.errors import StudyError
from assay.study import own_modules
from assay.study.own_code import Code, OwnClass, keep
from assay.study.tables import DEEPEST

REFERENCE = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
LAYER_KEYS = ("activation", "pooling", "batch_norm", "reduction")
"""The settings that can name a user's own layer, or hold a table with ``layer``."""
KEYS = ("layer", "rule", "kind", "module", *LAYER_KEYS)
"""The settings that can name a user's own class."""


def is_reference(value: object) -> bool:
    """Whether a setting's value names a class in a file."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def references(values: Any, key: str = "", depth: int = 0) -> Iterator[str]:
    """Yield every ``file.py:Name`` in nested tables and lists."""
    if depth > DEEPEST:
        return  # which is refused when tables are checked
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from references(value, str(name), depth + 1)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from references(value, key, depth + 1)
    elif key in KEYS and is_reference(values):
        yield values


def read(values: Any, folder: Path, known: Code, where: str) -> dict[str, str]:
    """Return the digests of all files that tables name; those not ``known`` are read from ``folder``.

    Nothing is run. Raises `StudyError`, after ``where``, for what cannot be read.
    """
    found: dict[str, str] = {}
    for text in references(values):
        file = text.rpartition(":")[0]
        digest = text.digest if isinstance(text, OwnClass) else known.get(file)
        try:
            found[file] = digest or keep(own_modules.read(folder, file))
        except StudyError as error:
            raise StudyError(f"{where}: {error}") from None
    return dict(sorted(found.items()))


def expect_known(values: Any, code: Any, where: str) -> None:
    """Refuse tables that name files without their digests, so that none is read by accident."""
    for text in references(values):
        file = text.rpartition(":")[0]
        if not isinstance(code, Mapping) or file not in code:
            raise StudyError(f"{where}: {text}: {file} has no digest under code (use assay.load_study)")


def bound(values: Any, code: Code, where: str) -> Any:
    """Return tables with each ``file.py:Name`` as `OwnClass`; `StudyError` where the file has no digest."""
    if next(references(values), None) is None:
        return values  # and no copy, which of very many layers would be large
    return _bound(values, code, where)


def _bound(values: Any, code: Code, where: str, key: str = "") -> Any:
    if isinstance(values, Mapping):
        return {name: _bound(value, code, where, str(name)) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_bound(value, code, where, key) for value in values]
    if key not in KEYS or not is_reference(values):
        return values
    file = values.rpartition(":")[0]
    if file not in code:
        raise StudyError(f"{where}: {key}: {file} has no digest under code (load the study from its file)")
    own = OwnClass(values, code[file])
    return {"layer": own} if key in LAYER_KEYS else own
