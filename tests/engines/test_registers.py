"""The numba engine's tiles fit the processor's registers, and agree with `assay.nn` in any register file."""

from itertools import product

import llvmlite.binding as llvm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba_cases import NARROW
from register_files import EVERY_KERNEL, PRODUCTS, agrees_in

from assay.engines.numba.covering import cover
from assay.engines.numba.kernels.codes import Kernel, code, kernel_of, shape_of
from assay.engines.numba.kernels.entries import APPLYING
from assay.engines.numba.kernels.program import KERNELS, SHAPED
from assay.engines.numba.kernels.tiles import Shape
from assay.engines.numba.kernels.tilesets import POINTERS, tiles_for
from assay.engines.registers import REGISTERS, RegisterFile, asked

FILES = [RegisterFile(size, count) for size, count in product((16, 32, 64), (16, 32))]
SHAPES = sorted({shape for file in FILES for tiles in [tiles_for(file)] for of in tiles for shape in of})


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        ("haswell", RegisterFile(32, 16)),
        ("znver2", RegisterFile(32, 16)),
        ("skylake-avx512", RegisterFile(64, 32)),
        ("sandybridge", RegisterFile(32, 16, fused=False)),
        ("nehalem", RegisterFile(16, 16, fused=False)),
    ],
)
def test_the_compiler_tells_the_registers_of_x86(cpu: str, expected: RegisterFile) -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    assert asked("x86_64-unknown-linux-gnu", cpu, "") == expected


@pytest.mark.parametrize("cpu", ["generic", "apple-m1", "neoverse-n1"])
def test_the_compiler_tells_the_registers_of_arm(cpu: str) -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    assert asked("aarch64-unknown-linux-gnu", cpu, "") == RegisterFile(16, 32)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_tiles_fit_the_registers(file: RegisterFile) -> None:
    """Each sum, the rows or columns that are held, and what is loaded in turn; and the pointers."""
    tiles = tiles_for(file)
    for shape in (*tiles.products, *tiles.pooled, *tiles.dots, *tiles.ending):
        assert shape.rows * shape.columns + min(shape.rows, shape.columns) + 1 <= file.count, shape
        assert shape.rows + shape.columns <= POINTERS, shape
    assert all(shape.columns == 4 for shape in tiles.pooled)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name("tile"))
def test_a_number_tells_kernel_and_shape(shape: Shape) -> None:
    for kernel in SHAPED:
        for each in (shape, shape._replace(pairs=True), shape._replace(quarters=shape.columns)):
            number = code(kernel, each)
            assert (kernel_of(number), shape_of(number)) == (kernel, each)


def test_every_kernel_is_in_the_table() -> None:
    assert KERNELS.keys() | SHAPED.keys() | APPLYING.keys() == set(Kernel)
    assert len({*KERNELS, *SHAPED, *APPLYING}) == len(KERNELS) + len(SHAPED) + len(APPLYING)
    assert all((kernel_of(int(kernel)), shape_of(int(kernel))) == (kernel, None) for kernel in Kernel)


@given(st.sampled_from(FILES), st.integers(1, 70), st.integers(1, 70), st.integers(1, 900), st.booleans())
def test_a_cover_has_every_entry_once(
    file: RegisterFile, rows: int, columns: int, ks: int, dots: bool
) -> None:
    shapes = tiles_for(file).dots if dots else tiles_for(file).products
    covered = [
        place
        for part in cover(shapes, rows, columns, ks)
        for place in product(range(*part.rows), range(*part.columns))
    ]
    assert sorted(covered) == list(product(range(rows), range(columns)))


@given(st.sampled_from(FILES), st.integers(1, 70), st.integers(1, 30), st.integers(1, 900))
def test_a_cover_of_windows_cuts_none(file: RegisterFile, rows: int, windows: int, ks: int) -> None:
    for part in cover(tiles_for(file).pooled, rows, 4 * windows, ks):
        assert [place % 4 for place in part.columns] == [0, 0]


def test_a_cut_is_made_where_it_saves_a_tile() -> None:
    """Five rows in tiles of three and two, and not for one product of a few terms."""
    shapes = tiles_for(RegisterFile(32, 16)).pooled
    assert sorted(part.shape.rows for part in cover(shapes, 5, 400, 25)) == [2, 3]
    assert len(cover(shapes, 5, 4, 1)) == 1


def test_tiles_with_too_few_sums_are_only_for_what_is_left_over() -> None:
    """Ten rows in tiles of three and two, although tiles of two alone would cover them in one call."""
    parts = cover(tiles_for(RegisterFile(32, 16)).pooled, 10, 256, 125)
    assert sorted((part.shape.rows, part.rows[1] - part.rows[0]) for part in parts) == [(2, 4), (3, 6)]


TRIED = {f"{file.bytes}, {file.count}" for file in (REGISTERS, NARROW)}
OTHERS = {"16, 16, False": EVERY_KERNEL} | dict.fromkeys({"16, 32", "32, 16"} - TRIED, PRODUCTS)
"""The register files of other processors, each number of registers once; a process compiles all for one.

The processor's own are everybody's, and those that it has without AVX-512 are tested beside the engine. Every
file, with every kernel: tests/long/registers.py.
"""


@pytest.mark.parametrize("file", sorted(OTHERS))
def test_agrees_with_the_reference_and_no_bit_depends_on_zeros_in_any_register_file(file: str) -> None:
    assert agrees_in(file, OTHERS[file])
