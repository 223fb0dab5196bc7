"""The built-in studies, and how a study is loaded."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from assay.data.address import relative_to
from assay.errors import StudyError, suggestion
from assay.study import toml
from assay.study.study import Study

LARGEST_FILE = 1_000_000  # bytes; a study is a page of text


def builtin() -> list[str]:
    """Return the names of the built-in studies."""
    return sorted(
        item.name.removesuffix(".toml") for item in files(__name__).iterdir() if item.name.endswith(".toml")
    )


def load_study(source: str | Path | Mapping[str, Any]) -> Study:
    """Return a study by its built-in name, from a TOML file, or from equivalent tables.

    A relative path of data in a file is relative to the file.
    Raises `StudyError`, naming the file and the key that is wrong.
    """
    if isinstance(source, Mapping):
        return Study.from_tables(source)
    if str(source) in builtin():
        text = files(__name__).joinpath(f"{source}.toml").read_text("utf-8")
        return Study.from_tables(toml.loads(text), str(source))
    path = Path(source)
    if path.suffix != ".toml" and not os.path.exists(path):  # which, unlike Path.exists, accepts any text
        raise StudyError(
            f"study {str(source)!r} is unknown ({suggestion(str(source), builtin())}; or give a .toml file)"
        )
    return Study.from_tables(_placed(_read(path), path.parent), str(path))


def _placed(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a file's tables with the data's path taken from the folder of the file."""
    data = values.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("source"), str):
        return values
    return {**values, "data": {**data, "source": relative_to(folder, data["source"])}}


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
        raise StudyError(f"{path}: not valid TOML: {error}") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from None
