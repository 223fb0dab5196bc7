"""A user's own Python files as they were read: what they import from one another, and how they are run.

An `OwnFiles` is a file with the neighbours that it imports, found without running anything. It is run from
the bytes that were read, under module names that bear its digest: what is run is what the digest
is of, and two studies can each have a ``layers.py``.
"""

import ast
import builtins
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePosixPath
from threading import local
from types import ModuleType
from typing import Any

from assay.errors import StudyError

PREFIX = "assay_own_"
LARGEST = 1_000_000
"""The most bytes of a file."""
MOST = 100
"""The most files of one snapshot."""


@dataclass(frozen=True)
class OwnFiles:
    """A Python file and the neighbours that it imports, as they were read from ``folder``.

    ``file`` and the names of ``texts`` are relative to ``folder``, with forward slashes.
    """

    file: str
    folder: Path
    texts: Mapping[str, bytes] = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the names and contents of all files."""
        parts = [f"{name}\n{sha256(text).hexdigest()}\n" for name, text in sorted(self.texts.items())]
        return sha256("".join(parts).encode()).hexdigest()

    @property
    def package(self) -> str:
        """The package under which the files are imported."""
        return f"{PREFIX}{self.digest[:16]}"

    def module(self, file: str) -> ModuleType:
        """Run one of the files, unless that was done before, and return it as a module."""
        _installed[self.package] = self
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.append(_Finder())
        return import_module(f"{self.package}.{_dotted(file)}")

    def located(self, name: str, importer: str) -> str | None:
        """Return the file that ``importer`` means by ``name``; None if it is none of these."""
        return _located(name, importer, lambda file: file in self.texts)


def read(folder: Path, file: str) -> OwnFiles:
    """Read ``file``, a path below ``folder``, and what it imports from there.

    Raises `StudyError` for a file that is missing, is elsewhere, or is not Python.
    """
    name = PurePosixPath(file)
    if name.is_absolute() or ".." in name.parts or "\\" in file:
        raise StudyError(
            f"{file}: expected a file in the folder of the study file, or in a folder there (move it there)"
        )
    texts: dict[str, bytes] = {}
    waiting = [*_packages(str(name), folder), str(name)]
    while waiting:
        each = waiting.pop()
        if each not in texts:
            texts[each] = _text(folder, each)
            waiting += _neighbours(each, texts[each], folder)
        if len(texts) > MOST:
            raise StudyError(f"{file}: imports more than {MOST} files of its folder (use fewer)")
    return OwnFiles(str(name), folder, texts)


def _text(folder: Path, file: str) -> bytes:
    path = folder / file
    if not path.is_file():
        raise StudyError(f"{path}: no such file")
    try:
        if path.stat().st_size > LARGEST:
            raise StudyError(f"{path}: larger than {LARGEST:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror})") from None


def _packages(file: str, folder: Path) -> Iterator[str]:
    """Yield the ``__init__.py`` of the packages that a file is in."""
    for parent in PurePosixPath(file).parents:
        if (folder / parent / "__init__.py").is_file() and parent != PurePosixPath():
            yield str(parent / "__init__.py")


def _neighbours(file: str, text: bytes, folder: Path) -> Iterator[str]:
    """Yield the files of ``folder`` that a file imports, wherever in its code."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise StudyError(
            f"{folder / file}{line}: not valid Python ({getattr(error, 'msg', error)})"
        ) from None
    for name, level in _imported(tree):
        found = (
            _located(name, file, lambda each: (folder / each).is_file())
            if level == 0
            else _relative(name, level, file, folder)
        )
        if found:
            yield from _packages(found, folder)
            yield found


def _imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names that code imports, each with its level: how many dots were before it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base, node.level
            yield from (
                (f"{base}.{alias.name}".lstrip("."), node.level) for alias in node.names if alias.name != "*"
            )


def _located(name: str, importer: str, there: Callable[[str], bool]) -> str | None:
    """Return the file of an absolute name: beside the importer, or in the folder of all."""
    if not name:
        return None
    for home in dict.fromkeys((PurePosixPath(importer).parent, PurePosixPath())):
        place = home / name.replace(".", "/")
        for file in (str(place / "__init__.py"), f"{place}.py"):
            if there(file):
                return file
    return None


def _relative(name: str, level: int, importer: str, folder: Path) -> str | None:
    parents = PurePosixPath(importer).parents
    if level > len(parents):
        return None
    place = parents[level - 1] / name.replace(".", "/")
    candidates = (str(place / "__init__.py"), f"{place}.py")
    return next((file for file in candidates if (folder / file).is_file()), None)


def _dotted(file: str) -> str:
    """Return the name of a file as a module."""
    path = PurePosixPath(file)
    path = path.parent if path.name == "__init__.py" else path.with_suffix("")
    return ".".join(path.parts)


_importing = local()
"""``file`` is the file whose code this thread runs in order to import it."""


def importing() -> str:
    """Return the file that this thread imports for a study; empty if it imports none."""
    return getattr(_importing, "file", "")


_installed: dict[str, OwnFiles] = {}
"""Snapshots that were run, by their packages."""


class _Finder:
    """Finds the modules of snapshots that were run, and no others."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        del path, target
        package, _, inner = name.partition(".")
        snapshot = _installed.get(package)
        if snapshot is None:
            return None
        place = inner.replace(".", "/")
        files = (f"{place}/__init__.py", f"{place}.py") if inner else ()
        file = next((each for each in files if each in snapshot.texts), None)
        is_folder = not inner or any(each.startswith(f"{place}/") for each in snapshot.texts)
        if file is None and not is_folder:
            return None
        is_package = is_folder and file != f"{place}.py"
        return ModuleSpec(name, _Loader(snapshot, file), is_package=is_package)


@dataclass(frozen=True)
class _Loader(Loader):
    """Runs one file of a snapshot; a folder without ``__init__.py`` is an empty package."""

    snapshot: OwnFiles
    file: str | None

    def create_module(self, spec: ModuleSpec) -> None:
        del spec

    def exec_module(self, module: ModuleType) -> None:
        if self.file is None:
            return
        path = str(self.snapshot.folder / self.file)
        module.__file__ = path
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
        outer, _importing.file = importing(), self.file
        try:
            exec(compile(self.snapshot.texts[self.file], path, "exec"), module.__dict__)
        finally:
            _importing.file = outer

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import as ``import`` does, with neighbours taken from the snapshot."""
        top = self._own(name.partition(".")[0]) if level == 0 else None
        if top is None:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = import_module(f"{top}{name[len(name.partition('.')[0]) :]}")
        for each in fromlist or ():
            if not hasattr(module, each) and self._own(f"{name}.{each}"):
                import_module(f"{module.__name__}.{each}")
        return module if fromlist else import_module(top)

    def _own(self, name: str) -> str | None:
        """Return the module's name in the snapshot; None if there is no such file."""
        file = self.snapshot.located(name, self.file or "")
        if file is None:
            file = next((each for each in self.snapshot.texts if each.startswith(f"{name}/")), None)
            return f"{self.snapshot.package}.{name}" if file else None
        return f"{self.snapshot.package}.{_dotted(file)}"
