"""A user's own layers in a course's style, for use in a study; adapted as `assay check` adapts them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import isclass
from types import FunctionType
from typing import Any

import numpy as np

from assay.errors import AssayError, ShapeError, StudyError, UsageError, shown
from assay.nn.coursework import FromCoursework
from assay.nn.coursework.function_pairs import PairOfFunctions
from assay.nn.coursework.making import constructed, expect_makeable, from_functions
from assay.nn.coursework.remembered import undisturbed
from assay.nn.coursework.styles import in_course_style
from assay.nn.init import Initializer
from assay.nn.layer import Parameter
from assay.shapes import Array, Shape, text
from assay.study.own_code import OwnClass, blamed

_STYLES = "fprop and bprop, or forward and backward"


@dataclass(frozen=True)
class OwnSource:
    """What a layer is made from, by which two layers are compared."""

    own: OwnClass
    digest: str
    arguments: str
    make: Callable[[], Any] = field(compare=False, repr=False)

    def __str__(self) -> str:
        """Write it as `assay show` lists the settings of a layer."""
        return ", ".join([self.own.name, *([self.arguments] if self.arguments else [])])


@dataclass(frozen=True, eq=False, kw_only=True)
class OwnCoursework(FromCoursework):
    """`FromCoursework` in a study: a run's parameters start as the constructor makes them under its seed."""

    source: OwnSource

    def __eq__(self, other: object) -> bool:
        """Two are the same if their files, names and arguments are."""
        return isinstance(other, OwnCoursework) and self.source == other.source

    def __hash__(self) -> int:
        """Hash what is compared."""
        return hash(self.source)

    @property
    def code_digest(self) -> str:
        """The digest of the user's file."""
        return self.source.digest

    def output_shape(self, shape: Shape) -> Shape:
        """Ask the layer itself; `ShapeError` for whatever it raises."""
        with self._blamed(shape):
            return super().output_shape(shape)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return ``params``; `ShapeError` for whatever the layer raises."""
        with self._blamed(shape):
            return super().parameters(shape)

    def initial(self, name: str, value: Array, shape: Shape) -> Initializer:
        """Return how a parameter starts: as in a layer that is made anew."""
        del value
        return _Anew(self, name, shape)

    def anew(self, generator: np.random.Generator, name: str, shape: Shape) -> Array:
        """Return a parameter of a layer made anew, with what the constructor draws from ``generator``."""
        with undisturbed(None) as shared:
            shared.seed(generator)
            made = FromCoursework(self.source.make())
            with undisturbed(made.layer) as memory:
                made.held.make_parameters(shape, memory)
                return np.array(made.held.named()[name], np.float64)

    @contextmanager
    def _blamed(self, shape: Shape) -> Iterator[None]:
        try:
            with blamed(self.source.digest):
                yield
        except AssayError as error:
            raise ShapeError(
                f"{self.source.own} cannot be used with an input of {text(shape)}: {error}"
            ) from error.__cause__


def own_coursework(own: OwnClass, found: object, arguments: Mapping[str, Any], where: str) -> OwnCoursework:
    """Return a class or function of a user's file, in any style that `assay check` takes, as a layer.

    Raises `StudyError`, in one line, for what is not a layer, for arguments that it does not take, and where
    nothing says with which parameters it starts.
    """

    def make() -> Any:
        if isclass(found):
            return in_course_style(constructed(found, arguments))
        assert isinstance(found, FunctionType)
        return from_functions(found, arguments)

    try:
        if isclass(found):
            expect_makeable(found, arguments, "add {} = ... to the layer's table")
        elif not isinstance(found, FunctionType):
            raise UsageError(f"expected a class or a function; got {shown(found)}")
        with blamed(own.digest):
            layer = make()
    except AssayError as error:
        raise StudyError(f"{where}: {own}: {error}") from error.__cause__
    if layer is None:
        raise StudyError(
            f"{where}: {own}: expected a class derived from assay.nn.Layer, or one with {_STYLES}; "
            "found neither"
        )
    if isinstance(layer, PairOfFunctions) and layer.values:
        raise StudyError(
            f"{where}: {own}: nothing says with which {', '.join(layer.values)} a run starts "
            f"(write a class with {_STYLES}, that holds them)"
        )
    return OwnCoursework(layer, source=OwnSource(own, own.digest, written(arguments), make))


def written(arguments: Mapping[str, Any]) -> str:
    """Return arguments in words, always in the same order."""
    return ", ".join(f"{key}={value!r}" for key, value in sorted(arguments.items()))


@dataclass(frozen=True, eq=False)
class _Anew(Initializer):
    """The values of a parameter in a layer that is made anew."""

    layer: OwnCoursework
    name: str
    shape: Shape

    def __call__(self, generator: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Make such a layer for an input of ``self.shape``, and return the parameter's values."""
        del shape, fan_in, fan_out
        return self.layer.anew(generator, self.name, self.shape)
