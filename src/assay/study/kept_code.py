"""The copies of a user's code that results folders keep: written, compared, and read again."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from assay.errors import StoreError, StudyError, shown
from assay.study import own_modules
from assay.study.own_code import Code, keep, snapshot_of, trust
from assay.study.own_modules import OwnFiles


def restore(folder: Path, code: Code, files: Iterable[str | Path], where: str) -> None:
    """Read the code that a results folder keeps in ``folder``, and trust ``files`` of it.

    Raises `StoreError` where it is not the code that the runs were trained with.
    """
    for file, digest in code.items():
        if snapshot_of(digest) is None:
            keep(_kept(folder, file, digest))
    trust(code, files, where)


def faults(folder: Path, code: Code) -> Iterator[str]:
    """Say which of the files that a results folder keeps are not what its runs were trained with."""
    for file, digest in code.items():
        try:
            _kept(folder, file, digest)
        except StoreError as error:
            yield str(error)


def _kept(folder: Path, file: str, digest: str) -> OwnFiles:
    try:
        found = own_modules.read(folder, file)
    except StudyError as error:
        raise StoreError(str(error)) from None
    if found.digest != digest:
        raise StoreError(
            f"{folder / file}: this file, or one that it imports, is not what the runs were trained with "
            "(restore it)"
        )
    return found


def write(code: Code, folder: Path) -> None:
    """Write the files of a study's code, and what they import, into ``folder``."""
    for digest in code.values():
        for name, text in _texts(digest).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)


def changed(folder: Path, file: str, digest: str) -> str:
    """Say where the code of ``file`` differs from what a results folder keeps in ``folder``."""
    try:
        there = dict(own_modules.read(folder, file).texts)
    except StudyError as error:
        return str(error)
    now = _texts(digest)
    for name in sorted({*there, *now}):
        old, new = (texts.get(name, b"").decode("utf-8", "replace").splitlines() for texts in (there, now))
        if name not in there or name not in now:
            return f"{name} is {'new' if name in now else 'no longer imported'}"
        for number, (a, b) in enumerate(zip_longest(old, new), start=1):
            if a != b:
                return f"{name}, line {number}: {shown(a)} there, {shown(b)} now"
    return f"{file} differs"


def _texts(digest: str) -> Mapping[str, bytes]:
    snapshot = snapshot_of(digest)
    return snapshot.texts if snapshot else {}
