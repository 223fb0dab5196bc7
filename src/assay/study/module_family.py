"""The family of a user's own PyTorch modules: ``module = "nets.py:Net"``, with its arguments beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from inspect import Parameter, signature
from typing import Any, Literal

from assay.errors import AssayError, StudyError, suggestion
from assay.nn.layer import Layer
from assay.nn.network import Network
from assay.shapes import Shape
from assay.study import tables
from assay.study.architecture import Architecture
from assay.study.initializers import INITIALIZERS, InitName
from assay.study.own_code import OwnClass, blamed
from assay.study.tables import Table


@dataclass(frozen=True)
class Module(Architecture):
    """A class of ``torch.nn.Module`` in a Python file, trained by autograd.

    ``module`` names it as ``"nets.py:Net"``, or, from Python, is the class itself.
    ``arguments`` are handed to its constructor; those named ``input_shape``, ``in_channels``, ``classes`` and
    ``num_classes`` are filled in unless they are given. It is called with pixels (N, C, H, W) from 0 to 1
    and returns class scores (N, K). ``init`` says who draws the weights: the ``module`` itself, under a seed
    of the run's, or one of assay's initialisers, from the same streams as for assay's own layers. With
    ``compile`` it is handed to ``torch.compile``.
    """

    module: str | type[Any]
    init: Literal["module"] | InitName = "module"
    compile: bool = False
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_table(cls, table: Table, where: str) -> "Module":
        """Return what a ``[network]`` table describes: keys that are not the family's own are arguments."""
        own = {each.name for each in fields(cls)}
        given = table.get("arguments", {})
        if not isinstance(given, Mapping):
            raise StudyError(f"{where}: arguments must be a table; got {given!r}")
        rest = {key: value for key, value in table.items() if key not in own and key != "family"}
        values = {key: value for key, value in table.items() if key in own and key != "arguments"}
        found = tables.build(cls, {**values, "arguments": {**given, **rest}}, where)
        if isinstance(table["module"], OwnClass):  # which the check of its type made plain text
            object.__setattr__(found, "module", table["module"])
        return found

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the modules inside."""
        return list(self.build(input_shape, classes).layers)

    def build(self, input_shape: Shape, classes: int) -> Network:
        """Make the module and try it; `StudyError`, in one line, for whatever it raises.

        Raises `UnsupportedError` without PyTorch, and `UsageError` if the file may not be run.
        """
        from assay.engines.choice import expect_torch

        expect_torch("family 'Module'")
        from assay.engines.torch.module_making import BASE, ModuleSpec
        from assay.engines.torch.module_network import network_of

        own = self.module
        if not isinstance(own, OwnClass):
            raise StudyError(f"module: expected 'file.py:Name'; got {own!r}")
        made = own.load(BASE)
        arguments = _arguments(made, self.arguments, input_shape, classes)
        identity = f"{own.digest}:{own.name}:{json.dumps(arguments, sort_keys=True)}"
        init = None if self.init == "module" else INITIALIZERS[self.init]
        spec = ModuleSpec(identity, lambda: made(**arguments), init, self.compile)
        try:
            with blamed(own.digest):
                return network_of(spec, input_shape, classes)
        except AssayError as error:
            raise type(error)(f"{own}: {error}") from None


def _arguments(made: Any, given: Table, input_shape: Shape, classes: int) -> dict[str, Any]:
    """Return the arguments of a constructor: those given, and those that assay knows."""
    known = signature(made).parameters
    takes_all = any(each.kind is Parameter.VAR_KEYWORD for each in known.values())
    for key in given:
        if key not in known and not takes_all:
            raise StudyError(f"{made.__name__} has no argument {key!r} ({suggestion(key, known)})")
    offered = {
        "input_shape": input_shape, "in_channels": input_shape[0], "classes": classes, "num_classes": classes,
    }  # fmt: skip
    found = {**{key: value for key, value in offered.items() if key in known}, **given}
    several = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    needed = [
        key for key, each in known.items() if each.default is Parameter.empty and each.kind not in several
    ]
    if missing := [key for key in needed if key not in found]:
        raise StudyError(f"{made.__name__} needs {missing[0]!r} (add {missing[0]} = ... to network)")
    return found
