"""The numba engine in a process that takes the processor for one with other vector registers."""

from numba_cases import in_another_process

HOLD = """
{first}
import {modules}
from assay.engines.numba.kernels.tilesets import REGISTERS
for check in ({checks},):
    check()
print(REGISTERS.bytes, REGISTERS.count)
"""
OTHER = """
from assay.engines import registers
registers.REGISTERS = registers.RegisterFile({file})
"""
EVERY_KERNEL = ("every_kernel.assert_every_kernel_agrees", "sparse_cases.assert_zeros_change_no_bit")
PRODUCTS = ("every_kernel.assert_products_agree", "sparse_cases.assert_zeros_change_no_bit")


def agrees_in(file: str, checks: tuple[str, ...]) -> bool:
    """Whether ``checks``, functions of helpers, hold in a file of ``"bytes, registers"``.

    One process compiles for all of them, and fails if one does not hold. Where the processor has fewer
    registers, sums go to memory and back, and are the same.
    """
    return held_in(checks, OTHER.format(file=file)) == file.split(", ")[:2]


def held_in(checks: tuple[str, ...], first: str = "", **environment: str) -> list[str]:
    """Return bytes and number of the registers in which ``checks`` held, in a process that does ``first``."""
    modules = ", ".join(dict.fromkeys(check.partition(".")[0] for check in checks))
    code = HOLD.format(first=first, modules=modules, checks=", ".join(checks))
    return in_another_process(code, **environment)
