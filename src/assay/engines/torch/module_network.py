"""A user's ``torch.nn.Module`` as a network: layers, parameters and buffers, its gradient by autograd.

Everything else in assay sees a `Network` like any other: its parameters have the module's own names, and
its layers are the modules inside, in the order in which they are called, with the whole at the end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

from assay.engines.torch.module_making import WHOLE, ModuleSpec, arrays, drawn, load, made
from assay.engines.torch.module_parts import NOTHING, Submodule, kept, learnt, parts
from assay.errors import ShapeError, StudyError
from assay.nn.init import Constant
from assay.nn.layer import Cache, Gradients, Layer, Parameter, Parameters
from assay.nn.network import Draw, Network
from assay.nn.nodes import Node
from assay.shapes import Array, Shape, text


@dataclass(frozen=True)
class ModuleLayer(Layer):
    """A module inside a user's module, or the whole of it, as a row of tables and records."""

    text: str
    part: Submodule = field(repr=False, default=NOTHING)
    identity: str = ""
    kind: ClassVar[str] = "module"

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that was seen when the module was tried."""
        del shape
        return self.part.output_shape

    def forward(self, params: Parameters, x: Array) -> tuple[Array, Cache]:
        """Refuse: a part alone is never computed."""
        raise NotImplementedError("only the whole module is computed")

    def backward(self, params: Parameters, cache: Cache, dy: Array) -> tuple[Array, Gradients]:
        """Refuse: a part alone is never computed."""
        raise NotImplementedError("only the whole module is computed")

    def expect_batch(self, shape: Shape, examples: int) -> None:
        """Refuse batch normalisation of single values."""
        if self.text.startswith("BatchNorm") and examples * prod(shape[1:]) < 2:
            raise ShapeError(
                "batch normalisation of one value each (use another batch_size, or fewer training images)"
            )

    def flops(self, shape: Shape) -> int:
        """Count the operations of matrix products and convolutions; of others none."""
        del shape
        return self.part.flops


@dataclass(frozen=True)
class ModuleNode(Node):
    """A module in its place; parameters and buffers have the names that the whole gives them."""

    layer: ModuleLayer

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The module's own, without those of the modules inside it."""
        return dict(self.layer.part.parameters)


@dataclass(frozen=True)
class _Trace:
    """What `ModuleNetwork.backward` needs: scores and parameters in one graph, buffers after it."""

    scores: Tensor
    learnt: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]


@dataclass(frozen=True)
class ModuleNetwork(Network):
    """A user's module from an input shape to K class scores; see `network_of`."""

    spec: ModuleSpec = field(kw_only=True)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every module inside that has values of its own or nothing inside it, then the whole."""
        found = []
        for layer in self.layers:
            assert isinstance(layer, ModuleLayer)
            part = layer.part
            found.append(ModuleNode(part.name or WHOLE, layer, part.input_shape, part.output_shape))
        return tuple(found)

    @property
    def receptive_fields(self) -> tuple[tuple[int, int], ...]:
        """(0, 0) for all: what a module sees is not known."""
        return tuple((0, 0) for _ in self.nodes)

    def initialise(self, seed: int, dtype: DTypeLike = np.float32) -> dict[str, Array]:
        """Draw the initial parameters of a run; by default the module does, under a seed of the run's."""
        if self.spec.init is not None:
            return super().initialise(seed, dtype)
        return arrays(learnt(self.module(seed)), dtype)

    def initial_buffers(self, dtype: DTypeLike = np.float32, seed: int = 0) -> dict[str, Array]:
        """Return the buffers of a run before its first step; integers stay integers."""
        return arrays(kept(self.module(seed)), dtype)

    def module(self, seed: int = 0) -> torch.nn.Module:
        """Make the module anew, its random numbers drawn under a run's seed."""
        return made(self.spec, self.input_shape, seed)

    def forward(self, params: Parameters, x: Array) -> tuple[Array, list[Cache]]:
        """Return the class scores of a batch in evaluation mode, and what `backward` needs."""
        scores, trace = self._run(params, x, None)
        return scores, [trace]

    def forward_training(self, params: Parameters, x: Array, draw: Draw) -> tuple[Array, list[Cache]]:
        """Return the same in training mode; the module draws under a seed of ``draw``."""
        scores, trace = self._run(params, x, draw(WHOLE))
        return scores, [trace]

    def traced(self, params: Parameters, x: Array) -> tuple[list[Array], list[Cache]]:
        """Return what each module gives, in evaluation mode, in the order of `nodes`, and one cache for all.

        What is not called, such as a Linear of which only the weights are used, stands with the scores.
        """
        outputs: dict[str, Array] = {}
        scores, trace = self._run(params, x, None, outputs)
        found = [outputs.get(node.name, scores) for node in self.nodes[:-1]]
        return [*found, scores], [trace] * len(self.nodes)

    def updated_buffers(self, params: Parameters, caches: list[Cache]) -> dict[str, Array]:
        """Return the buffers after the training step that left ``caches``."""
        del params
        return {name: value.numpy().copy() for name, value in caches[-1].buffers.items()}

    def backward(self, params: Parameters, caches: list[Cache], dy: Array) -> tuple[Array, Gradients]:
        """Return the gradient of every parameter; that of the images is not computed."""
        del params
        trace: _Trace = caches[-1]
        gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
            trace.scores, [*trace.learnt.values()], torch.from_numpy(dy), retain_graph=True, allow_unused=True
        )
        found = zip(trace.learnt.items(), gradients, strict=True)
        return np.zeros(0, dy.dtype), {
            name: np.zeros_like(value.detach().numpy()) if grad is None else grad.numpy()
            for (name, value), grad in found
        }

    def _run(
        self,
        params: Parameters,
        x: Array,
        generator: np.random.Generator | None,
        outputs: dict[str, Array] | None = None,
    ) -> tuple[Array, _Trace]:
        """Call the module; in training mode where there is a ``generator``."""
        module = self.module().to(getattr(torch, x.dtype.name))
        load(module, params)
        module.train(generator is not None)
        hooks = [] if outputs is None else _watch(module, outputs)
        with drawn(generator or np.random.default_rng(0)), torch.enable_grad():
            scores = module(torch.from_numpy(x))
        for hook in hooks:
            hook.remove()
        trace = _Trace(scores, learnt(module), kept(module))
        return scores.detach().numpy(), trace


def network_of(spec: ModuleSpec, input_shape: Shape, classes: int) -> ModuleNetwork:
    """Return the network of a module for images of ``input_shape``, tried on two black images.

    Raises `ShapeError` where it does not give ``classes`` scores, and `StudyError` where it has nothing to
    learn, does not start alike from one seed, gives changing scores in evaluation mode, or has parameters
    that ``init`` does not know; what the module itself raises is let through.
    """
    several = [made(spec, input_shape, 0).to(torch.float32) for _ in range(2)]
    _expect_alike(*(arrays({**learnt(each), **kept(each)}, np.float32) for each in several))
    found = parts(several[0], torch.zeros(2, *input_shape), spec.init or Constant())
    if found[-1].output_shape != (classes,):
        shape = text(found[-1].output_shape)
        raise ShapeError(f"gives {shape} scores for {classes} classes, expected a tensor (N, {classes})")
    if not any(part.parameters for part in found):
        raise StudyError("has no parameters, nothing to train (assign modules in __init__)")
    if spec.init is not None:
        _expect_known(found)
    layers = tuple(ModuleLayer(part.text, part, repr(spec)) for part in found)
    return ModuleNetwork(layers, input_shape, spec=spec)


def _expect_alike(one: Mapping[str, Array], other: Mapping[str, Array]) -> None:
    for name, value in one.items():
        if name not in other or not np.array_equal(value, other[name], equal_nan=True):
            raise StudyError(
                f"{name} starts with other values although the seed is the same "
                "(draw initial values from PyTorch's generator alone)"
            )


def _expect_known(found: list[Submodule]) -> None:
    for part in found:
        for name, parameter in part.parameters.items():
            if parameter.role == "weight" and not part.drawable:
                raise StudyError(
                    f"init: {name} is of a {part.text.partition('(')[0]}, expected Linear, Conv2d or "
                    'BatchNorm (use init = "module")'
                )


def _watch(module: torch.nn.Module, outputs: dict[str, Array]) -> list[Any]:
    """Keep what each module gives, of a tuple the first."""

    def watch(name: str) -> Callable[[Any, Any, Any], None]:
        def keep(_: Any, __: Any, y: Any) -> None:
            first = y[0] if isinstance(y, tuple | list) and y else y
            if isinstance(first, Tensor):
                outputs[name] = first.detach().numpy().copy()

        return keep

    return [each.register_forward_hook(watch(name)) for name, each in module.named_modules()]
