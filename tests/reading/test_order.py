"""Reading order, by itself: which pieces of ink belong together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assay.reading import order
from assay.reading.ink_piece import InkPiece

sides = st.integers(1, 12)
boxes = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), sides, sides), max_size=14)


def _piece(top: int, left: int, height: int, width: int) -> order.PieceGroup:
    strokes = np.zeros((height + 2, width + 2), np.float32)
    piece = InkPiece(top, left, top + height, left + width, strokes, 1, 1, 1.0, 1.0, 1.0, False, 1.0, 0, 1.0)
    return order.PieceGroup.of([piece])


def _one_by_one(parts: list[order.PieceGroup]) -> list[order.PieceGroup]:
    """Join the first two that stand above each other, and look again from the beginning."""
    for first, a in enumerate(parts):
        for b in parts[first + 1 :]:
            if order._above(a, b):
                rest = [part for part in parts if part is not a and part is not b]
                return _one_by_one([*rest, order.PieceGroup.of(a.pieces + b.pieces)])
    return parts


@given(boxes)
def test_what_stands_above_each_other_is_joined_in_turn(places):
    parts = [_piece(*place) for place in places]
    assert [part.pieces for part in order._stacked(parts)] == [part.pieces for part in _one_by_one(parts)]
