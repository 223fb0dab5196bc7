"""A user's own code in a study, named as ``file.py:Name``: always read, run only where it is trusted.

A study keeps the digest of each file that it names (`Study.code`). Reading a study, from its file or from a
results folder, runs none of it; `trust` says that a file may be run. Where in its tables a study names code
is for `assay.study.own_references`.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import getsourcefile, isclass
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from assay.errors import AssayError, StudyError, UsageError, shown, suggestion
from assay.nn.authored import keep_digest
from assay.study import own_modules
from assay.study.own_modules import OwnFiles

Code = Mapping[str, str]
"""Digests of snapshots by the file that a study names."""

_snapshots: dict[str, OwnFiles] = {}
_folders: dict[str, set[Path]] = {}
"""The folders in which the same files were read, by digest."""
_trusted: set[str] = set()
_unchecked: set[str] = set()
_live: dict[tuple[str, str], ModuleType] = {}
"""Modules that the user's program has imported itself, by their snapshots' digests and their files."""


class OwnClass(str):
    """``file.py:Name``, with the ``digest`` of the file and of what it imports."""

    digest: str

    def __new__(cls, text: str, digest: str) -> "OwnClass":
        """Return the reference ``text`` to a class of the snapshot with this digest."""
        own = super().__new__(cls, text)
        own.digest = digest
        return own

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        """Return the arguments from which `pickle` and `copy` make it again."""
        return (str(self), self.digest)

    @property
    def file(self) -> str:
        """The file, as the study names it."""
        return self.rpartition(":")[0]

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.rpartition(":")[2]

    @property
    def trusted(self) -> bool:
        """Whether the file may be run."""
        return self.digest in _trusted

    def load(self, base: type) -> Any:
        """Return the class as `named` does, which must be a ``base``; `StudyError` if it is not."""
        found = self.named(base)
        if not isclass(found) or not issubclass(found, base):
            expected = f"{base.__module__.partition('.')[0]}'s {base.__name__}"
            raise StudyError(f"{self}: expected a class derived from {expected}; got {shown(found)}")
        return found

    def named(self, base: type = object) -> Any:
        """Run the file, unless that was done before, and return what has the name.

        Raises `UsageError` if the file is not trusted, and `StudyError` where it cannot be run, or has
        nothing of that name; then it suggests classes of ``base``.
        """
        expect_trusted({self.file: self.digest}, str(self))
        with blamed(self.digest):
            module = _live.get((self.digest, self.file)) or _snapshots[self.digest].module(self.file)
        found = getattr(module, self.name, None)
        if found is None:
            own = [key for key, value in vars(module).items() if _is_own(value, module, base)]
            none = "it has none" if base is object else f"it has no class of {base.__name__}"
            raise StudyError(
                f"{self.file}: no class {self.name!r} ({suggestion(self.name, own) if own else none})"
            )
        return found


def _is_own(value: object, module: ModuleType, base: type) -> bool:
    return isclass(value) and issubclass(value, base) and value.__module__ == module.__name__


def keep(snapshot: OwnFiles) -> str:
    """Keep files that were read for as long as the process runs; return their digest."""
    _folders.setdefault(snapshot.digest, set()).add(snapshot.folder)
    return _snapshots.setdefault(snapshot.digest, snapshot).digest


def snapshot_of(digest: str) -> OwnFiles | None:
    """Return the files with this digest; None if they were not read."""
    return _snapshots.get(digest)


def trust(code: Code, files: Iterable[str | Path], where: str, *, unchecked: bool = False) -> None:
    """Allow running ``files``, each named as in the study or by its path; with what they import.

    With ``unchecked`` they may be trained with although a gradient is wrong.

    Raises `UsageError` for a file that the study does not name.
    """
    for file in files:
        names = [name for name, digest in code.items() if _means(str(file), name, digest)]
        if not names:
            hint = suggestion(str(file), code) if code else "it has no code of its own"
            raise UsageError(f"{where}: --trust {file}: not named by the study ({hint})")
        _trusted.update(code[name] for name in names)
        if unchecked:
            _unchecked.update(code[name] for name in names)


def _means(file: str, name: str, digest: str) -> bool:
    there = [(folder / name).resolve() for folder in _folders.get(digest, ())]
    return file == name or Path(file).resolve() in there


def is_running(code: Code) -> bool:
    """Whether a file is the program that runs here, which a worker's process would run once more."""
    return any(_live.get((digest, file)) is sys.modules["__main__"] for file, digest in code.items())


def is_unchecked(code: Code) -> bool:
    """Whether a file may be trained with although a gradient is wrong."""
    return not _unchecked.isdisjoint(code.values())


def expect_trusted(code: Code, where: str) -> None:
    """Raise `UsageError` unless every file of ``code`` may be run."""
    missing = [file for file, digest in code.items() if digest not in _trusted]
    if missing:
        options = " ".join(f"--trust {file}" for file in missing)
        raise UsageError(
            f"{where}: needs to run code of its own, {', '.join(missing)} (if you trust it: {options}; "
            f"in Python, trust={missing})"
        )


def reference_to(cls: type, where: str) -> OwnClass:
    """Return the reference to a class of the user's running program, which is trusted.

    Raises `StudyError` for a class that is in no file, or inside another class or function.
    """
    module = sys.modules.get(cls.__module__)
    try:
        source = getsourcefile(cls)
    except (TypeError, OSError):
        source = None
    at_the_top = module is not None and getattr(module, cls.__name__, None) is cls
    if source is None or not source.endswith(".py") or module is None or not at_the_top:
        raise StudyError(
            f"{where}: {cls.__name__} is not at the top of a .py file, so that a study cannot keep it "
            "(put it into a file and import it)"
        )
    path = Path(source).absolute()
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    file = path.relative_to(folder).as_posix()
    for digest, snapshot in _snapshots.items():
        if module.__name__.startswith(f"{snapshot.package}."):
            return OwnClass(f"{file}:{cls.__name__}", digest)
    digest = keep(own_modules.read(folder, file))
    _live[digest, file] = module
    keep_digest(module.__name__, digest)
    _trusted.add(digest)
    return OwnClass(f"{file}:{cls.__name__}", digest)


@contextmanager
def blamed(digest: str) -> Iterator[None]:
    """Turn what a user's code raises into a `StudyError` of one line that says where in it that was."""
    try:
        yield
    except AssayError:
        raise
    except (Exception, SystemExit) as error:
        raise StudyError(told(error, _snapshots[digest])) from error


def told(error: BaseException, snapshot: OwnFiles) -> str:
    """Say in one line what a user's code raised, and on which line of which file."""
    message = (str(error).strip() or "no message").splitlines()[0]
    paths = {str(snapshot.folder / name): name for name in snapshot.texts}
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename in paths]
    place = f"{paths[frames[-1].filename]}, line {frames[-1].lineno}" if frames else snapshot.file
    return f"{place}: {type(error).__name__}: {message}"
