"""Nodes: layers in their places, named and with their shapes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from assay.errors import ShapeError
from assay.nn.layer import Layer, Parameter
from assay.shapes import Array, Shape, text

T = TypeVar("T")


@dataclass(frozen=True)
class Node:
    """A layer in its place: its name and the shapes it takes and gives."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The layer's parameters under their names in the whole."""
        return prefixed(self.name, self.layer.parameters(self.input_shape))

    @property
    def buffers(self) -> dict[str, Array]:
        """The layer's buffers under their names in the whole."""
        return prefixed(self.name, self.layer.buffers(self.input_shape))

    @property
    def flops(self) -> int:
        """Floating-point operations forward, one example."""
        return self.layer.flops(self.input_shape)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The names of a user's layers, this one or inside it, that do not count their operations."""
        silent = self.layer.users_own and type(self.layer).flops is Layer.flops
        inside = (name for node in self.layer.inner(self.input_shape) for name in node.uncounted)
        return (*((self.name,) if silent else ()), *inside)


def place(layers: tuple[Layer, ...], shape: Shape) -> tuple[Node, ...]:
    """Name ``layers`` by kind and order and work out their shapes; `ShapeError` names the layer."""
    nodes: list[Node] = []
    counts: Counter[str] = Counter()
    for layer in layers:
        counts[layer.kind] += 1
        nodes.append(_node(f"{layer.kind}{counts[layer.kind]}", layer, shape))
        shape = nodes[-1].output_shape
    return tuple(nodes)


def _node(name: str, layer: Layer, shape: Shape) -> Node:
    try:
        output = layer.output_shape(shape)
    except ShapeError as error:
        raise ShapeError(f"layer {name}: {error}") from None
    if min(output) < 1:
        raise ShapeError(
            f"layer {name}: the feature map shrinks to nothing, {text(shape)} becomes "
            f"{text(output)} (use fewer layers, a smaller kernel or more padding)"
        )
    return Node(name, layer, shape, output)


def every(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yield ``nodes``, and those that their layers are made of."""
    for node in nodes:
        yield node
        yield from every(node.layer.inner(node.input_shape))


def local(values: Mapping[str, T], owner: str) -> dict[str, T]:
    """Return what belongs to ``owner`` under the names that it uses itself."""
    prefix = f"{owner}."
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def prefixed(owner: str, values: dict[str, T]) -> dict[str, T]:
    """Return ``values`` under the names that they have outside of ``owner``."""
    return {f"{owner}.{name}": value for name, value in values.items()}
