"""From the layers of a network to what computes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from torch import Tensor

from assay import nn
from assay.engines.pooled_first import pooled_first
from assay.engines.torch import activations
from assay.engines.torch.composite import ChainOp, ResidualOp
from assay.engines.torch.convolution import conv2d
from assay.engines.torch.initial_weights import Weight
from assay.engines.torch.linear import LinearOp
from assay.engines.torch.normalisation import BatchNormOp, DropoutOp
from assay.engines.torch.op import Op, Site
from assay.engines.torch.pooling import AdaptiveAvgPool2dOp, AvgPool2dOp, MaxPool2dOp
from assay.engines.torch.rectified import (
    RectifiedAvgPool2d,
    RectifiedAvgPool2dOp,
    RectifiedMaxPool2d,
    RectifiedMaxPool2dOp,
)
from assay.engines.torch.shaping import ReshapeOp, ZeroPad2dOp
from assay.engines.torch.ways import PLAIN, Ways
from assay.nn.layer import Layer
from assay.nn.nodes import Node, local, place
from assay.nn.residual import SHORTCUT

SIMPLE: dict[type[Layer], Callable[[Site, Any], Op]] = {
    nn.Linear: LinearOp,
    nn.Conv2d: conv2d,
    nn.MaxPool2d: MaxPool2dOp,
    RectifiedMaxPool2d: RectifiedMaxPool2dOp,
    RectifiedAvgPool2d: RectifiedAvgPool2dOp,
    activations.OwnReLU: activations.OwnReLUOp,
    nn.AvgPool2d: AvgPool2dOp,
    nn.AdaptiveAvgPool2d: AdaptiveAvgPool2dOp,
    nn.Flatten: ReshapeOp,
    nn.Reshape: ReshapeOp,
    nn.ZeroPad2d: ZeroPad2dOp,
    nn.BatchNorm1d: BatchNormOp,
    nn.BatchNorm2d: BatchNormOp,
    nn.BatchNormPerActivation: BatchNormOp,
    nn.Dropout: DropoutOp,
    nn.Dropout2d: DropoutOp,
    nn.ReLU: activations.ReLUOp,
    nn.LeakyReLU: activations.LeakyReLUOp,
    nn.ELU: activations.ELUOp,
    nn.SELU: activations.SELUOp,
    nn.Sigmoid: activations.SigmoidOp,
    nn.Tanh: activations.TanhOp,
    nn.Softplus: activations.SoftplusOp,
    nn.GELU: activations.GELUOp,
}
"""Layers without inner layers, each with what computes it; `ops` handles the others too."""

OWNERS = (nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNormPerActivation)
"""Layers that return a new tensor and keep no reference to it."""

RECTIFIED: dict[type[Layer], type[Layer]] = {
    nn.MaxPool2d: RectifiedMaxPool2d,
    nn.AvgPool2d: RectifiedAvgPool2d,
}
"""Pooling layers that absorb a ReLU before them."""


@dataclass(frozen=True)
class Variables:
    """The weights and buffers of R runs, by name; `within` those of one layer, by that layer's names."""

    runs: int
    weights: Mapping[str, Weight]
    buffers: Mapping[str, Tensor]
    ways: Ways = PLAIN

    def within(self, owner: str) -> "Variables":
        """Return what belongs to ``owner``."""
        return replace(self, weights=local(self.weights, owner), buffers=local(self.buffers, owner))


def lacks(layers: Iterable[Layer]) -> list[str]:
    """Name every kind of layer that the engine does not support, including inner layers."""
    return [*dict.fromkeys(layer.title for layer in leaves(layers) if type(layer) not in SIMPLE)]


def leaves(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield the layers, with containers replaced by their contents."""
    for layer in layers:
        if type(layer) is nn.Sequential:
            yield from leaves(layer.layers)
        elif type(layer) is nn.Residual:
            yield from leaves((*layer.layers, *layer.shortcut))
        else:
            yield layer


def ops(nodes: Sequence[Node], store: Variables, needs_dx: bool = False) -> list[Op]:
    """Return what computes the layers, in order; ``needs_dx`` if something before them is learnt."""
    made = []
    for node in fused(pooled_first(nodes)):
        own = store.within(node.name)
        site = Site(node.name, node.input_shape, store.runs, own.weights, own.buffers, needs_dx, own.ways)
        made.append(_op(site, node.layer, own))
        needs_dx = needs_dx or bool(own.weights)
    return made


def _op(site: Site, layer: Layer, store: Variables) -> Op:
    if isinstance(layer, nn.Sequential):
        return _chain(site, layer.layers, store)
    if isinstance(layer, nn.Residual):
        ways = _chain(site, layer.layers, store), _chain(site, layer.shortcut, store.within(SHORTCUT))
        return ResidualOp(site, layer, ways)
    return SIMPLE[type(layer)](site, layer)


def _chain(site: Site, layers: tuple[Layer, ...], store: Variables) -> ChainOp:
    return ChainOp(site, layers, ops(place(layers, site.input_shape), store, site.needs_dx))


def fused(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the layers, a ReLU behind one of `OWNERS` in the place of its input, with a pooling at once."""
    rest = iter(zip((None, *nodes), nodes, (*nodes[1:], None), strict=False))
    for before, node, behind in rest:
        if not before or type(before.layer) not in OWNERS or type(node.layer) is not nn.ReLU:
            yield node
        elif behind and type(behind.layer) in RECTIFIED:
            yield replace(behind, layer=_as(RECTIFIED[type(behind.layer)], behind.layer))
            next(rest)
        else:
            yield replace(node, layer=activations.OwnReLU())


def _as(cls: type[Layer], layer: Any) -> Layer:
    """Return a layer of a subclass with the same hyper-parameters."""
    return cls(**{field.name: getattr(layer, field.name) for field in fields(layer)})
