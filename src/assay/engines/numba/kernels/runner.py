"""A program: which kernels are called on what, once a training step.

One compiled function interprets it, so that many steps pass without Python and
without its lock. Kernels are compiled one by one, when a program first calls them,
and called by address: a network with few kinds of layers waits for
few, and a new one with the same kinds for none.
"""

import gc
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from time import thread_time
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from assay.engines.base import OnCompiled
from assay.engines.kernel_cache import is_kept, kept
from assay.engines.numba.kernels.codes import GUARD, function_of
from assay.engines.numba.kernels.entries import is_built_in
from assay.engines.numba.kernels.invocation import CALL, Data, Now, frame_type, framed, invoke
from assay.engines.numba.kernels.program import body_of, entry, name_of
from assay.engines.registers import REGISTERS
from assay.records.observations import KERNEL, observe
from assay.shapes import Array


class Program(NamedTuple):
    """Calls, one a row: the kernel, where its operands lie, how many they are; and the kernels' addresses."""

    calls: NDArray[np.int64]
    kernels: NDArray[np.int64]


Runner = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Array, Data, int, int], None]


def compiled(calls: NDArray[np.int64], dtype: str) -> Program:
    """Return a program of calls on memory of a precision, with what they call compiled."""
    numbers, places = np.unique(calls[:, 0], return_inverse=True)
    addresses = np.array([address(number, dtype) for number in numbers.tolist()], np.int64)
    return Program(calls, addresses[places])


def compile_all(numbers: Collection[int], dtype: str, on_compiled: OnCompiled) -> None:
    """Compile kernels; say how far it is, from the first one on that no process has compiled before."""
    missing = [number for number in numbers if (number, dtype) not in _addresses]
    anew = False
    for done, number in enumerate(missing, start=1):
        address(number, dtype)
        anew = anew or bool(_kernel(number).stats.cache_misses)
        if anew:
            on_compiled(done, len(missing))


def uncompiled(numbers: Collection[int], dtype: str) -> frozenset[str]:
    """Name those kernels that have to be compiled, since they are neither in memory nor in Numba's cache.

    One that applies a user's function is never there, and not named.
    """
    missing = [number for number in numbers if (number, dtype) not in _addresses]
    lasting = [number for number in missing if is_built_in(function_of(number))]
    return frozenset(f"{name_of(number)} {dtype}" for number in lasting if not _is_kept(number, dtype))


def _is_kept(number: int, dtype: str) -> bool:
    """Whether Numba's index on disk has a kernel."""
    return is_kept(_kernel(number), types.void(CALL, frame_type(dtype)))


_compiling = Lock()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let nobody look for garbage in cycles meanwhile: of all that Numba makes it finds next to none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_kept = kept(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
"""Compiles a kernel of assay's own, without counting references, a fifth of what there is to compile."""
_anew = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


@cache
def _kernel(number: int) -> Any:
    """Return a kernel as a function of its own.

    One that applies a user's function is compiled in each process.
    Kept on disk until a kernel changes: Numba's cache looks at this file alone, so the hash of all
    is part of the function. It is named after the kernel, as with `kernel_named`.
    """
    run = entry(body_of(number), _digest())
    run.__qualname__ = f"kernel_{name_of(number)}"
    return _kept(run) if is_built_in(function_of(number)) else _anew(run)


_addresses: dict[tuple[int, str], int] = {}


def address(number: int, dtype: str) -> int:
    """Return where a kernel's code for a precision lies, compiled now if no process has done so before."""
    with _compiling:
        if (number, dtype) not in _addresses:
            kernel, arguments, begun = _kernel(number), (CALL, frame_type(dtype)), thread_time()
            with _uncollected():
                kernel.compile(types.void(*arguments))
            if kernel.stats.cache_misses:
                observe(KERNEL, thread_time() - begun)
            found = kernel.overloads[arguments]
            _addresses[number, dtype] = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
        return _addresses[number, dtype]


@cache
def runner() -> Runner:
    """Return the interpreter: it runs a program on each batch of an order, counting steps on."""
    version = _digest()

    def run(calls, kernels, tables, memory, data, size, step):
        _ = version
        for start in range(0, len(data.order), size):
            step += 1
            now = Now(step, start, min(start + size, len(data.order)), data.factors[start // size])
            frame = framed(tables, memory, data, now)
            for i in range(len(calls)):
                if calls[i, GUARD] == 0 or memory[calls[i, GUARD]] != 0:
                    invoke(kernels[i], calls, i, frame)

    run.__qualname__ = "run_program"
    return kept(nogil=True)(run)  # type: ignore[no-any-return]


@cache
def _digest() -> int:
    """Return the hash of all that kernels are compiled from."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    content = [source.read_bytes() for source in sources]
    digest = blake2b(b"".join([*content, repr(REGISTERS).encode()]), digest_size=7).digest()
    return int.from_bytes(digest, "little")
