"""Kernels that apply a user's compiled function to each entry.

They are made for a function and its arguments, numbered as they come, and compiled anew in each process: what
the function calls in turn may change without its file.
"""

from collections.abc import Callable
from typing import Any

from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.lanes import kernel, load, read, store
from assay.engines.numba.kernels.spelling import takes_vectors

_functions: list[tuple[Any, tuple[float, ...]]] = []


def own_number(function: Any, arguments: tuple[float, ...]) -> int:
    """Return the number, from 1, of a function with the arguments that it is given after x."""
    entry = (function, arguments)
    if entry not in _functions:
        _functions.append(entry)
    return _functions.index(entry) + 1


def forward(function: Any, arguments: tuple[float, ...]) -> Any:
    """Return the kernel y = f(x), by whole vectors where the function allows it.

    Call: blocks, rows, their length, lanes, table of x, from block to block of x, the same of y.
    """

    def by_vectors(call, tables, memory):
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[6] + read(tables, call[5] + row)
                y = block * call[8] + read(tables, call[7] + row)
                for i in range(0, call[3], call[4]):
                    store(memory, y + i, function(load(memory, x + i), *arguments))

    def by_numbers(call, tables, memory):
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[6] + read(tables, call[5] + row)
                y = block * call[8] + read(tables, call[7] + row)
                for i in range(call[3]):
                    memory[y + i] = function(memory[x + i], *arguments)

    return kernel(by_vectors if takes_vectors(function, len(arguments)) else by_numbers)


def gradient(function: Any, arguments: tuple[float, ...]) -> Any:
    """Return the kernel dx = dy f'(x), likewise.

    Call: blocks, rows, their length, lanes, table of x, from block to block of x, the same of dy and of dx.
    """

    def by_vectors(call, tables, memory):
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[6] + read(tables, call[5] + row)
                dy = block * call[8] + read(tables, call[7] + row)
                dx = block * call[10] + read(tables, call[9] + row)
                for i in range(0, call[3], call[4]):
                    slope = function(load(memory, x + i), *arguments)
                    store(memory, dx + i, load(memory, dy + i) * slope)

    def by_numbers(call, tables, memory):
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[6] + read(tables, call[5] + row)
                dy = block * call[8] + read(tables, call[7] + row)
                dx = block * call[10] + read(tables, call[9] + row)
                for i in range(call[3]):
                    memory[dx + i] = memory[dy + i] * function(memory[x + i], *arguments)

    return kernel(by_vectors if takes_vectors(function, len(arguments)) else by_numbers)


OWN: dict[Kernel, Callable[[Any, tuple[float, ...]], Any]] = {
    Kernel.ENTRIES: forward,
    Kernel.ENTRIES_GRADIENT: gradient,
}
"""What makes a kernel of a user's function."""


def own_kernel(kernel: Kernel, own: int) -> Any:
    """Return the kernel for the function of that number."""
    return OWN[kernel](*_functions[own - 1])
