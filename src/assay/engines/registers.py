"""The vector registers of the processor that Numba compiles for: how wide, how many, what they can do.

The compiler itself is asked, with a function that keeps many vectors live at once, so the answer holds
for whatever processor ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` may name: with AVX-512 there are 32 of
64 bytes, with AVX2 16 of 32, without either 16 of 16, and on 64-bit Arm 32 of 16. Nothing of the numba
engine is imported here, so that a test can put another file in the place of the processor's.
"""

import re
from dataclasses import dataclass

import llvmlite.binding as llvm
from numba.core.registry import cpu_target


@dataclass(frozen=True)
class RegisterFile:
    """``count`` registers of ``bytes`` bytes each; ``fused`` if a b + c is one instruction, rounded once."""

    bytes: int
    count: int
    fused: bool = True


NAMES = re.compile(r"\b([xyz])mm(\d+)\b|\b[qv](\d+)\b")
"""What a register is called: of x86-64 by its width and number, of 64-bit Arm by its number."""
BYTES = {"x": 16, "y": 32, "z": 64, "": 16}

PROBE = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define <16 x float> @fused(<16 x float> %a, <16 x float> %b, <16 x float> %c) {{
%sum = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
ret <16 x float> %sum
}}
define void @probe(ptr %p) {{
{loads}
{stores}
ret void
}}
"""
ALIVE = 40
"""Vectors that the probe keeps, more than any processor has registers."""


def asked(triple: str, cpu: str, features: str) -> RegisterFile:
    """Return what the compiler uses for a processor."""
    loads = "\n".join(f"%v{i} = load volatile <16 x float>, ptr %p, align 4" for i in range(ALIVE))
    stores = "\n".join(f"store volatile <16 x float> %v{i}, ptr %p, align 4" for i in range(ALIVE))
    module = llvm.parse_assembly(f'target triple = "{triple}"' + PROBE.format(loads=loads, stores=stores))
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features)
    code = machine.emit_assembly(module)
    found = [(BYTES[width], int(number or other)) for width, number, other in NAMES.findall(code)]
    if not found:
        return RegisterFile(16, 16, "fmaf" not in code)  # an unknown kind: assume the minimum
    width = max(width for width, _ in found)
    return RegisterFile(width, 1 + max(number for of, number in found if of == width), "fmaf" not in code)


REGISTERS = asked(*cpu_target.target_context.codegen().magic_tuple())
"""The registers of the processor that Numba compiles for."""
