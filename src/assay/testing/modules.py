"""Import a user's modules for one check: found before others of the same name, and unloaded afterwards.

Python keeps one module a name, and ``layers`` and ``utils`` are the names of many.
"""

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import all_suffixes
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np

from assay.nn.coursework.places import is_users
from assay.nn.coursework.remembered import undisturbed

_ALONE = threading.RLock()
"""Which modules are loaded and where they are looked for is one for all threads."""

_LIBRARIES = frozenset(
    {"__main__"} | {name.partition(".")[0] for name, module in [*sys.modules.items()] if not is_users(module)}
)
"""What is loaded before any check, by name: nothing in the user's folder takes its place."""


@contextmanager
def importable(path: Path) -> Iterator[None]:
    """Let the user's file import its neighbours, as it can when Python runs it, and its own package.

    Modules loaded from elsewhere that bear a neighbour's name are set aside.
    Afterwards ``sys.path`` is as it was found, and ``sys.modules`` too but for
    libraries that have been loaded: some can be loaded only once. So are the
    other settings of the process that the user's code may change: the shared
    generators, how warnings and floating-point errors are taken, the folder it is in.
    """
    with _ALONE, _settings_kept():
        modules, search, folders = dict(sys.modules), sys.path, _folders(path)
        places = list(search)
        for name in _namesakes(folders):
            del sys.modules[name]
        search[:0] = map(str, folders)
        importlib.invalidate_caches()  # a file may be younger than the last look at its folder
        try:
            yield
        finally:
            for name, module in [*sys.modules.items()]:
                if is_users(module) and modules.get(name) is not module:
                    del sys.modules[name]
            sys.modules.update(modules)
            search[:] = places
            sys.path = search


def run(path: Path) -> ModuleType:
    """Run the file as the module that its neighbours would import, and return it."""
    name = ".".join(_names(path))
    if "." in name:
        return importlib.import_module(name)
    if name in _LIBRARIES:
        name = f"assay_checked_{name}"
    spec = spec_from_file_location(name, path)
    assert spec is not None  # its name ends in .py
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


def _names(path: Path) -> tuple[str, ...]:
    """Return a file's name as a module, after those of the packages that it is in."""
    folder = path.absolute().parent
    names = [path.stem]
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    importable_by_name = all(name.isidentifier() for name in names) and names[0] not in _LIBRARIES
    return tuple(names) if importable_by_name else (path.stem,)


def _folders(path: Path) -> list[Path]:
    """Return where the user's modules are: in the folder with the outermost package, and beside the file."""
    beside = path.absolute().parent
    outermost = [beside, *beside.parents][len(_names(path)) - 1]
    return list(dict.fromkeys([outermost, beside]))


def _namesakes(folders: list[Path]) -> list[str]:
    """Return the loaded modules for which something in the folders would be found first."""
    regular, plain = set(), set()
    for entry in (entry for folder in folders for entry in folder.iterdir()):
        suffix = next((end for end in all_suffixes() if entry.name.endswith(end)), "")
        if suffix or (entry / "__init__.py").is_file():
            regular.add(entry.name.removesuffix(suffix))
        elif entry.is_dir():
            plain.add(entry.name)  # without __init__.py, a package only if no other is found
    return [
        name
        for name, module in sys.modules.items()
        if (top := name.partition(".")[0]) not in _LIBRARIES
        and (top in regular or (top in plain and is_users(module)))
    ]


@contextmanager
def _settings_kept() -> Iterator[None]:
    folder = os.getcwd()
    with undisturbed(None), np.errstate(), warnings.catch_warnings():
        try:
            yield
        finally:
            os.chdir(folder)
