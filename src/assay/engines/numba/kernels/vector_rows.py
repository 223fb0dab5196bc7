"""Rows of vectors in a memory, where code for them is emitted: pointers, loads and stores."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from llvmlite import ir

from assay.engines.numba.kernels.lanes import INDEX, Lanes, address, emit_load, emit_store


class Rows(NamedTuple):
    """Rows of ``columns`` vectors in a memory, for which code is emitted."""

    builder: Any
    memory: Any
    columns: int
    lanes: Lanes

    def at(self, offset: Any) -> Any:
        """Return the pointer ``offset`` numbers into the memory."""
        return self.builder.gep(self.memory, [offset])

    def loaded(self, offset: Any) -> Iterator[Any]:
        """Yield the vectors of a row; each is loaded when asked for, so that few registers are taken."""
        for pointer in self.vectors(offset):
            yield emit_load(self.builder, pointer, self.lanes)

    def store(self, offset: Any, values: list[Any]) -> None:
        """Store the vectors of a row."""
        for pointer, value in zip(self.vectors(offset), values, strict=True):
            emit_store(self.builder, value, pointer, self.lanes)

    def vectors(self, offset: Any) -> list[Any]:
        """Return the pointers to the vectors of a row."""
        first = self.at(offset)
        return [self.builder.gep(first, [number(self.lanes.count * p)]) for p in range(self.columns)]


def rows_in(context: Any, builder: Any, kind: Any, memory: Any, columns: int) -> Rows:
    """Return rows of ``columns`` vectors in an array of this ``kind``."""
    origin = address(context, builder, kind, memory, number(0))
    return Rows(builder, origin, columns, Lanes(kind.dtype))


def number(value: int) -> Any:
    """Return an offset that is known."""
    return ir.Constant(INDEX, value)
