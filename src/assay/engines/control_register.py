"""How a processor of the x86-64 kind computes: its register MXCSR, of this thread, read and written."""
# mypy: disable-error-code="no-untyped-call, call-arg"

from typing import Any

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from assay.engines.kernel_cache import kept

FLUSHING = 1 << 15 | 1 << 6
"""Its bits for results that are subnormal, and operands, to be 0."""

X86 = cpu_target.target_context.codegen().magic_tuple()[0].startswith("x86_64")
POSSIBLE = X86 and not getattr(config, "DISABLE_JIT", False)
"""Whether there is that register, and functions here are compiled."""

WORD, POINTER = ir.IntType(32), ir.IntType(8).as_pointer()


@kept()
def read() -> int:
    """Return what it holds."""
    return _store()


@kept()
def write(word: int) -> None:
    """Let it hold a word."""
    _load(word)


@intrinsic
def _store(typing: Any) -> Any:
    """Return the control register."""
    del typing

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature, arguments
        place = cgutils.alloca_once(builder, WORD)
        _call(builder, "stmxcsr", place)
        return builder.load(place)

    return types.int32(), emit


@intrinsic
def _load(typing: Any, word: Any) -> Any:
    """Put a word into the control register."""
    del typing, word

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        _call(builder, "ldmxcsr", cgutils.alloca_once_value(builder, arguments[0]))
        return context.get_dummy_value()

    return types.void(types.int32), emit


def _call(builder: Any, instruction: str, place: Any) -> None:
    """Call one of LLVM's names for an instruction, with a pointer."""
    kind = ir.FunctionType(ir.VoidType(), [POINTER])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{instruction}")
    builder.call(function, [builder.bitcast(place, POINTER)])
