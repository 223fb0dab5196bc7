"""What an object and its code remember from one call to the next: found, set aside and put back.

Code that was not written to be a function of its arguments keeps what it likes
where it likes: in attributes and what these hold, in its class, in globals, in
default arguments, in generators. `Snapshot` follows it there, the way the code
itself gets there. It stops where code is not the user's: what libraries keep is
left alone, but for the generators behind ``np.random.rand`` and ``random.random``.
"""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any

import numpy as np

from assay.nn.coursework.places import Items, Place, attributes, join, places
from assay.shapes import Array

_ALONE = threading.RLock()
"""Held while such code runs: whatever thread it is in, it shares classes, globals and generators."""

_SHARED: tuple[Any, ...] = (
    np.random.get_state.__self__,  # type: ignore[attr-defined]
    random.getstate.__self__,  # type: ignore[attr-defined]
)
_ATOMS = (int, float, complex, str, bytes, type(None), np.generic, range, frozenset)


class Snapshot:
    """What an object remembers at one moment.

    Arrays are copied, but for those that no ``older`` snapshot met: nobody else
    has them once these are restored.
    """

    def __init__(self, root: object, *older: "Snapshot") -> None:
        self._known: dict[int, object] = {}  # by id; held, so that no other object gets the number
        self._places: list[tuple[Place, Items]] = []
        self._arrays: list[tuple[Array, Array]] = []
        self._generators: list[tuple[Any, Any]] = []
        waiting: list[tuple[str, object]] = [("", value) for value in (*_SHARED, type(root), root)]
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, _ATOMS) or id(value) in self._known:
                continue
            self._known[id(value)] = value
            self._take(value, older)
            for place in attributes(path, value) if value is root else places(path, value):
                items = place.read()
                self._places.append((place, items))
                waiting += [(join(place.path, key), item) for key, item in reversed(items.items())]

    def _take(self, value: object, older: tuple["Snapshot", ...]) -> None:
        if isinstance(value, np.ndarray):
            fresh = older and all(id(value) not in one._known for one in older)
            self._arrays.append((value, value if fresh else value.copy()))
        elif isinstance(value, random.Random | np.random.RandomState | np.random.Generator):
            self._generators.append((value, _state(value)))

    def restore(self, *, generators: bool = True) -> None:
        """Put everything back as it was, ``generators`` too unless they are seeded next."""
        for place, items in self._places:
            if place.write:
                place.write(items)
        for array, content in self._arrays:
            if array is not content and array.flags.writeable:
                array[...] = content
        for generator, state in self._generators if generators else ():
            _set_state(generator, state)

    def seed(self, generator: np.random.Generator) -> None:
        """Make all that the object's code draws follow from ``generator``."""
        for own, _ in self._generators:
            number = int(generator.integers(2**63))
            if isinstance(own, random.Random):
                own.seed(number)
            else:
                _set_state(own, _seeded(_state_kind(own), number))

    @property
    def draws(self) -> int:
        """How many generators the object draws from."""
        return len(self._generators)

    def numbers(self) -> dict[str, Array]:
        """Return the numbers and arrays of numbers that the object remembered, by where they are."""
        contents = {id(array): content for array, content in self._arrays}
        return {
            path: np.array(contents.get(id(value), value)) for path, (value, _) in self._numbers().items()
        }

    def set_numbers(self, values: Mapping[str, Array]) -> None:
        """Put numbers where `numbers` found them, each as the type that it has there."""
        for path, (value, put) in self._numbers().items():
            if path in values:
                put(_as(value, values[path]))

    def _numbers(self) -> dict[str, tuple[Any, Callable[[Any], None]]]:
        found: dict[str, tuple[Any, Callable[[Any], None]]] = {}
        met = set()
        for place, items in self._places:
            for key, value in items.items():
                if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and id(value) not in met:
                    met.add(id(value))
                    found.setdefault(join(place.path, key), (value, partial(value.__setitem__, ...)))
                elif isinstance(value, int | float | np.number | np.bool) and place.write:
                    found.setdefault(join(place.path, key), (value, partial(_put, place, key)))
        return found


def replaced(root: object, array: Array, value: Array) -> bool:
    """Put ``value`` wherever the object keeps ``array``, an array of another type; return whether it did."""
    found = False
    for place, items in Snapshot(root)._places:
        keys = [key for key, item in items.items() if item is array]
        if keys and place.write:
            place.write({**place.read(), **dict.fromkeys(keys, value)})
            found = True
    return found


@contextmanager
def undisturbed(root: object) -> Iterator[Snapshot]:
    """Leave an object as it was found, whatever is done to it; other threads wait.

    Generators that its code makes without a seed follow from NumPy's own.
    """
    with _ALONE, _seedless_held():
        before = Snapshot(root)
        try:
            yield before
        finally:
            before.restore()


class Untouched:
    """An object that is left as it was found by each call, and what it remembers, found once for many calls.

    Threads that call at a time do not share what was found.
    """

    def __init__(self, root: object) -> None:
        self._root = root
        self._found = threading.local()

    def __reduce__(self) -> tuple[type["Untouched"], tuple[object]]:
        """Return what `pickle` and `copy` make it of: the object, without what a thread has found."""
        return Untouched, (self._root,)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Find what the object remembers once for all calls inside, instead of in each call."""
        if self._before is not None:
            yield
            return
        with undisturbed(self._root) as before:
            self._found.before = before
            try:
                yield
            finally:
                self._found.before = None

    @contextmanager
    def call(self) -> Iterator[Snapshot]:
        """Leave the object as it was found after one call, which seeds its generators."""
        before = self._before
        if before is None:
            with undisturbed(self._root) as before:
                yield before
            return
        try:
            yield before
        finally:
            before.restore(generators=False)  # each call seeds them

    @property
    def _before(self) -> Snapshot | None:
        before: Snapshot | None = getattr(self._found, "before", None)
        return before


@contextmanager
def _seedless_held() -> Iterator[None]:
    original = np.random.default_rng

    def default_rng(seed: Any = None) -> np.random.Generator:
        return original(np.random.randint(2**31) if seed is None else seed)  # noqa: NPY002

    np.random.default_rng = default_rng
    try:
        yield
    finally:
        np.random.default_rng = original


def _put(place: Place, key: Any, value: Any) -> None:
    assert place.write is not None  # else nothing there is found to be a number
    place.write({**place.read(), key: value})


def _as(value: Any, number: Array) -> Any:
    """Return ``number`` as what ``value`` is: an array of its type, or an int, a float, a bool."""
    whole = np.asarray(value).dtype.kind in "iub"
    number = np.rint(number) if whole else number
    return number if isinstance(value, np.ndarray) else type(value)(number.item())


def _state(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.bit_generator.state


def _state_kind(generator: np.random.RandomState | np.random.Generator) -> str:
    bits: Any = getattr(generator, "bit_generator", None) or generator._bit_generator  # type: ignore[union-attr]
    return type(bits).__name__


@lru_cache(maxsize=64)
def _seeded(kind: str, number: int) -> Any:
    """Return the state of a seeded generator: a check seeds with the same numbers over and over."""
    return getattr(np.random, kind)(number).state


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state
