"""How fast this processor multiplies vectors at best, which the `cost_model` counts in."""

from ctypes import CFUNCTYPE, POINTER, c_float, c_int64
from functools import cache
from time import thread_time

import llvmlite.binding as llvm
from numba.core.registry import cpu_target

from assay.engines.numba.kernels.pairs import MULTIPLY
from assay.engines.registers import REGISTERS

SUMS = 12
"""Sums that wait for none of the others, as many as fit 16 registers: a processor is busy with 8 or 10."""
TIMES, TRIES = 100_000, 5
"""Multiplications of each sum in a measurement, which takes 0.2 milliseconds, and measurements."""


@cache
def seconds_per_multiplication(pairs: bool = False) -> float:
    """Return the seconds of a b + c of vectors on one processor where nothing waits: the fewest measured.

    With ``pairs`` those of a0 b0 + a1 b1 + c, of bfloat16: as many on some processors, four times as many on
    others.
    """
    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features)
    compiler = llvm.create_mcjit_compiler(llvm.parse_assembly(_code(pairs)), machine)
    multiply = CFUNCTYPE(None, POINTER(c_float), c_int64)(compiler.get_function_address("multiply"))
    numbers = (c_float * REGISTERS.bytes)()
    found = []
    for _ in range(TRIES):
        begun = thread_time()
        multiply(numbers, TIMES)
        found.append(thread_time() - begun)
    return max(min(found), 1e-9) / (SUMS * TIMES)


def _code(pairs: bool) -> str:
    """Return a loop over independent sums, in LLVM's language: with all numbers 0, they stay so."""
    lanes = REGISTERS.bytes // 4
    vector = f"<{lanes} x float>"
    if pairs:
        factor, name = f"<{2 * lanes} x bfloat>", f"@{MULTIPLY}.{8 * REGISTERS.bytes}"
    else:
        factor, name = vector, f"@llvm.{'fma' if REGISTERS.fused else 'fmuladd'}.v{lanes}f32"
    factors = f"{factor} %b, {factor} %b"
    sums = "\n".join(f"%s{i} = phi {vector} [ %a, %begin ], [ %t{i}, %loop ]" for i in range(SUMS))
    terms = "\n".join(f"%t{i} = call {vector} {name}({vector} %s{i}, {factors})" for i in range(SUMS))
    stores = "\n".join(f"store volatile {vector} %t{i}, ptr %p, align 4" for i in range(SUMS))
    return f"""
declare {vector} {name}({vector}, {factor}, {factor})
define void @multiply(ptr %p, i64 %n) {{
begin:
%a = load {vector}, ptr %p, align 4
%b = bitcast {vector} %a to {factor}
br label %loop
loop:
%i = phi i64 [ 0, %begin ], [ %j, %loop ]
{sums}
{terms}
%j = add i64 %i, 1
%more = icmp ult i64 %j, %n
br i1 %more, label %loop, label %end
end:
{stores}
ret void
}}
"""
