"""A program's calls: products of bfloat16, and the kernels of `program`."""

from assay.engines.numba.kernels import pairs, program, winograd
from assay.engines.numba.kernels.codes import PAIRED, Kernel
from assay.engines.numba.kernels.lanes import kernel
from assay.engines.numba.kernels.products import dot, product

_product_8x3, _product_6x4, _product_5x5, _product_3x7 = map(product, PAIRED.products)
(_product_3x7_quarter,) = map(product, PAIRED.ending_in_quarter)
(_product_5x5_quarter,) = map(product, PAIRED.quarters)
(_product_pooled,) = (product(shape, pool=True) for shape in PAIRED.pooled)
(_product_pooled_quarter,) = (product(shape, pool=True) for shape in PAIRED.pooled_quarters)
_dot_3x9, _dot_5x5 = map(dot, PAIRED.dots)
(_dot_5x5_quarter,) = map(dot, PAIRED.dot_quarters)
_winograd_input_paired = winograd.gather(winograd.INPUT, "paired")
_winograd_input_narrowed, _winograd_gradient_narrowed = (
    winograd.gather(matrix, "narrowed") for matrix in (winograd.INPUT, winograd.GRADIENT)
)
_others = program.execute


@kernel
def execute(call, tables, memory, data, now):  # noqa: PLR0912
    """Run one call."""
    code = call[0]
    if code == Kernel.PAIR:
        pairs.pair(call, memory)
    elif code == Kernel.NARROW:
        pairs.narrow(call, memory)
    elif code == Kernel.PAIRED_8X3:
        _product_8x3(call, tables, memory)
    elif code == Kernel.PAIRED_6X4:
        _product_6x4(call, tables, memory)
    elif code == Kernel.PAIRED_5X5:
        _product_5x5(call, tables, memory)
    elif code == Kernel.PAIRED_3X7:
        _product_3x7(call, tables, memory)
    elif code == Kernel.PAIRED_3X7_QUARTER:
        _product_3x7_quarter(call, tables, memory)
    elif code == Kernel.PAIRED_5X5_QUARTER:
        _product_5x5_quarter(call, tables, memory)
    elif code == Kernel.PAIRED_POOLED:
        _product_pooled(call, tables, memory)
    elif code == Kernel.PAIRED_POOLED_QUARTER:
        _product_pooled_quarter(call, tables, memory)
    elif code == Kernel.PAIRED_DOT_3X9:
        _dot_3x9(call, tables, memory)
    elif code == Kernel.PAIRED_DOT_5X5:
        _dot_5x5(call, tables, memory)
    elif code == Kernel.PAIRED_DOT_5X5_QUARTER:
        _dot_5x5_quarter(call, tables, memory)
    elif code == Kernel.WINOGRAD_INPUT_PAIRED:
        _winograd_input_paired(call, tables, memory)
    elif code == Kernel.WINOGRAD_INPUT_NARROWED:
        _winograd_input_narrowed(call, tables, memory)
    elif code == Kernel.WINOGRAD_GRADIENT_NARROWED:
        _winograd_gradient_narrowed(call, tables, memory)
    else:
        _others(call, tables, memory, data, now)
