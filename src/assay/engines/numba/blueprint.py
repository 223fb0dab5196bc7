"""From a network to the program that trains it: the layout of the memory, and the kernels' calls in order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import prod
from typing import NamedTuple

import numpy as np

from assay.engines.numba.calls import AFTER, Call, at, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.layout import Maps, Memory, Offsets, Placed
from assay.engines.numba.rules import Rule
from assay.engines.pooled_first import pooled_first
from assay.engines.registers import REGISTERS
from assay.nn.conv2d import Conv2d
from assay.nn.flatten import Flatten
from assay.nn.linear import Linear
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.network import Network, Node
from assay.nn.relu import ReLU
from assay.optim.penalties import L1, L2
from assay.optim.recipe import Recipe
from assay.shapes import Pair, Shape


@dataclass
class Stage:
    """A layer together with what its kernel also does: the pooling and the ReLU after it."""

    node: Node
    pool: Node | None = None
    relu: bool = False

    @property
    def output_shape(self) -> Shape:
        """The shape after all of it."""
        return (self.pool or self.node).output_shape


@dataclass
class Value:
    """What passes between two stages, and its gradient, which has the same layout."""

    y: Maps
    dy: Maps


def stages(network: Network) -> list[Stage]:
    """Group the layers; Flatten needs no work here, nor does ReLU on pixels, which are never negative."""
    found: list[Stage] = []
    for node in pooled_first(network.nodes):
        last = found[-1] if found else None
        if isinstance(node.layer, ReLU):
            if last:
                last.relu = True
        elif last and _pools_at_once(last, node):
            last.pool = node
        elif not isinstance(node.layer, Flatten):
            found.append(Stage(node))
    return found


PASSES = 12 if REGISTERS.count < 32 else 20
"""What it costs to write a map, to pool it and to go back over it, in multiplications for each entry: with
fewer registers these take longer, by as much as two networks told for which both ways took equally long."""


def _pools_at_once(stage: Stage, node: Node) -> bool:
    """Whether ``node`` is a 2 x 2 maximum right behind a convolution, which is to make each window at once.

    Windows that reach beyond the map make it multiply more, which must not cost more than it saves.
    """
    if not isinstance(node.layer, MaxPool2d) or not isinstance(stage.node.layer, Conv2d) or stage.pool:
        return False
    sliding = node.layer.sliding
    windows, positions = prod(node.output_shape[1:]), prod(node.input_shape[1:])
    products = prod(stage.node.parameters[f"{stage.node.name}.weight"].shape[1:])
    dear = (4 * windows - positions) * products > PASSES * positions
    return sliding.kernel_size == sliding.stride == (2, 2) and not dear


class Span(NamedTuple):
    """Some blocks of examples, and whether no more than a quarter of their lanes matters."""

    start: int
    stop: int
    quarter: bool = False

    def parts(self, size: int) -> list["Span"]:
        """Split it into parts of ``size`` blocks, the last one holding the remainder."""
        starts = range(self.start, self.stop, size)
        return [Span(start, min(start + size, self.stop), self.quarter) for start in starts]

    def of(self, *maps: Maps) -> Iterator[Maps]:
        """Yield these blocks of maps."""
        return (each.part(self.start, self.stop) for each in maps)


class Blueprint:
    """The memory of a run, its tables of offsets, and its calls forward and backward.

    ``draws`` are the calls that only a training step begins with; with ``pairs``, products are of bfloat16;
    while ``blockwise``, stages are planned for each block of examples by itself;
    ``pixels`` are those of images that keep them in the same order, some of them dropped maybe;
    ``kept`` tells where the network's buffers lie, ``masks`` where what dropout keeps, ``broken`` where
    the first step whose loss is no number.
    """

    def __init__(self, network: Network, rule: Rule, recipe: Recipe) -> None:
        self.memory = Memory(recipe.parameter_dtype)
        self.pairs, self.blockwise = recipe.dtype == "bfloat16", False
        self._rule = rule
        self._roles = {name: parameter.role for name, parameter in network.parameters.items()}
        self._penalties = recipe.penalties
        self.batch_size = recipe.batch_size
        self.blocks = -(-self.batch_size // self.memory.lanes)
        self.draws: list[Call] = []
        self.forward: list[Call] = []
        self.backward: list[Call] = []
        self._tables: list[Offsets] = []
        self.masks: list[Maps] = []
        self.pixels: Value | None = None
        self.kept: dict[str, tuple[int, Shape]] = {}
        self._table_size = 0
        self._placed: dict[bytes, int] = {}
        self._scratch: dict[tuple[int, str], int] = {}
        self.broken = self.memory.take(1)
        self.parameters = self._place(network)
        self.region = sum(self.padded(placed.size) for placed in self.parameters.values())
        self.theta, *self.slots = (self.memory.take(self.region) for _ in range(1 + len(rule.slots)))

    def _place(self, network: Network) -> dict[str, Placed]:
        linear = {node.name for node in network.nodes if isinstance(node.layer, Linear)}
        placed, start = {}, 0
        for name, parameter in network.parameters.items():
            layer, _, local = name.rpartition(".")
            transposed = layer in linear and local == "weight"
            row = self.padded(parameter.shape[0]) if transposed else None
            placed[name] = Placed(start, parameter.shape, row)
            start += self.padded(placed[name].size)
        return placed

    def is_quarter(self, size: int) -> bool:
        """Whether this many numbers end within the first quarter of a vector."""
        return 0 < size % self.memory.lanes <= self.memory.lanes // 4

    @property
    def spans(self) -> list[Span]:
        """Split the blocks where a last one holds so few examples that quarters of vectors will do.

        With ``blockwise`` each is by itself.
        """
        if not self.is_quarter(self.batch_size):
            spans = [Span(0, self.blocks)]
        else:
            spans = [Span(0, self.blocks - 1), Span(self.blocks - 1, self.blocks, quarter=True)]
            spans = spans[self.blocks == 1 :]
        return [part for span in spans for part in span.parts(1)] if self.blockwise else spans

    @property
    def parts(self) -> list[Span]:
        """Return the blocks at once or, with ``blockwise``, each by itself."""
        return Span(0, self.blocks).parts(1 if self.blockwise else self.blocks)

    def padded(self, size: int) -> int:
        """Round up to whole vectors."""
        return -(-size // self.memory.lanes) * self.memory.lanes

    def value(self, shape: Shape, border: Pair = (0, 0)) -> Value:
        """Reserve what passes between two stages."""
        return Value(*(self.memory.maps(self.blocks, shape, border) for _ in range(2)))

    def weights(self, name: str) -> Offsets:
        """Return the offsets of a parameter's entries, in its own shape."""
        placed = self.parameters[name]
        start = self.theta + placed.start
        return replace(placed, start=0).view(np.arange(start, start + placed.size, dtype=np.int64))

    def weight_rows(self, name: str) -> Offsets:
        """Return the offsets of a linear layer's weights as they lie, transposed, each row whole vectors."""
        placed = self.parameters[name]
        return (self.theta + placed.start + np.arange(placed.size)).reshape(placed.shape[1], -1)

    def gradient(self, name: str) -> Offsets:
        """Reserve a parameter's gradient and return the offsets of its entries, in its own shape."""
        placed = self.parameters[name]
        start = self.memory.take(placed.size)
        return replace(placed, start=0).view(np.arange(start, start + placed.size, dtype=np.int64))

    def buffers(self, node: Node) -> int:
        """Reserve a layer's buffers, contiguously, and return where they begin."""
        start = at = self.memory.take(sum(buffer.size for buffer in node.buffers.values()))
        for name, buffer in node.buffers.items():
            self.kept[name] = (at, buffer.shape)
            at += buffer.size
        return start

    def mask(self, shape: Shape) -> Maps:
        """Reserve a mask."""
        self.masks.append(self.memory.maps(self.blocks, shape))
        return self.masks[-1]

    def scratch(self, size: int, use: str) -> int:
        """Return the place of scratch space, shared by all stages that want the same amount for one use."""
        if (size, use) not in self._scratch:
            self._scratch[size, use] = self.memory.take(size)
        return self._scratch[size, use]

    def places(self, maps: Maps) -> tuple[int, int]:
        """Return a table of where the first block's features lie, and how far it is to the next block's."""
        return self.table(maps.features[0]), maps.block_size

    def update(self, name: str, gradient: Offsets) -> list[Call]:
        """Return the calls that take the rule's step for a parameter."""
        return self.update_part(name, 0, self.parameters[name].size, int(gradient.flat[0]))

    def update_part(self, name: str, start: int, size: int, gradient: int) -> list[Call]:
        """Return the calls that take the rule's step for a parameter's ``size`` numbers from ``start`` on."""
        theta, *slots = (region + self.parameters[name].start + start for region in (self.theta, *self.slots))
        numbers = (theta, gradient, size, self.memory.lanes)
        return at(AFTER, [*self._penalise(name, numbers), call(self._rule.kernel, *numbers, *slots)])

    def _penalise(self, name: str, numbers: tuple[int, ...]) -> list[Call]:
        """Return the call, if any, that adds to a gradient those of the penalties on the parameter."""
        found = [penalty for penalty in self._penalties if self._roles[name] in penalty.roles]
        strengths = (
            sum(penalty.strength for penalty in found if isinstance(penalty, kind)) for kind in (L2, L1)
        )
        places = [self.memory.constant(strength) for strength in strengths]
        return [call(Kernel.PENALISE, *numbers, *places)] if found else []

    def table(self, entries: Offsets) -> int:
        """Keep a table of offsets, one of a kind, and return where it begins."""
        table = np.ascontiguousarray(entries, np.int64).ravel()
        key = blake2b(table.tobytes()).digest()
        if key not in self._placed:
            self._placed[key] = self._table_size
            self._tables.append(table)
            self._table_size += table.size
        return self._placed[key]

    @property
    def tables(self) -> Offsets:
        """All tables."""
        return np.concatenate([np.zeros(0, np.int64), *self._tables])
