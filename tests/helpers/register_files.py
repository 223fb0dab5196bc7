"""The numba engine in a process that takes the processor for one with other vector registers."""

from numba_cases import in_another_process

AGREES = """
from assay.engines import registers
registers.REGISTERS = registers.RegisterFile({file})
from assay.engines.numba.kernels.tilesets import REGISTERS
import {module}
{module}.{agreement}()
print(REGISTERS.bytes, REGISTERS.count)
"""


def agrees_in(file: str, agreement: str, module: str = "every_kernel") -> bool:
    """Whether kernels agree in a file of ``"bytes, registers"``; the process fails if not.

    A helper's function says with what. Where the processor has fewer, sums go to memory and back, and are
    the same.
    """
    return (
        in_another_process(AGREES.format(file=file, agreement=agreement, module=module))
        == file.split(", ")[:2]
    )
