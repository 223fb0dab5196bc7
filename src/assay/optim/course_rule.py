"""A learning rule in a course's style as an `Optimizer`: what it remembers of a parameter becomes slots.

Such a rule is an object that remembers as it likes. It is started anew for each parameter, and before every
later step it is put into the state that the slots describe. That its steps are then those that it takes by
itself, bit for bit, is tried when the rule is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from assay.errors import ShapeError, StudyError
from assay.nn.coursework.remembered import Snapshot, undisturbed
from assay.optim.base import Optimizer, Slots
from assay.optim.rule_styles import RATES, Starter, Update, rate_in
from assay.shapes import Array, Shape, text
from assay.streams import stream

TRIED: tuple[Shape, ...] = ((3, 4), (5,))
"""Shapes of the parameters with which a rule is tried."""
STEPS = 3

_OWN = ("rule.", "configs.0.")
"""How the paths of numbers begin that are the rule's own, in a `Snapshot` of `Update.root`."""
_THETA = "values."


class _Begun(NamedTuple):
    """A rule that has taken a first step on one parameter, and what it remembered then."""

    update: Update
    memory: Snapshot


class RuleSource(str):
    """Of what a rule is made, in words, ``rules.py:Momentum, momentum=0.9``; and how it is started.

    Two are the same if their words are, and the digests of their files.
    """

    digest: str
    name: str
    """The name of the user's class or function."""
    start: Starter
    rate: str
    """What the rule calls its learning rate."""
    begun: dict[tuple[Shape, str], _Begun]
    """Rules after a first step, by the shape and the type of the parameter."""

    @classmethod
    def of(cls, own: str, digest: str, arguments: str, start: Starter) -> "RuleSource":
        """Return the source ``own``, ``file.py:Name``, which ``start`` starts with ``arguments``."""
        made = cls(", ".join([own, *([arguments] if arguments else [])]))
        made.digest = digest
        made.name, made.start, made.rate, made.begun = own.rpartition(":")[2], start, "", {}
        return made

    def __eq__(self, other: object) -> bool:
        """Compare words and digests."""
        return isinstance(other, RuleSource) and (str(self), self.digest) == (str(other), other.digest)

    def __ne__(self, other: object) -> bool:
        """Compare words and digests: a text compares words alone."""
        return not self == other

    def __hash__(self) -> int:
        """Hash what is compared."""
        return hash((str(self), self.digest))


@dataclass(frozen=True)
class CourseRule(Optimizer):
    """A rule in a course's style; two of one ``source`` and learning rate are the same.

    A weight decay of the rule's own is among the arguments that ``source`` names.
    """

    source: RuleSource = field(kw_only=True)

    @classmethod
    def of(cls, source: RuleSource) -> "CourseRule":
        """Return the rule, with the learning rate that it says it has after a first step.

        Raises `StudyError`, in one line, for a rule that does not say it, that draws, that needs the
        gradients of several parameters at a time, or whose steps do not follow from the numbers it keeps.
        """
        with undisturbed(None), np.errstate(all="ignore"):
            update = source.start([_drawn("theta", TRIED[0])])
            update.step([_drawn("gradient 1", TRIED[0])])
            numbers = dict(update.numbers())
        source.rate = rate_in(numbers)
        if not source.rate:
            raise StudyError(
                f"does not say its learning rate (keep it as {RATES[0]} or {RATES[1]}, in an attribute or in "
                "its config)"
            )
        made = cls(float(numbers[source.rate]), source=source)
        with np.errstate(all="ignore"):
            made._expect_faithful()
        return made

    @property
    def title(self) -> str:
        """The name of the user's class or function."""
        return self.source.name

    @property
    def users_own(self) -> bool:
        """True: the rule is the user's."""
        return True

    @property
    def code_digest(self) -> str:
        """The digest of the user's file."""
        return self.source.digest

    def slots(self, theta: Array) -> Slots:
        """Return zeros for all that the rule remembers of ``theta``; at its first step it is started anew."""
        return {name: np.zeros_like(value) for name, value in _slots(self._after_one(theta).memory).items()}

    def step(self, theta: Array, grad: Array, slots: Slots, t: int, lr: float) -> tuple[Array, Slots]:
        """Take one step with a rule that remembers what ``slots`` say; a new one if ``t`` is 1."""
        update, memory = self._after_one(theta)
        with undisturbed(update.root):
            if t == 1:
                update = self.source.start([theta.copy()])
            else:
                memory.restore()
                memory.set_numbers(_by_path(memory, theta, slots))
            after = np.array(self._stepped(update, grad.copy(), lr))
            found = _slots(Snapshot(update.root))
        if after.shape != theta.shape:
            made = text(after.shape)
            raise ShapeError(f"{self.source.name} makes {made} of a parameter of {text(theta.shape)}")
        return after.astype(theta.dtype, copy=False), found

    def expect_movable(self, where: str) -> None:
        """Raise `StudyError`, after ``where``, if a schedule cannot move the rate of a first step."""
        theta, grad = _drawn("theta", TRIED[0]), _drawn("gradient 1", TRIED[0])
        plain = self.step(theta, grad, {}, 1, self.lr)[0]
        try:
            moved = self.step(theta, grad, {}, 1, self.lr / 2)[0]
        except Exception as error:  # a user's code may raise anything
            raise StudyError(f"{where}: {self._unmoved}: {type(error).__name__}: {error}") from error
        if np.array_equal(moved, plain):
            raise StudyError(
                f"{where}: {self._unmoved}: its first step does not change with {self.source.rate}"
            )

    @property
    def _unmoved(self) -> str:
        return f"{self.source.name}: no schedule can move its learning rate (leave out training.schedule)"

    def _stepped(self, update: Update, grad: Array, lr: float) -> Array:
        """Take a step with another learning rate for this one time, where a schedule asks for it."""
        if lr == self.lr:
            return update.step([grad])[0]
        said = update.numbers().get(self.source.rate, self.lr)
        update.put(self.source.rate, lr)
        after = update.step([grad])[0]
        if said != self.lr or update.numbers()[self.source.rate] != lr:
            raise StudyError(f"{self._unmoved}: it changes {self.source.rate} itself")
        update.put(self.source.rate, said)
        return after

    def _after_one(self, theta: Array) -> _Begun:
        key = theta.shape, theta.dtype.str
        if key not in self.source.begun:
            with undisturbed(None), np.errstate(all="ignore"):
                update = self.source.start([_drawn("theta", theta.shape).astype(theta.dtype)])
                with undisturbed(update.root):
                    update.step([_drawn("gradient 1", theta.shape).astype(theta.dtype)])
                    self.source.begun[key] = _Begun(update, Snapshot(update.root))
        return self.source.begun[key]

    def _expect_faithful(self) -> None:
        """Compare the steps of a rule started on two parameters with those by slots, one by one."""
        thetas = [_drawn("theta", shape) for shape in TRIED]
        together = list(self._path(thetas))
        if not all(map(_same, together, self._path(thetas, "other draws"))):
            raise StudyError("draws at random, which learning rules in a study do not")
        for i, theta in enumerate(thetas):
            alone = [after for [after] in self._path([theta])]
            if not _same(alone, [step[i] for step in together]):
                raise StudyError(
                    "moves a parameter otherwise when there are others beside it: a norm over all "
                    "of them, or steps counted by parameter (a study gives a rule one parameter at a time)"
                )
            if not _same(alone, list(self._path_by_slots(theta))):
                raise StudyError(
                    "its steps do not follow from the numbers it keeps (keep what is remembered in "
                    "attributes that are numbers or arrays)"
                )

    def _path(self, thetas: list[Array], draws: str = "draws") -> Iterator[list[Array]]:
        """Yield the parameters after each step that the rule takes by itself."""
        with undisturbed(None) as memory:
            memory.seed(stream(0, draws))
            update = self.source.start([theta.copy() for theta in thetas])
            with undisturbed(update.root):
                for t in range(1, STEPS + 1):
                    grads = [_drawn(f"gradient {t}", theta.shape) for theta in thetas]
                    yield [np.array(value, np.float32) for value in update.step(grads)]

    def _path_by_slots(self, theta: Array) -> Iterator[Array]:
        slots = self.slots(theta)
        kinds = _kinds(slots)
        for t in range(1, STEPS + 1):
            theta, slots = self.step(theta, _drawn(f"gradient {t}", theta.shape), slots, t, self.lr)
            if _kinds(slots) != kinds:
                differ = ", ".join(sorted({name for name, _ in _kinds(slots).items() ^ kinds.items()}))
                raise StudyError(f"what it keeps changes in shape or type from step to step ({differ})")
            yield theta


def _kinds(slots: Slots) -> dict[str, tuple[Shape, str]]:
    return {name: (value.shape, value.dtype.str) for name, value in slots.items()}


def _same(ones: list[Array], others: list[Array]) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ones, others, strict=True))


def _drawn(name: str, shape: Shape) -> Array:
    drawn: Array = stream(0, "rule", name, *map(str, shape)).normal(size=shape).astype(np.float32)
    return drawn


def _name(path: str) -> str:
    """Return what a slot is called for a path; empty for what is not the rule's own."""
    return next((path.removeprefix(start) for start in _OWN if path.startswith(start)), "")


def _slots(memory: Snapshot) -> Slots:
    return {name: value for path, value in memory.numbers().items() if (name := _name(path))}


def _by_path(memory: Snapshot, theta: Array, slots: Slots) -> dict[str, Any]:
    """Return slots and theta by the paths of a snapshot."""
    paths = memory.numbers()
    found = {path: slots[name] for path in paths if (name := _name(path)) in slots}
    return found | {path: theta for path in paths if path.startswith(_THETA)}
