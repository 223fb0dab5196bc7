"""Networks that touch every kind of kernel with few kernels, for the register files that a test tries."""

import pytest
from numba_cases import BETWEEN_MAPS, assert_agree, kernels_of, train

from assay.engines.base import Recipe
from assay.engines.numba import NumbaEngine, convolution
from assay.engines.numba.engine import programs
from assay.engines.numba.kernels.codes import Kernel
from assay.engines.reference import ReferenceEngine
from assay.nn import AvgPool2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU
from assay.nn.network import Network
from assay.optim import SGD

POOLED = Network(
    (Conv2d(5, 3, padding=1), ReLU(), MaxPool2d(2), Conv2d(6, 3, padding=1), ReLU(), Flatten(), Linear(13)),
    (1, 8, 8),
)
TWICE_POOLED = Network(
    (*POOLED.layers[:3], Conv2d(6, 3, padding=1), ReLU(), MaxPool2d(2), Flatten(), Linear(5)), (1, 8, 8)
)
MEANS = AvgPool2d(2, padding=1), MaxPool2d(2, 1)
SPREAD = Network(
    (Conv2d(4, 3, 2), BETWEEN_MAPS[0], ReLU(), *MEANS, Flatten(), Dropout(), Linear(5)), (1, 11, 9)
)
PRODUCTS = {Kernel.PRODUCT, Kernel.PRODUCT_POOLED, Kernel.DOT}
TILES = {Kernel.WINOGRAD_INPUT, Kernel.WINOGRAD_GRADIENT, Kernel.WINOGRAD_WEIGHT_GRADIENT}
POOLING = {Kernel.WINDOW_MEAN, Kernel.WINDOW_MAX, Kernel.WINDOW_MAX_GRADIENT}
REST = {Kernel.NORMALISE, Kernel.TRANSPOSE, Kernel.MASK, *POOLING}
WINNERS = {Kernel.TRANSPOSE_LISTED, Kernel.WINNING, Kernel.WINNER_SUMS, Kernel.WINNER_SPREAD, Kernel.RETURNED}
RECIPE = Recipe(SGD(0.01, momentum=0.9), 17, dtype="float64")
"""With a last vector of one example, in whatever register."""


def assert_products_agree() -> None:
    """Train with the reference and the numba engine, whose products take tiles that fit the registers."""
    assert_agrees(POOLED, False, PRODUCTS)


def assert_every_kernel_agrees() -> None:
    """Products, Winograd's tiles, gradients of winners alone, pooling and the rest."""
    assert_products_agree()
    assert_agrees(POOLED, True, TILES)
    assert_agrees(TWICE_POOLED, False, WINNERS, winners=True)
    assert_agrees(SPREAD, False, REST)


def assert_agrees(network: Network, tiles: bool, kinds: set[Kernel], winners: bool = False) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "_pays", lambda stage, blocks: tiles)
        patch.setattr(convolution, "weights_pay", lambda stage, plan, first: winners)
        patch.setattr(convolution, "input_pays", lambda stage, plan: winners)
        programs.cache_clear()
        found = train(NumbaEngine(), network, RECIPE, epochs=1, count=30)
    assert kinds <= set(kernels_of(found))
    assert_agree(found, train(ReferenceEngine(), network, RECIPE, epochs=1, count=30), network)
