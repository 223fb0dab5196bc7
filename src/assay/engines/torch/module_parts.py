"""What is inside a user's module: found by calling it once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from assay.errors import StudyError
from assay.nn.init import ZEROS, Constant, Initializer
from assay.nn.layer import Parameter, Role
from assay.shapes import Shape

NORMS = (
    torch.nn.modules.batchnorm._NormBase,
    torch.nn.LayerNorm,
    torch.nn.GroupNorm,
    torch.nn.RMSNorm,
)
"""Modules whose weight scales what was normalised."""


@dataclass(frozen=True)
class Submodule:
    """A module inside another, by its dotted ``name``; "" is the whole.

    Shapes omit the batch axis; of a module that was not called they are (1,). ``text`` is what it prints.
    ``drawable`` says whether assay knows how its weights are drawn.
    """

    name: str
    text: str
    input_shape: Shape
    output_shape: Shape
    parameters: Mapping[str, Parameter] = field(hash=False)
    drawable: bool
    flops: int = 0


NOTHING = Submodule("", "", (1,), (1,), {}, drawable=False)
"""No module."""


def learnt(module: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Return what training changes, by name: a parameter that several modules share once."""
    return {name: each for name, each in module.named_parameters() if each.requires_grad}


def kept(module: torch.nn.Module) -> dict[str, Tensor]:
    """Return what else a module holds, by name: buffers, and parameters that are not to be trained."""
    frozen = {name: each.data for name, each in module.named_parameters() if not each.requires_grad}
    return {**frozen, **dict(module.named_buffers())}


def parts(module: torch.nn.Module, x: Tensor, init: Initializer) -> list[Submodule]:
    """Call ``module`` on ``x`` in evaluation mode and return its parts in the order of their calls.

    These are the modules with values of their own or nothing inside them, and last the whole. ``init``
    draws the weights of those that are drawable.
    """
    module.eval()
    shapes: dict[str, tuple[Shape, Shape]] = {}
    hooks = [each.register_forward_hook(_noting(shapes, name)) for name, each in module.named_modules()]
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        scores = module(x)
    for hook in hooks:
        hook.remove()
    with torch.no_grad():
        if isinstance(scores, Tensor) and not torch.equal(scores.nan_to_num(), module(x).nan_to_num()):
            raise StudyError(
                "gives other scores for the same images in evaluation mode (draw only where self.training)"
            )
    if not isinstance(scores, Tensor):
        raise StudyError(f"returns {type(scores).__name__}, expected a tensor of scores (N, K)")
    counts = {name.partition(".")[2]: sum(ops.values()) for name, ops in counter.get_flop_counts().items()}
    candidates = {name: each for name, each in module.named_modules() if name and _is_part(each)}
    called = [name for name in shapes if name in candidates]
    inside = [name for name in candidates if name not in shapes] + called
    names = frozenset(learnt(module))
    found = [_part(name, candidates[name], names, shapes, init) for name in inside]
    found = [replace(part, flops=counts.get(part.name, 0) // len(x)) for part in found]
    rest = counter.get_total_flops() // len(x) - sum(part.flops for part in found)
    shapes[""] = tuple(x.shape[1:]), tuple(scores.shape[1:])
    return [*found, replace(_part("", module, names, shapes, init), flops=rest)]


def _is_part(module: torch.nn.Module) -> bool:
    """Whether a module has values of its own, or nothing inside it."""
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return bool(own) or not [*module.children()]


def _noting(shapes: dict[str, tuple[Shape, Shape]], name: str) -> Any:
    def note(_: Any, x: Any, y: Any) -> None:
        shapes.pop(name, None)  # called again: its place is that of the last call
        shapes[name] = _shape(x), _shape(y)

    return note


def _shape(value: Any) -> Shape:
    """Return the shape of a tensor, or of the first of several, without the batch axis."""
    first = value[0] if isinstance(value, tuple | list) and value else value
    return tuple(first.shape[1:]) if isinstance(first, Tensor) and first.ndim else (1,)


def _part(
    name: str,
    module: torch.nn.Module,
    names: Collection[str],
    shapes: Mapping[str, tuple[Shape, Shape]],
    init: Initializer,
) -> Submodule:
    drawable = isinstance(module, torch.nn.Linear | torch.nn.Conv2d | torch.nn.modules.batchnorm._BatchNorm)
    given, gives = shapes.get(name, ((1,), (1,)))
    prefix = f"{name}." if name else ""
    parameters = {
        f"{prefix}{key}": _parameter(module, key, value, init)
        for key, value in module.named_parameters(recurse=False)
        if f"{prefix}{key}" in names
    }
    words = f"{type(module).__name__}({module.extra_repr()})"
    return Submodule(name, words, given, gives, parameters, drawable)


def _parameter(module: torch.nn.Module, key: str, value: Tensor, init: Initializer) -> Parameter:
    shape, role = tuple(value.shape), _role(module, key)
    fan_out, fan_in = _fans(shape)
    draw = {"weight": init, "bias": ZEROS, "scale": Constant(1.0)}[role]
    return Parameter(shape, draw, fan_in, fan_out, role)


def _role(module: torch.nn.Module, key: str) -> Role:
    if "bias" in key:
        return "bias"
    return "scale" if isinstance(module, NORMS) else "weight"


def _fans(shape: Shape) -> tuple[int, int]:
    """Return the numbers of outputs and inputs of a unit, as of a Linear's or a convolution's weight."""
    if len(shape) < 2:
        return 1, 1
    field_size = int(np.prod(shape[2:], dtype=np.int64))
    return shape[0] * field_size, shape[1] * field_size
