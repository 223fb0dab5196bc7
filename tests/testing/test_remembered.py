"""What code remembers, wherever it does: everything that a call changes is undone."""

import random
import threading
from collections import deque
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from assay.nn.coursework.remembered import Snapshot, undisturbed

_count = 0
_counts = {"calls": 0}
_array = np.zeros(())
_rng = np.random.default_rng(5)


class Attribute:
    count = 0

    def next(self):
        self.count += 1
        return self.count


class OwnList:
    def __init__(self):
        self.calls = []

    def next(self):
        self.calls.append(1)
        return len(self.calls)


class OwnDeque(OwnList):
    def __init__(self):
        self.calls = deque(maxlen=9)


class OwnSet:
    def __init__(self):
        self.calls = set()

    def next(self):
        self.calls.add(len(self.calls))
        return len(self.calls)


class Nested:
    def __init__(self):
        self.options = {"counts": ([np.zeros(2, int)],)}

    def next(self):
        self.options["counts"][0][0] += 1
        return self.options["counts"][0][0][1]


class View:
    def __init__(self):
        whole = np.zeros(5)
        self.part = whole[1:2]

    def next(self):
        self.part += 1
        return self.part[0]


class Slots:
    __slots__ = ("count",)

    def next(self):
        self.count = getattr(self, "count", 0) + 1
        return self.count


class Helper:
    def __init__(self):
        self.helper = Attribute()

    def next(self):
        return self.helper.next()


class Namespace:
    def __init__(self):
        self.space = SimpleNamespace(count=0)

    def next(self):
        self.space.count += 1
        return self.space.count


class OfTheClass:
    count = 0

    def next(self):
        type(self).count += 1
        return self.count


class OfItsBase(OfTheClass):
    def next(self):
        OfTheClass.count += 1
        return self.count


class NewInTheClass:
    def next(self):
        type(self).made = getattr(self, "made", 0) + 1
        return self.made


class Global:
    def next(self):
        global _count  # noqa: PLW0603
        _count += 1
        return _count


class NewGlobal:
    def next(self):
        global _made  # noqa: PLW0603
        try:
            _made += 1
        except NameError:
            _made = 1
        return _made


class GlobalDictionary:
    @property
    def calls(self):
        return _counts["calls"]

    def next(self):
        _counts["calls"] += 1
        return self.calls


def _move_array():
    _array[...] += 1
    return int(_array)


class GlobalOfAHelper:
    @staticmethod
    def next():
        return _move_array()


class DefaultArgument:
    def next(self, calls=[]):  # noqa: B006
        calls.append(1)
        return len(calls)


class KeywordDefault:
    def next(self, *, calls={}):  # noqa: B006
        calls["n"] = calls.get("n", 0) + 1
        return calls["n"]


class FunctionAttribute:
    def next(self):
        FunctionAttribute.next.calls = getattr(FunctionAttribute.next, "calls", 0) + 1
        return FunctionAttribute.next.calls


class Closure:
    def __init__(self):
        count = 0

        def step():
            nonlocal count
            count += 1
            return count

        self.next = step


class ClosesOverItself:
    def __init__(self):
        self.count = 0
        self.next = lambda: self.add(1)

    def add(self, n):
        self.count += n
        return self.count


class Partial:
    def __init__(self):
        self.next = partial(self.add, [])

    @staticmethod
    def add(calls):
        calls.append(1)
        return len(calls)


class BoundMethod:
    def __init__(self):
        self.next = Attribute().next


class OfClassMethod:
    calls = 0

    @classmethod
    def next(cls):
        cls.calls += 1
        return cls.calls


KINDS = [
    Attribute, OwnList, OwnDeque, OwnSet, Nested, View, Slots, Helper, Namespace, OfTheClass, OfItsBase,
    NewInTheClass, Global, NewGlobal, GlobalDictionary, GlobalOfAHelper, DefaultArgument, KeywordDefault,
    FunctionAttribute, Closure, ClosesOverItself, Partial, BoundMethod, OfClassMethod,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_calls_are_undone(kind):
    own = kind()
    for _ in range(2):
        with undisturbed(own):
            assert [own.next(), own.next()] == [1, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_and_can_be_gone_back_to(kind):
    own = kind()
    with undisturbed(own):
        own.next()
        after = Snapshot(own)
    with undisturbed(own):
        assert own.next() == 1
        after.restore()
        assert own.next() == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_undoes_them_too(kind):
    own = kind()

    def fail():
        with undisturbed(own):
            own.next()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with undisturbed(own):
        assert own.next() == 1


class OwnRandomState:
    def __init__(self):
        self.rng = np.random.RandomState(1)

    def next(self):
        return self.rng.random()


class OwnGenerator(OwnRandomState):
    def __init__(self):
        self.rng = np.random.Generator(np.random.PCG64DXSM(1))


class OwnRandom(OwnRandomState):
    def __init__(self):
        self.rng = random.Random(1)


class ModuleGenerator:
    def next(self):
        return _rng.uniform()


class NumpysOwn:
    def next(self):
        return np.random.uniform()  # noqa: NPY002


class Pythons:
    def next(self):
        return random.uniform(0, 1)


DRAWING = [OwnRandomState, OwnGenerator, OwnRandom, ModuleGenerator, NumpysOwn, Pythons]


@pytest.mark.parametrize("kind", DRAWING)
def test_draws_are_undone(kind):
    own = kind()
    with undisturbed(own):
        first = [own.next(), own.next()]
    with undisturbed(own):
        assert [own.next(), own.next()] == first


@pytest.mark.parametrize("kind", DRAWING)
def test_draws_follow_from_what_they_are_seeded_with(kind):
    own = kind()
    drawn = []
    for number in (1, 2, 1):
        with undisturbed(own) as memory:
            memory.seed(np.random.default_rng(number))
            drawn.append(own.next())
    assert drawn[0] == drawn[2] != drawn[1]


def test_numbers_are_found_by_where_they_are_and_put_back_in_their_type():
    class Keeps:
        scale = np.float32(2)

        def __init__(self):
            self.mean, self.count, self.seen = np.zeros(2, np.float32), 3, False
            self.nested = {"var": [1.5]}
            self.name, self.pair = "no number", (7, np.ones(1))

    own = Keeps()
    memory = Snapshot(own)
    found = memory.numbers()
    names = {"mean", "count", "seen", "nested.var.0", "pair.1", f"{Keeps.__qualname__}.scale"}
    assert found.keys() == names
    mean = own.mean
    new = {
        "mean": [1, 2.5],
        "count": 4.0,
        "seen": 1.0,
        "nested.var.0": 9.0,
        f"{Keeps.__qualname__}.scale": 4.0,
    }
    memory.set_numbers({name: np.array(value) for name, value in new.items()})
    assert own.mean is mean
    assert mean.dtype == np.float32
    assert mean.tolist() == [1, 2.5]
    assert (own.count, own.seen, own.nested, own.scale) == (4, True, {"var": [9.0]}, 4)
    assert [type(value) for value in (own.count, own.seen, own.scale)] == [int, bool, np.float32]
    assert found["mean"].tolist() == [0, 0]


def test_what_belongs_to_libraries_is_left_alone():
    class Holds:
        def __init__(self):
            self.lock, self.thread = threading.Lock(), threading.current_thread()

    own = Holds()
    with undisturbed(own):
        own.lock.acquire()
        own.thread.note = 1
    assert own.lock.locked()
    assert own.thread.note == 1
    del own.thread.note


def test_large_globals_of_the_same_name_as_an_attribute_are_not_copied():
    class Reads:
        def next(self):
            return self._array

    assert all(value is not _array for value, _ in Snapshot(Reads())._arrays)
