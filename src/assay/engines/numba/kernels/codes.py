"""The kernels' numbers in a program."""

from enum import IntEnum, auto

from assay.engines.numba.kernels.tiles import Shape


class Kernel(IntEnum):
    """What a call does; products and dots come in register tiles of many shapes."""

    GATHER = auto()
    GATHER_MASKS = auto()
    COLLECT = auto()
    LOSS_GRADIENT = auto()
    PRODUCT = auto()
    PRODUCT_POOLED = auto()
    DOT = auto()
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
    WINOGRAD_INPUT_PAIRED = auto()
    WINOGRAD_INPUT_NARROWED = auto()
    WINOGRAD_GRADIENT_NARROWED = auto()
    ENTRIES = auto()
    ENTRIES_GRADIENT = auto()
    MARK = auto()
    TURN = auto()
    FINITE = auto()
    PRODUCT_SPARSE = auto()
    TRANSPOSE_BACK = auto()
    TRANSPOSE_LISTED = auto()
    WINNING = auto()
    WINNER_SUMS = auto()
    WINNER_SPREAD = auto()
    RETURNED = auto()


EVALUATION: dict[int, int] = {Kernel.MASK: Kernel.COPY, Kernel.NORMALISE: Kernel.NORMALISE_BY_RUNNING}
"""What takes a kernel's place in evaluation mode, called alike."""


APPLYING = (Kernel.ENTRIES, Kernel.ENTRIES_GRADIENT)
"""The kernels that apply a function to each entry, whose number takes the place of a tile's shape."""

GUARD = 15
"""The number in a call that tells where a condition lies: it is only made if that is not 0. None is at 0."""

KINDS = 2**8
"""More than there are kernels."""


def code(kernel: Kernel, shape: Shape | None = None) -> int:
    """Return the first number of a call: the kernel, and its tile's shape if it has one."""
    return int(kernel) + KINDS * (shape.number if shape else 0)


def kernel_of(number: int) -> Kernel:
    """Return the kernel of a call that begins with ``number``."""
    return Kernel(number % KINDS)


def shape_of(number: int) -> Shape | None:
    """Return the shape of its tile."""
    return Shape.numbered(number // KINDS) if number >= KINDS and kernel_of(number) not in APPLYING else None


def function_of(number: int) -> int:
    """Return the number of the function that a kernel applies to each entry, 0 if it applies none."""
    return number // KINDS if kernel_of(number) in APPLYING else 0
