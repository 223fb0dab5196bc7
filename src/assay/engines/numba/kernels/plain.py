"""A program's calls: products of numbers as they are, and the kernels of `program`."""

from assay.engines.numba.kernels import program, winograd
from assay.engines.numba.kernels.codes import PLAIN, Kernel
from assay.engines.numba.kernels.lanes import kernel
from assay.engines.numba.kernels.products import dot, product

_product_8x1, _product_8x3, _product_6x4, _product_5x5, _product_4x6, _product_3x7 = map(
    product, PLAIN.products
)
(_product_3x7_quarter,) = map(product, PLAIN.ending_in_quarter)
(_product_5x5_quarter,) = map(product, PLAIN.quarters)
(_product_pooled,) = (product(shape, pool=True) for shape in PLAIN.pooled)
(_product_pooled_quarter,) = (product(shape, pool=True) for shape in PLAIN.pooled_quarters)
_dot_1x9, _dot_3x9, _dot_5x5 = map(dot, PLAIN.dots)
(_dot_5x5_quarter,) = map(dot, PLAIN.dot_quarters)
_winograd_input, _winograd_gradient = map(winograd.gather, (winograd.INPUT, winograd.GRADIENT))
_others = program.execute


@kernel
def execute(call, tables, memory, data, now):  # noqa: PLR0912
    """Run one call."""
    code = call[0]
    if code == Kernel.PRODUCT_8X1:
        _product_8x1(call, tables, memory)
    elif code == Kernel.PRODUCT_8X3:
        _product_8x3(call, tables, memory)
    elif code == Kernel.PRODUCT_6X4:
        _product_6x4(call, tables, memory)
    elif code == Kernel.PRODUCT_5X5:
        _product_5x5(call, tables, memory)
    elif code == Kernel.PRODUCT_5X5_QUARTER:
        _product_5x5_quarter(call, tables, memory)
    elif code == Kernel.PRODUCT_4X6:
        _product_4x6(call, tables, memory)
    elif code == Kernel.PRODUCT_3X7:
        _product_3x7(call, tables, memory)
    elif code == Kernel.PRODUCT_3X7_QUARTER:
        _product_3x7_quarter(call, tables, memory)
    elif code == Kernel.PRODUCT_POOLED:
        _product_pooled(call, tables, memory)
    elif code == Kernel.PRODUCT_POOLED_QUARTER:
        _product_pooled_quarter(call, tables, memory)
    elif code == Kernel.DOT_1X9:
        _dot_1x9(call, tables, memory)
    elif code == Kernel.DOT_3X9:
        _dot_3x9(call, tables, memory)
    elif code == Kernel.DOT_5X5:
        _dot_5x5(call, tables, memory)
    elif code == Kernel.DOT_5X5_QUARTER:
        _dot_5x5_quarter(call, tables, memory)
    elif code == Kernel.WINOGRAD_INPUT:
        _winograd_input(call, tables, memory)
    elif code == Kernel.WINOGRAD_GRADIENT:
        _winograd_gradient(call, tables, memory)
    else:
        _others(call, tables, memory, data, now)
