"""Where an object's code keeps values: its places, each read and written as a mapping.

`places` gives those of one object; following the values found there to their
own places reaches everything that the object's code can reach. Objects, classes,
functions and modules of libraries have none.
"""

import dis
import sys
import sysconfig
from collections import deque
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

Items = dict[Any, Any]

_LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {str(Path(__file__).parents[2])}  # assay itself
)
_INSTALLED = ("site-packages", "dist-packages")


class Place(NamedTuple):
    """Attributes of an object, items of a list, globals that code names: values by key."""

    path: str
    read: Callable[[], Items]
    write: Callable[[Items], None] | None = None
    """Put back what `read` gave and take out what has come since; None where nothing can change."""


def join(path: str, key: object) -> str:
    """Return the path of what a place keeps under ``key``."""
    return f"{path}.{key}" if path else str(key)


def places(path: str, value: object) -> list[Place]:  # noqa: PLR0911 - one for each kind of object
    """Return the places of an object that was come to by ``path``."""
    match value:
        case dict():
            return [Place(path, lambda: dict(value), partial(_refill, value))]
        case list() | deque():
            return [Place(path, lambda: dict(enumerate(value)), partial(_refill_sequence, value))]
        case set():
            return [Place(path, lambda: dict.fromkeys(value), partial(_refill, value))]
        case tuple():
            return [_fixed(path, dict(enumerate(value)))]
        case FunctionType():
            return _of_function(path, value) if _is_own_file(value.__code__.co_filename) else []
        case MethodType():
            return [_fixed(path, {"function": value.__func__, "self": value.__self__})]
        case staticmethod() | classmethod():
            return [_fixed(path, {"function": value.__func__})]
        case property():
            return [_fixed(path, {"get": value.fget, "set": value.fset})]
        case partial():
            return [_fixed(path, {"function": value.func, "args": value.args, "keywords": value.keywords})]
        case type():
            return _of_class(value) if _is_own(value) else []
        case ModuleType():
            return []  # by the names that code uses of it: see _of_function
    if _is_own(type(value)) or isinstance(value, SimpleNamespace):
        return [*attributes(path, value), _fixed(path, {"class": type(value)})]
    return []


def attributes(path: str, value: object) -> list[Place]:
    """Return an object's attributes: those in its dictionary and those in slots."""
    found = []
    if isinstance(own := getattr(value, "__dict__", None), dict):
        found.append(Place(path, lambda: dict(own), partial(_refill, own)))
    if slots := [name for cls in type(value).__mro__ for name in _slots(cls)]:

        def read() -> Items:
            return {name: getattr(value, name) for name in slots if hasattr(value, name)}

        found.append(Place(path, read, partial(_set_attributes, value, read)))
    return found


def _of_class(cls: type) -> list[Place]:
    def read() -> Items:
        return {
            name: value
            for name, value in vars(cls).items()
            if not name.startswith("__") or isinstance(value, FunctionType)
        }

    write = partial(_set_attributes, cls, read)
    return [Place(cls.__qualname__, read, write), _fixed(cls.__qualname__, dict(enumerate(cls.__bases__)))]


def _of_function(path: str, function: FunctionType) -> list[Place]:
    """Return what a function's code gets at: globals by name, also in modules, its closure and defaults."""
    names, attribute_names = _names(function.__code__)
    space = function.__globals__
    modules = [value for name in names if isinstance(value := space.get(name), ModuleType)]
    own = [vars(module) for module in modules if is_users(module)]
    return [
        _named(space, names),
        *(_named(space, attribute_names) for space in own),
        *(
            _of_cell(path, name, cell)
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        ),
        _fixed(path, {"defaults": function.__defaults__, "keywords": function.__kwdefaults__}),
        *attributes(path, function),
    ]


@lru_cache(maxsize=4096)
def _names(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the globals that code names and the attributes, those of functions inside it too."""
    found = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname.endswith(("_GLOBAL", "_NAME")):
            found.add(str(instruction.argval))
    within = [_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)]
    attribute_names = frozenset(code.co_names).union(*(pair[1] for pair in within))
    return frozenset(found).union(*(pair[0] for pair in within)), attribute_names


def _named(space: dict[str, Any], names: frozenset[str]) -> Place:
    def read() -> Items:
        return {name: space[name] for name in sorted(names) if name in space}

    def write(items: Items) -> None:
        for name in names:
            if name in items:
                space[name] = items[name]
            else:
                space.pop(name, None)

    return Place(str(space.get("__name__", "")), read, write)


def _of_cell(path: str, name: str, cell: Any) -> Place:
    def read() -> Items:
        try:
            return {name: cell.cell_contents}
        except ValueError:  # the variable has no value yet
            return {}

    def write(items: Items) -> None:
        if name in items:
            cell.cell_contents = items[name]
        elif read():
            del cell.cell_contents

    return Place(path, read, write)


def _fixed(path: str, items: Items) -> Place:
    return Place(path, lambda: items)


def _refill(container: Any, items: Items) -> None:
    container.clear()
    container.update(items)


def _refill_sequence(container: Any, items: Items) -> None:
    container.clear()
    container.extend(items.values())


def _set_attributes(owner: object, read: Callable[[], Items], items: Items) -> None:
    """Set what differs, past whatever the owner does when its attributes are set."""
    kind: Any = type if isinstance(owner, type) else object
    now = read()
    for name in now.keys() - items.keys():
        kind.__delattr__(owner, name)
    for name, value in items.items():
        if name not in now or now[name] is not value:
            kind.__setattr__(owner, name, value)


def _slots(cls: type) -> list[str]:
    slots = vars(cls).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def is_users(module: ModuleType | None) -> bool:
    """Whether a module is the user's: no library's, none of assay's, not built in."""
    own = getattr(module, "__dict__", {})  # not the module itself, which may load something when asked
    homes = [own["__file__"]] if own.get("__file__") else list(own.get("__path__", ()))
    return any(_is_own_file(str(home)) for home in homes)


def _is_own(cls: type) -> bool:
    module = sys.modules.get(cls.__module__)
    return module is None or cls.__module__ == "__main__" or is_users(module)


@lru_cache(maxsize=4096)
def _is_own_file(name: str) -> bool:
    library = name.startswith(("<frozen", *_LIBRARIES))
    return not library and not any(part in _INSTALLED for part in Path(name).parts)
