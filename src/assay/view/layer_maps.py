"""A layer's input and output as small pictures, with the entry that is looked at marked in them."""

from dataclasses import dataclass, replace

import numpy as np

from assay.findings.one_step import Passed, channels
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d
from assay.nn.conv2d import Conv2d
from assay.nn.sliding import Sliding
from assay.report.pictures import signed
from assay.shapes import Array
from assay.view.entry import MOST_MAPS, region

SIDE, LEAST, MOST = 168, 4, 18
"""Pixels of a map's longer side, and of one entry of it, at least and at most."""
IN_A_ROW, MOST_SHOWN = 16, 64
"""Entries of a vector in a row, and output maps that are shown to choose from."""
Mark = tuple[int, int, int, int]


@dataclass(frozen=True)
class LayerMap:
    """A map as a picture of ``columns`` x ``rows`` entries, each ``entry`` pixels wide.

    ``mark`` is the column, row, width and height of what is looked at, which may lie partly beyond.
    """

    uri: str
    columns: int
    rows: int
    entry: int
    words: str
    mark: Mark | None = None


def inputs(passed: Passed, at: tuple[int, ...]) -> list[LayerMap]:
    """Return the input maps that output entry ``at`` of a layer with windows sees, each with its window."""
    layer = passed.node.layer
    if isinstance(layer, AdaptiveAvgPool2d):
        rows, columns = region(passed, at)
        mark = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    elif isinstance(sliding := getattr(layer, "sliding", None), Sliding):
        mark = _window(sliding, at)
    else:
        return []
    seen = channels(layer, passed.x, at[0]) if isinstance(layer, Conv2d) else range(at[0], at[0] + 1)
    return [_map(passed.x[one], f"Input map {one}, with the window", mark) for one in seen[:MOST_MAPS]]


def _window(sliding: Sliding, at: tuple[int, ...]) -> Mark:
    row, column = (
        place * stride - padding
        for place, stride, padding in zip(at[1:], sliding.stride, sliding.padding, strict=True)
    )
    height, width = (
        (size - 1) * apart + 1 for size, apart in zip(sliding.kernel_size, sliding.dilation, strict=True)
    )
    return column, row, width, height


def output(passed: Passed, at: tuple[int, ...]) -> LayerMap:
    """Return the output map of entry ``at``, or the whole output where it is a vector, in rows."""
    y = passed.y
    if y.ndim > 1:
        return _map(y[at[0]], f"Output map {at[0]}", (at[2], at[1], 1, 1))
    columns = min(IN_A_ROW, len(y))
    rows = np.zeros(-(-len(y) // columns) * columns)
    rows[: len(y)] = y
    mark = (at[0] % columns, at[0] // columns, 1, 1)
    return replace(_map(rows.reshape(-1, columns), "Output", mark), entry=MOST)


def outputs(passed: Passed) -> list[LayerMap]:
    """Return the output maps to choose from; none of a vector."""
    several = passed.y if passed.y.ndim > 1 else passed.y[:0]
    return [_map(one, f"Map {place}") for place, one in enumerate(several[:MOST_SHOWN])]


def _map(values: Array, words: str, mark: Mark | None = None) -> LayerMap:
    rows, columns = values.shape
    entry = min(MOST, max(LEAST, SIDE // max(rows, columns)))
    return LayerMap(signed(values[None], 1, 1, "map", words).uri, columns, rows, entry, words, mark)
