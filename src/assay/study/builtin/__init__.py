"""The built-in studies, and how a study is loaded."""

import os
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from assay.data.address import relative_to
from assay.errors import StudyError, suggestion
from assay.study import own_code, own_references, toml
from assay.study.study import Study

LARGEST_FILE = 1_000_000  # bytes; a study is a page of text
HINTS = {
    "Invalid value": " (texts stand in quotes)",
    "Cannot overwrite a value": " (a key stands there twice)",
}
"""What the parser of TOML says, and what it probably means."""


def builtin() -> list[str]:
    """Return the names of the built-in studies."""
    return sorted(
        item.name.removesuffix(".toml") for item in files(__name__).iterdir() if item.name.endswith(".toml")
    )


def load_study(
    source: str | Path | Mapping[str, Any], *, trust: Iterable[str | Path] = (), unchecked: bool = False
) -> Study:
    """Return a study by its built-in name, from a TOML file, or from equivalent tables.

    A relative path of data in a file is relative to the file.
    Python files that the study names are read from its folder, or from the current one, but run only if
    they are in ``trust``, by their names in the study or their paths; what a trusted file imports from that
    folder is trusted with it. ``unchecked`` lets runs be trained although a gradient of theirs is wrong.
    Raises `StudyError`, naming the file and the key that is wrong, and `UsageError` for a trusted file that
    the study does not name.
    """
    if isinstance(source, Mapping):
        return _with_code(source, "study", Path(), trust, unchecked)
    if str(source) in builtin():
        text = files(__name__).joinpath(f"{source}.toml").read_text("utf-8")
        return _with_code(toml.loads(text), str(source), Path(), trust, unchecked)
    path = Path(source)
    if path.suffix != ".toml" and not os.path.exists(path):  # which, unlike Path.exists, accepts any text
        raise StudyError(
            f"study {str(source)!r} is unknown ({suggestion(str(source), builtin())}; or give a .toml file)"
        )
    return _of_file(path, _read(path), trust, unchecked)


def study_in(path: Path, text: str, trust: Iterable[str | Path] = ()) -> Study:
    """Return the study of a file at ``path`` that holds ``text``, whether or not it is written yet."""
    return _of_file(path, toml.loads(text), trust)


def _of_file(
    path: Path, values: dict[str, Any], trust: Iterable[str | Path] = (), unchecked: bool = False
) -> Study:
    return _with_code(_placed(values, path.parent), str(path), path.parent, trust, unchecked)


def _placed(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a file's tables with the data's path taken from the folder of the file."""
    data = values.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("source"), str):
        return values
    return {**values, "data": {**data, "source": relative_to(folder, data["source"])}}


def _with_code(
    values: Mapping[str, Any], where: str, folder: Path, trust: Iterable[str | Path], unchecked: bool
) -> Study:
    """Return a study with the digests of the files that it names in ``folder``."""
    given = values.get("code", {})
    code = own_references.read(values, folder, {}, where)
    for file, digest in given.items() if isinstance(given, Mapping) else ():
        if file in code and code[file] != digest:
            raise StudyError(
                f"{where}: code: {file} was changed since its digest was written here "
                "(restore the file, or delete the line)"
            )
    own_code.trust(code, trust, where, unchecked=unchecked)
    return Study.from_tables({**values, "code": {**given, **code}} if code else values, where)


def _read(path: Path) -> dict[str, Any]:
    if not os.path.isfile(path):
        found = "not a file" if os.path.exists(path) else "no such file"
        raise StudyError(f"{str(path)!r}: {found} (a study is a .toml file; see `assay studies`)")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise StudyError(f"{path}: larger than {LARGEST_FILE:,} bytes (a study file is a page of text)")
        return toml.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise StudyError(f"{path}: line {line}: not UTF-8 (save it as UTF-8)") from None
    except (ValueError, RecursionError) as error:
        hint = next((hint for said, hint in HINTS.items() if str(error).startswith(said)), "")
        raise StudyError(f"{path}: not valid TOML: {error}{hint}") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from None
