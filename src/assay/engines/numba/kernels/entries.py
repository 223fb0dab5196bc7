"""Kernels that apply a function to each entry: a built-in activation's, or one of a user's.

They are made for a function of x and some numbers, and of how many. A user's functions are numbered as they
come, and compiled anew in each process: what one calls in turn may change without its file.
"""

from collections.abc import Callable
from typing import Any

from assay.engines.numba.kernels.codes import Kernel
from assay.engines.numba.kernels.entrywise import BUILT_IN
from assay.engines.numba.kernels.lanes import kernel_named, load, read, store
from assay.engines.numba.kernels.spelling import takes_vectors

_functions: list[tuple[Any, int]] = [
    (function, function.py_func.__code__.co_argcount - 1) for function in BUILT_IN
]


def number_of(function: Any, arguments: int) -> int:
    """Return the number, from 1, of a function that is given this many arguments after x."""
    entry = (function, arguments)
    if entry not in _functions:
        _functions.append(entry)
    return _functions.index(entry) + 1


def is_built_in(number: int) -> bool:
    """Whether the function of a number is assay's, and its kernel the same in every process."""
    return number <= len(BUILT_IN)


def forward(name: str, function: Any, count: int, vectors: bool) -> Any:
    """Return the kernel y = f(x), by whole vectors where the function allows it.

    Call: blocks, rows, their length, lanes, table of the arguments, table of x, from block to block of x, the
    same of y.
    """
    given = _arguments(count)

    @kernel_named(f"{name}_vectors")
    def by_vectors(call, tables, memory):
        arguments = given(tables, memory, call[5])
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[7] + read(tables, call[6] + row)
                y = block * call[9] + read(tables, call[8] + row)
                for i in range(0, call[3], call[4]):
                    store(memory, y + i, function(load(memory, x + i), *arguments))

    @kernel_named(f"{name}_numbers")
    def by_numbers(call, tables, memory):
        arguments = given(tables, memory, call[5])
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[7] + read(tables, call[6] + row)
                y = block * call[9] + read(tables, call[8] + row)
                for i in range(call[3]):
                    memory[y + i] = function(memory[x + i], *arguments)

    return by_vectors if vectors else by_numbers


def gradient(name: str, function: Any, count: int, vectors: bool) -> Any:
    """Return the kernel dx = dy f'(x), likewise.

    Call: as of `forward`, but with tables of x, dy and dx, each with the way from block to block.
    """
    given = _arguments(count)

    @kernel_named(f"{name}_vectors")
    def by_vectors(call, tables, memory):
        arguments = given(tables, memory, call[5])
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[7] + read(tables, call[6] + row)
                dy = block * call[9] + read(tables, call[8] + row)
                dx = block * call[11] + read(tables, call[10] + row)
                for i in range(0, call[3], call[4]):
                    slope = function(load(memory, x + i), *arguments)
                    store(memory, dx + i, load(memory, dy + i) * slope)

    @kernel_named(f"{name}_numbers")
    def by_numbers(call, tables, memory):
        arguments = given(tables, memory, call[5])
        for block in range(call[1]):
            for row in range(call[2]):
                x = block * call[7] + read(tables, call[6] + row)
                dy = block * call[9] + read(tables, call[8] + row)
                dx = block * call[11] + read(tables, call[10] + row)
                for i in range(call[3]):
                    memory[dx + i] = memory[dy + i] * function(memory[x + i], *arguments)

    return by_vectors if vectors else by_numbers


def _arguments(count: int) -> Any:
    """Return what reads so many numbers, whose places a table lists, as a tuple."""
    if not count:

        @kernel_named("arguments_0")
        def none(tables, memory, at):  # noqa: ARG001
            return ()

        return none
    before, last = _arguments(count - 1), count - 1

    @kernel_named(f"arguments_{count}")
    def some(tables, memory, at):
        return (*before(tables, memory, at), memory[read(tables, at + last)])

    return some


APPLYING: dict[Kernel, Callable[[str, Any, int, bool], Any]] = {
    Kernel.ENTRIES: forward,
    Kernel.ENTRIES_GRADIENT: gradient,
}
"""What makes a kernel of a function."""


def entries_kernel(kernel: Kernel, number: int) -> Any:
    """Return the kernel for the function of that number."""
    function, count = _functions[number - 1]
    vectors = is_built_in(number) or takes_vectors(function, count)
    return APPLYING[kernel](f"{kernel.name.lower()}_{number}", function, count, vectors)
