"""Where everything that a run holds lies in its one array."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from assay.engines.numba.kernels.lanes import VECTOR_BYTES
from assay.shapes import Array, Pair, Shape

Number = TypeVar("Number", np.floating, np.int64)
Offsets = NDArray[np.int64]
ZERO, MINUS_INFINITY = 0, 1
"""Where the array holds these two constants."""


@dataclass(frozen=True)
class Maps:
    """Feature maps ``[block][C][H][W][lane]`` that begin at ``start``; a vector is D maps of 1 x 1.

    ``border`` rows and columns of zeros are kept around each map; nothing is ever written there.
    """

    start: int
    blocks: int
    shape: tuple[int, int, int]
    border: Pair
    lanes: int

    @cached_property
    def bordered(self) -> Offsets:
        """Offsets (blocks, C, H, W) of every position, the border included."""
        channels, height, width = self.shape
        sizes = (self.blocks, channels, height + 2 * self.border[0], width + 2 * self.border[1])
        return self.start + self.lanes * np.arange(prod(sizes)).reshape(sizes)

    @property
    def offsets(self) -> Offsets:
        """Offsets (blocks, C, H, W) of every position of the maps themselves."""
        (down, across), (_, height, width) = self.border, self.shape
        return self.bordered[:, :, down : down + height, across : across + width]

    @property
    def features(self) -> Offsets:
        """Offsets (blocks, C H W) in the order of Flatten."""
        return self.offsets.reshape(self.blocks, -1)

    @property
    def flat(self) -> "Maps":
        """Return maps without a border as a vector."""
        return replace(self, shape=(prod(self.shape), 1, 1))

    def part(self, start: int, stop: int) -> "Maps":
        """Return some of the blocks."""
        return replace(self, start=self.start + start * self.block_size, blocks=stop - start)

    @property
    def plane(self) -> Offsets:
        """How far the positions (H, W) of a map lie from where it begins, border included."""
        plane: Offsets = self.offsets[0, 0] - self.start
        return plane

    @property
    def size(self) -> int:
        """Numbers that all take."""
        return self.bordered.size * self.lanes

    @property
    def planes(self) -> int:
        """Number of maps, of all blocks and channels."""
        return self.blocks * self.shape[0]

    @property
    def plane_size(self) -> int:
        """From one map to the next."""
        return self.size // self.planes

    @property
    def block_size(self) -> int:
        """From one block to the next."""
        return self.size // self.blocks


@dataclass
class Memory:
    """Hands out the array's parts; `array` allocates it once all are known."""

    dtype: str
    size: int = 2
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

    def places(self, shape: tuple[int, ...], spare: int = 0) -> Offsets:
        """Reserve an array of this shape, and ``spare`` numbers behind it; return where each entry lies."""
        start = self.take(prod(shape) + spare)
        return np.arange(start, start + prod(shape)).reshape(shape)

    @property
    def vector_bytes(self) -> int:
        """What a vector takes."""
        return self.lanes * np.dtype(self.dtype).itemsize

    def constant(self, value: float) -> int:
        """Return where the array holds this number, always."""
        if value not in self.constants:
            self.constants[value] = self.take(1)
        return self.constants[value]

    def maps(self, blocks: int, shape: Shape, border: Pair = (0, 0)) -> Maps:
        """Reserve feature maps, or a vector."""
        full = (shape[0], shape[1], shape[2]) if len(shape) == 3 else (prod(shape), 1, 1)
        sized = Maps(0, blocks, full, border, self.lanes)
        return replace(sized, start=self.take(sized.size))

    def array(self) -> Array:
        """Return the array, zero but for its constants."""
        raw = np.zeros(self.size * np.dtype(self.dtype).itemsize + VECTOR_BYTES, np.uint8)
        skip = -raw.ctypes.data % VECTOR_BYTES
        memory = raw[skip : skip + self.size * np.dtype(self.dtype).itemsize].view(self.dtype)
        memory[MINUS_INFINITY] = -np.inf
        memory[list(self.constants.values())] = list(self.constants)
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
