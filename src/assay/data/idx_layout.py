"""Where the IDX files of a set lie: in a folder, or in folders in it, under the names that are in use."""

import os
import re
from pathlib import Path

from assay.errors import DataError, reason, suggestion

NAME = re.compile(
    r"(?P<prefix>(?!\.).*?)(?P<part>train|test|t10k|valid|val)-(?P<kind>images|labels)[-.]idx[134]-ubyte(\.gz)?"
)
PARTS = {"train": "train", "test": "test", "t10k": "test", "valid": "valid", "val": "valid"}
DEEPEST, MOST_FOLDERS = 2, 500
"""How far below the folder that was named, and in how many folders, files are looked for."""
SHOWN = 5
Files = dict[tuple[str, str], Path]  # (train, valid or test; images or labels) -> file


def find(path: Path, prefix: str | None) -> tuple[Path, str, Files]:
    """Return the folder, the prefix and the files of the only set at ``path``, or of the one asked for."""
    if prefix is None and not path.is_dir() and (named := NAME.fullmatch(path.name)):
        path, prefix = path.parent, named["prefix"]
    folder, sets = _below(path)
    known = sorted(sets)
    if prefix is not None and known:
        wanted = prefix if prefix in sets else f"{prefix}-"
        if wanted not in sets:
            raise DataError(f"{folder}: no files start with {prefix!r} ({suggestion(prefix, known)})")
        known = [wanted]
    if not known:
        raise DataError(
            f"{folder}: no IDX files (expected names like train-images-idx3-ubyte or ...-ubyte.gz)"
        )
    if len(known) > 1:
        names = ", ".join(name.rstrip("-") or "(none)" for name in known)
        raise DataError(
            f"{folder}: holds {len(known)} sets; choose one by adding ?prefix=NAME (known: {names})"
        )
    _expect_pairs(folder, known[0], sets[known[0]])
    return folder, known[0], sets[known[0]]


def is_ours(name: str) -> bool:
    """Whether a file or folder is not one that a file system or an archiver leaves beside others."""
    return not name.startswith(".") and name != "__MACOSX"


def _below(folder: Path) -> tuple[Path, dict[str, Files]]:
    """Return the folder that holds IDX files: the one named, or the only one below it."""
    level, looked = [folder], 0
    for _ in range(DEEPEST + 1):
        found = [(one, sets) for one in level if (sets := _sets(one, named=one is folder))]
        if len(found) > 1:
            names = ", ".join(str(one.relative_to(folder)) for one, _ in found[:SHOWN])
            raise DataError(f"{folder}: holds {len(found)} folders of IDX files; name one of them ({names})")
        if found:
            return found[0]
        looked += len(level)
        level = [below for one in level for below in _listed(one) if below.is_dir()][: MOST_FOLDERS - looked]
    return folder, {}


def _listed(folder: Path, *, named: bool = False) -> list[Path]:
    """Return the folders and IDX files in a folder, none hidden; an error where the user ``named`` it."""
    try:
        with os.scandir(folder) as entries:  # there may be millions of others
            return sorted(folder / entry.name for entry in entries if _matters(entry))
    except (OSError, ValueError) as error:
        if not named:
            return []
        raise DataError(f"{folder}: cannot be read: {reason(error)} (name a folder of IDX files)") from error


def _matters(entry: os.DirEntry[str]) -> bool:
    try:
        return is_ours(entry.name) and bool(NAME.fullmatch(entry.name) or entry.is_dir())
    except OSError:  # a link to itself
        return False


def _sets(folder: Path, *, named: bool) -> dict[str, Files]:
    sets: dict[str, Files] = {}
    paths = [path for path in _listed(folder, named=named) if NAME.fullmatch(path.name)]
    plain_last = sorted(paths, key=lambda path: (not path.is_dir(), path.suffix != ".gz"))
    for path in plain_last:  # a plain file is taken before its .gz, and a file before a folder of its name
        found = NAME.fullmatch(path.name)
        file = _inside(path) if path.is_dir() else path
        if found and file:
            sets.setdefault(found["prefix"], {})[PARTS[found["part"]], found["kind"]] = file
    return sets


def _inside(folder: Path) -> Path | None:
    """Return the file in a folder that is named like a file, as Kaggle's archives have it."""
    files = [path for path in _listed(folder) if NAME.fullmatch(path.name) and path.is_file()]
    return next((path for path in files if path.name == folder.name), files[0] if files else None)


def _expect_pairs(folder: Path, prefix: str, files: Files) -> None:
    """Refuse images without labels and labels without images, and a set without training images."""
    for part in dict.fromkeys(["train", *(part for part, _ in files)]):
        for kind, digit in (("images", 3), ("labels", 1)):
            if (part, kind) not in files:
                raise DataError(
                    f"{folder}: lacks {prefix}{part}-{kind}-idx{digit}-ubyte (or the same with .gz)"
                )
