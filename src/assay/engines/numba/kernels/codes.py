"""The kernels' numbers in a program, and the register tiles that products come in."""

from enum import IntEnum, auto
from typing import NamedTuple

from assay.engines.numba.kernels.tiles import Shape


class Kernel(IntEnum):
    """The first number of a call."""

    GATHER = auto()
    GATHER_MASKS = auto()
    COLLECT = auto()
    LOSS_GRADIENT = auto()
    PRODUCT_8X1 = auto()
    PRODUCT_8X3 = auto()
    PRODUCT_6X4 = auto()
    PRODUCT_5X5 = auto()
    PRODUCT_4X6 = auto()
    PRODUCT_3X7 = auto()
    PRODUCT_3X7_QUARTER = auto()
    PRODUCT_5X5_QUARTER = auto()
    PRODUCT_POOLED = auto()
    PRODUCT_POOLED_QUARTER = auto()
    DOT_1X9 = auto()
    DOT_3X9 = auto()
    DOT_5X5 = auto()
    DOT_5X5_QUARTER = auto()
    WINOGRAD_WEIGHTS = auto()
    WINOGRAD_INPUT = auto()
    WINOGRAD_OUTPUT = auto()
    WINOGRAD_OUTPUT_QUARTER = auto()
    WINOGRAD_POOLED = auto()
    WINOGRAD_POOLED_QUARTER = auto()
    WINOGRAD_GRADIENT = auto()
    WINOGRAD_WEIGHT_GRADIENT = auto()
    BIAS_GRADIENT = auto()
    TRANSPOSE = auto()
    ARRANGE = auto()
    RELU = auto()
    RELU_GRADIENT = auto()
    WINDOW_MEAN = auto()
    WINDOW_MAX = auto()
    WINDOW_MAX_GRADIENT = auto()
    MASK = auto()
    COPY = auto()
    NORMALISE = auto()
    NORMALISE_BY_RUNNING = auto()
    NORMALISE_GRADIENT = auto()
    PENALISE = auto()
    SGD = auto()
    MOMENTUM = auto()
    ADAGRAD = auto()
    ADAM = auto()
    ADAMAX = auto()
    PAIR = auto()
    NARROW = auto()
    PAIRED_8X3 = auto()
    PAIRED_6X4 = auto()
    PAIRED_5X5 = auto()
    PAIRED_3X7 = auto()
    PAIRED_3X7_QUARTER = auto()
    PAIRED_5X5_QUARTER = auto()
    PAIRED_POOLED = auto()
    PAIRED_POOLED_QUARTER = auto()
    PAIRED_DOT_3X9 = auto()
    PAIRED_DOT_5X5 = auto()
    PAIRED_DOT_5X5_QUARTER = auto()
    WINOGRAD_INPUT_PAIRED = auto()
    WINOGRAD_INPUT_NARROWED = auto()
    WINOGRAD_GRADIENT_NARROWED = auto()


EVALUATION = {Kernel.MASK: Kernel.COPY, Kernel.NORMALISE: Kernel.NORMALISE_BY_RUNNING}
"""What takes a kernel's place in evaluation mode, called alike."""


class Tiles(NamedTuple):
    """The register tiles that products come in.

    A register for each sum, for each column, and one for the number: at most 32 together. Those of
    ``ending_in_quarter`` are for a last column of which a quarter matters, ``quarters`` where that is so of
    all, and so are ``pooled_quarters`` and ``dot_quarters``.
    """

    products: dict[Shape, Kernel]
    ending_in_quarter: dict[Shape, Kernel]
    quarters: dict[Shape, Kernel]
    pooled: dict[Shape, Kernel]
    pooled_quarters: dict[Shape, Kernel]
    dots: dict[Shape, Kernel]
    dot_quarters: dict[Shape, Kernel]


PLAIN = Tiles(
    products={
        Shape(8, 1): Kernel.PRODUCT_8X1,
        Shape(8, 3): Kernel.PRODUCT_8X3,
        Shape(6, 4): Kernel.PRODUCT_6X4,
        Shape(5, 5): Kernel.PRODUCT_5X5,
        Shape(4, 6): Kernel.PRODUCT_4X6,
        Shape(3, 7): Kernel.PRODUCT_3X7,
    },
    ending_in_quarter={Shape(3, 7, quarters=1): Kernel.PRODUCT_3X7_QUARTER},
    quarters={Shape(5, 5, quarters=5): Kernel.PRODUCT_5X5_QUARTER},
    pooled={Shape(5, 4): Kernel.PRODUCT_POOLED},
    pooled_quarters={Shape(5, 4, quarters=4): Kernel.PRODUCT_POOLED_QUARTER},
    dots={Shape(1, 9): Kernel.DOT_1X9, Shape(3, 9): Kernel.DOT_3X9, Shape(5, 5): Kernel.DOT_5X5},
    dot_quarters={Shape(5, 5, quarters=5): Kernel.DOT_5X5_QUARTER},
)
PAIRED = Tiles(
    products={
        Shape(8, 3, pairs=True): Kernel.PAIRED_8X3,
        Shape(6, 4, pairs=True): Kernel.PAIRED_6X4,
        Shape(5, 5, pairs=True): Kernel.PAIRED_5X5,
        Shape(3, 7, pairs=True): Kernel.PAIRED_3X7,
    },
    ending_in_quarter={Shape(3, 7, quarters=1, pairs=True): Kernel.PAIRED_3X7_QUARTER},
    quarters={Shape(5, 5, quarters=5, pairs=True): Kernel.PAIRED_5X5_QUARTER},
    pooled={Shape(5, 4, pairs=True): Kernel.PAIRED_POOLED},
    pooled_quarters={Shape(5, 4, quarters=4, pairs=True): Kernel.PAIRED_POOLED_QUARTER},
    dots={
        Shape(3, 9, pairs=True): Kernel.PAIRED_DOT_3X9,
        Shape(5, 5, pairs=True): Kernel.PAIRED_DOT_5X5,
    },
    dot_quarters={Shape(5, 5, quarters=5, pairs=True): Kernel.PAIRED_DOT_5X5_QUARTER},
)
"""Of bfloat16."""
