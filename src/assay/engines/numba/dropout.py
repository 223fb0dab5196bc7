"""Dropout: the calls that it adds to a plan, and the masks. The formula is that of `assay.nn.dropout`."""

from math import prod

import numpy as np

from assay.engines.base import Images, masks
from assay.engines.numba.blueprint import Blueprint, Stage, Value
from assay.engines.numba.calls import Call, call
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.shuffles import PIXELS
from assay.nn.dropout import Dropout
from assay.nn.network import Draw, Network, Node

DRAWN_AT_ONCE = 2**17
"""Decisions drawn at once, or one example's: the random numbers behind them are short-lived."""
KEPT = np.uint8(255)
"""What a mask holds of an entry that is kept, so that it is gathered, as a pixel is, as 1."""


def dropout(plan: Blueprint, stage: Stage, x: Value, y: Value, first: bool) -> tuple[list[Call], list[Call]]:
    """y = x mask / (1 - p) and dx = dy mask / (1 - p)."""
    layer, shape = stage.node.layer, stage.node.input_shape
    assert isinstance(layer, Dropout)
    decisions = layer.mask_shape(shape)
    mask = plan.mask(decisions)
    scale = plan.memory.constant(float(np.ones((), plan.memory.dtype) / (1 - layer.p)))
    sizes = (prod(shape), prod(shape) // prod(decisions), plan.blocks, plan.memory.lanes, mask.start, scale)
    forward = call(Kernel.MASK, *plan.places(x.y), *plan.places(y.y), *sizes)
    backward = call(Kernel.MASK, *plan.places(y.dy), *plan.places(x.dy), *sizes)
    return [forward], [] if first else [backward]


class Masks:
    """Draws what the dropout layers of a network keep, one row of bytes per example."""

    def __init__(self, network: Network, batch_size: int, seed: int) -> None:
        self._nodes = [node for node in network.nodes if isinstance(node.layer, Dropout)]
        self._widths = [_decisions(node) for node in self._nodes]
        self._batch_size, self._seed = batch_size, seed
        self.width = max(sum(self._widths), PIXELS) if self._nodes else 0

    def draw(self, examples: int, epoch: int, first: int) -> Images:
        """Return the masks of this many examples, starting at step ``first`` (from 1) of the epoch."""
        rows = np.zeros((examples, self.width), np.uint8)
        for step, start in enumerate(range(0, examples, self._batch_size), start=first):
            self._fill(rows[start : start + self._batch_size], masks(self._seed, epoch, step))
        return rows

    def _fill(self, rows: Images, draw: Draw) -> None:
        """Draw a step's masks, of each layer entry by entry as `Dropout.forward_training` does."""
        column = 0
        for node, width in zip(self._nodes, self._widths, strict=True):
            assert isinstance(node.layer, Dropout)
            generator, some = draw(node.name), max(DRAWN_AT_ONCE // width, 1)
            for start in range(0, len(rows), some):
                part = rows[start : start + some, column : column + width]
                part[...] = (generator.random(part.shape) >= node.layer.p) * KEPT
            column += width


def _decisions(node: Node) -> int:
    assert isinstance(node.layer, Dropout)
    return prod(node.layer.mask_shape(node.input_shape))
