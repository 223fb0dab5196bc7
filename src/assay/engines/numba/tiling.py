"""Tiles of 2 x 2 outputs: which positions of a map they take, and which of the other map they are made of."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from assay.engines.numba.blueprint import Blueprint
from assay.engines.numba.layout import Maps, Offsets
from assay.nn.conv2d import Conv2d
from assay.shapes import Pair


class Tiles(NamedTuple):
    """Tiles of n x n positions of a map, (tiles, n) along each axis; those outside the map are none."""

    rows: Offsets
    columns: Offsets

    @property
    def total(self) -> int:
        """How many cover a map."""
        return len(self.rows) * len(self.columns)

    def sources(self, padding: Pair, dilation: Pair) -> "Tiles":
        """Return the positions (tiles, 4) of the other map that the outputs are made of."""
        axes = zip(self, padding, dilation, strict=True)
        return Tiles(*(axis[:, :1] - before + step * np.arange(4) for axis, before, step in axes))

    def whole(self) -> "Tiles":
        """Return those that have all of their outputs."""
        return Tiles(*(axis[axis[:, 1] >= 0] for axis in self))

    def pooled(self) -> "Tiles":
        """Return the positions (tiles, 1) of the outputs behind a pooling of each tile."""
        return Tiles(*(axis[:, :1] // 2 for axis in self))

    def table(self, plan: Blueprint, maps: Maps, nowhere: int) -> "TileTable":
        """Write where every tile's entries lie, in all blocks; those beyond the map lie ``nowhere``."""
        height, width = maps.shape[1:]
        rows, columns = self.rows[:, None, :, None], self.columns[None, :, None, :]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        places = maps.offsets[:, 0][:, rows.clip(0, height - 1), columns.clip(0, width - 1)]
        mask = np.broadcast_to(-inside.astype(np.int64), places.shape)
        entries = np.stack([np.where(inside, places, nowhere), mask], axis=-1)
        return TileTable(plan.table(entries), entries[0, 0, 0].size, maps.plane_size)


class TileTable(NamedTuple):
    """Where the tiles of a map lie: the table, its numbers for each tile, and from channel to channel."""

    start: int
    width: int
    plane_size: int


def output_tiles(layer: Conv2d, size: Pair) -> Tiles:
    """Return the tiles of an output; dilated ones are taken so many positions apart."""
    axes = zip(size, layer.sliding.dilation, strict=True)
    return Tiles(*(np.array(list(_pairs(length, step))) for length, step in axes))


def _pairs(length: int, step: int) -> Iterator[tuple[int, int]]:
    for phase in range(min(step, length)):
        positions = range(phase, length, step)
        yield from zip_longest(positions[::2], positions[1::2], fillvalue=-1)
