"""Where everything that a run holds lies in its one array."""

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from assay.engines.numba.kernels.ends import LEVELS
from assay.engines.numba.kernels.lanes import VECTOR_BYTES
from assay.shapes import Array, Pair, Shape

Number = TypeVar("Number", np.floating, np.int64)
Offsets = NDArray[np.int64]
Margins = tuple[Pair, Pair]
"""Zeros kept around a map: (above, below), (left, right)."""

NO_MARGINS: Margins = ((0, 0), (0, 0))
ZERO, MINUS_INFINITY = 0, 1
"""Where the array holds these two constants."""


@dataclass(frozen=True)
class Maps:
    """Feature maps ``[block][C][H][W][lane]`` that begin at ``start``; a vector is D maps of 1 x 1."""

    start: int
    blocks: int
    shape: tuple[int, int, int]
    margins: Margins
    lanes: int

    @cached_property
    def offsets(self) -> Offsets:
        """Offsets (blocks, C, H, W) of every position, margins included."""
        (top, bottom), (left, right) = self.margins
        channels, height, width = self.shape
        sizes = (self.blocks, channels, height + top + bottom, width + left + right)
        return self.start + self.lanes * np.arange(prod(sizes)).reshape(sizes)

    @property
    def inside(self) -> Offsets:
        """Offsets (blocks, C, H, W) without the margins."""
        (top, _), (left, _) = self.margins
        _, height, width = self.shape
        return self.offsets[:, :, top : top + height, left : left + width]

    @property
    def features(self) -> Offsets:
        """Offsets (blocks, C H W) in the order of Flatten."""
        return self.inside.reshape(self.blocks, -1)

    @property
    def first(self) -> int:
        """Offset of the first position inside."""
        return int(self.inside[0, 0, 0, 0])

    @property
    def size(self) -> int:
        """Numbers that the maps take."""
        return self.offsets.size * self.lanes

    @property
    def planes(self) -> int:
        """Number of maps, of all blocks and channels."""
        return self.blocks * self.shape[0]

    @property
    def plane_distance(self) -> int:
        """From one map to the next."""
        return int(self.offsets.shape[2] * self.row_distance)

    @property
    def block_distance(self) -> int:
        """From one block to the next."""
        return self.shape[0] * self.plane_distance

    @property
    def row_distance(self) -> int:
        """From one row of a map to the next."""
        return int(self.offsets.shape[3] * self.lanes)

    @property
    def row(self) -> tuple[int, int, int]:
        """How far the next row lies, what a row holds without margins, and the size of a vector."""
        return self.row_distance, self.shape[2] * self.lanes, self.lanes


@dataclass
class Memory:
    """Hands out the array's parts; `array` allocates it once all are known."""

    dtype: str
    size: int = LEVELS + 256
    lanes: int = field(init=False)
    constants: dict[float, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count the examples in a vector; every part begins at a multiple."""
        self.lanes = VECTOR_BYTES // np.dtype(self.dtype).itemsize
        self.take(0)

    def take(self, size: int) -> int:
        """Reserve ``size`` numbers and return where they begin."""
        start = self.size
        self.size += -(-size // self.lanes) * self.lanes
        self.size = -(-self.size // self.lanes) * self.lanes
        return start

    def constant(self, value: float) -> int:
        """Return where the array holds this number, always."""
        if value not in self.constants:
            self.constants[value] = self.take(1)
        return self.constants[value]

    def maps(self, blocks: int, shape: Shape, margins: Margins = NO_MARGINS) -> Maps:
        """Reserve feature maps, or a vector."""
        full = (shape[0], shape[1], shape[2]) if len(shape) == 3 else (prod(shape), 1, 1)
        sized = Maps(0, blocks, full, margins, self.lanes)
        return Maps(self.take(sized.size), blocks, full, margins, self.lanes)

    def array(self) -> Array:
        """Return the array with its constants set: zero, minus infinity, the levels of a pixel."""
        raw = np.zeros(self.size * np.dtype(self.dtype).itemsize + VECTOR_BYTES, np.uint8)
        skip = -raw.ctypes.data % VECTOR_BYTES
        memory = raw[skip : skip + self.size * np.dtype(self.dtype).itemsize].view(self.dtype)
        memory[MINUS_INFINITY] = -np.inf
        memory[list(self.constants.values())] = list(self.constants)
        memory[LEVELS : LEVELS + 256] = np.arange(256, dtype=self.dtype) / np.asarray(255, self.dtype)
        return memory


@dataclass(frozen=True)
class Placed:
    """A parameter's place among the parameters: its own shape, laid out as ``axes`` of padded ``rows``.

    A linear layer's weight (K, D) lies transposed, D rows of K numbers, each row
    padded to whole vectors; every other parameter lies as it is.
    """

    start: int
    shape: Shape
    row: int | None = None

    @property
    def size(self) -> int:
        """Numbers that it takes."""
        return prod(self.shape) if self.row is None else self.shape[1] * self.row

    def view(self, region: NDArray[Number]) -> NDArray[Number]:
        """Return the parameter as a writable view of a region of all parameters."""
        part = region[self.start : self.start + self.size]
        if self.row is None:
            return part.reshape(self.shape)
        return part.reshape(self.shape[1], self.row)[:, : self.shape[0]].T
