"""Files that are not what they say, each with its content: studies, and data of four kinds."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from math import prod

MB = 10**6

HEAD = 'name = "a"\nquestion = "?"\nseeds = [0]\n'
NETWORK = 'network = { family = "Dense", hidden = [4] }\noptimizer = { rule = "SGD", lr = 0.1 }\n'


def _filled(line: str, size: int = MB - 1) -> str:
    """Return numbered lines up to a size."""
    return "".join(line.format(number) for number in range(size // len(line)))[:size]


STUDIES: dict[str, Callable[[], str]] = {
    "lists in lists": lambda: "x = " + "[" * 100_000 + "]" * 100_000,
    "tables in tables": lambda: "x = " + "{a=" * 100_000 + "1" + "}" * 100_000,
    "lists, just as deep as is read": lambda: _filled("k{} = " + "[" * 90 + "]" * 90 + "\n"),
    "a header of many parts": lambda: "[" + ".".join("a" * 100_000) + "]\n",
    "a digit a million times": lambda: "x = " + "1" * (MB - 9),
    "digits in many lines": lambda: _filled("k{} = " + "7" * 4000 + "\n"),
    "hexadecimal digits": lambda: "seeds = [0x" + "f" * (MB - 20) + "]",
    "an exponent": lambda: "x = 1e" + "9" * (MB - 9),
    "a long string": lambda: 'name = "' + "x" * (MB - 12) + '"',
    "a string without an end": lambda: 'name = """' + '\\"' * (MB // 2 - 9),
    "a long name": lambda: "x" * (MB - 9) + " = 1",
    "letters of four bytes": lambda: 'name = "' + "\U0001f600" * (MB // 4 - 9) + '"',
    "many keys": lambda: _filled("k{}=1\n"),
    "many tables": lambda: _filled("[t{}]\n"),
    "many tables of one list": lambda: "[[x]]\n" * (MB // 6),
    "tables of three parts": lambda: _filled("[a{0}.b{0}.c{0}]\n"),
    "dotted keys": lambda: _filled("a{0}.b{0}.c{0}=1\n"),
    "dotted keys in tables in a line": lambda: "x = [" + "{a.b.c.d=1}," * (MB // 12 - 5) + "]",
    "empty lists": lambda: "x = [" + "[]," * (MB // 3 - 5) + "]",
    "empty tables": lambda: "x = [" + "{}," * (MB // 3 - 5) + "]",
    "many seeds": lambda: HEAD.replace("[0]", "[" + ",".join(map(str, range(140_000))) + "]") + NETWORK,
    "a billion seeds": lambda: HEAD.replace("[0]", "1000000000") + NETWORK,
    "layers": lambda: (
        HEAD
        + 'optimizer = { rule = "SGD", lr = 0.1 }\n[network]\nfamily = "Layers"\nlayers = ['
        + '{layer="ReLU"},' * 60_000
        + "]\n"
    ),
    "hidden layers": lambda: HEAD + NETWORK.replace("[4]", "[" + "4," * 100_000 + "]"),
    "factors of a billion cells": lambda: (
        HEAD
        + NETWORK
        + "".join(f"factors.f{n}.l{m}.training.epochs = {m + 1}\n" for n in range(9) for m in range(10))
    ),
    "many levels": lambda: HEAD + NETWORK + _filled("factors.f.l{}.training.epochs = 1\n", 900_000),
    "many claims": lambda: HEAD + NETWORK + _filled('[[claims]]\nsays = "a{}"\n', 900_000),
    "comments": lambda: "#" * (MB - 9),
    "line ends": lambda: "\n" * (MB - 9),
    "a larger file": lambda: "#" * 3 * MB,
}


def _header(*sizes: int) -> bytes:
    return struct.pack(f">HBB{len(sizes)}I", 0, 8, len(sizes), *sizes)


DATA: dict[str, Callable[[], bytes]] = {
    "images without end": lambda: _header(2**32 - 1, 2**16 - 1, 2**16 - 1) + b"x" * 784,
    "images beyond the file": lambda: _header(3_000_000, 28, 28) + b"x" * 784,
    "one byte too few": lambda: _header(10_000, 28, 28) + bytes(7_839_999),
    "one byte too many": lambda: _header(10_000, 28, 28) + bytes(7_840_001),
    "many more examples than there may be": lambda: _header(20_000_000, 1, 1) + bytes(20_000_000),
    "a packed file of zeros": lambda: gzip.compress(_header(2**31, 28, 28) + bytes(60 * MB), 1),
    "a packed file that says less": lambda: gzip.compress(_header(10, 28, 28) + bytes(70 * MB), 1),
    "a packed file that says more": lambda: gzip.compress(_header(70_000, 28, 28) + bytes(10 * MB)),
    "packed twice": lambda: gzip.compress(gzip.compress(bytes(70 * MB), 1), 1),
    "a packed file with more behind it": lambda: gzip.compress(_header(10, 28, 28) + bytes(7840)) + bytes(MB),
    "many packed files in one": lambda: gzip.compress(_header(1, 1, 1) + b"x") * 10_000,
    "a packed file, cut": lambda: gzip.compress(_header(50_000, 28, 28) + bytes(39_200_000), 1)[:-9],
    "a large file of something else": lambda: b"\x89PNG" + bytes(50 * MB),
}


def _npz(**arrays: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in arrays.items():
            opened.writestr(f"{name}.npy", content)
    return file.getvalue()


def _zeros(dtype: str, shape: tuple[int, ...], size: int, fortran: bool = False) -> bytes:
    """Return an array of zeros as NumPy writes it, whose elements have ``size`` bytes."""
    head = f"{{'descr': {dtype!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + bytes(prod(shape) * size)


def _mat(*elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + b"".join(elements)


def _element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def _array(name: bytes, shape: tuple[int, ...], kind: int, values: bytes) -> bytes:
    flags, sizes = struct.pack("<II", kind, 0), struct.pack(f"<{len(shape)}i", *shape)
    return _element(14, _element(6, flags) + _element(5, sizes) + _element(1, name) + values)


def _packed(element: bytes) -> bytes:
    body = zlib.compress(element)
    return struct.pack("<II", 15, len(body)) + body


IMAGES = _zeros("|u1", (40, 8, 8), 1)
TABLES: dict[str, dict[str, Callable[[], bytes]]] = {
    "npz": {
        "labels of long text": lambda: _npz(x=IMAGES, y=_zeros("<U400000", (40,), 1_600_000)),
        "labels of much text": lambda: _npz(x=IMAGES, y=_zeros("<U900", (17_000,), 3600)),
        "labels of many columns": lambda: _npz(x=IMAGES, y=_zeros("|u1", (40, 1_500_000), 1)),
        "labels without images": lambda: _npz(x=IMAGES, y=_zeros("<i8", (3_000_000,), 8)),
        "a name of 60,000 letters": lambda: _npz(**{"x" * 60_000: IMAGES}),
        "images in Fortran's order": lambda: _npz(
            x=_zeros("<f8", (5500, 32, 32), 8, fortran=True), y=_zeros("<i8", (7,), 8)
        ),
        "many arrays": lambda: _npz(**{f"a{n}": b"" for n in range(9000)}),
    },
    "mat": {
        "packed images": lambda: _mat(_packed(_array(b"x", (60_000, 1000), 6, _element(1, bytes(60 * MB))))),
        "packed images, many": lambda: _mat(
            _packed(_array(b"x", (20_000, 1000), 9, _element(2, bytes(20 * MB)))) * 20
        ),
        "cells": lambda: _mat(_packed(_array(b"c", (1, 2 * MB), 1, _element(14, b"") * 2 * MB))),
        "cells that are not packed": lambda: _mat(_array(b"c", (1, 10**5), 1, _element(14, b"") * 10**5)),
    },
    "csv": {
        "long rows": lambda: (b"1" + b",5" * 520_000 + b"\n") * 60,
        "long rows, packed": lambda: gzip.compress((b"1" + b",5" * 520_000 + b"\n") * 60, 1),
        "long labels": lambda: gzip.compress((b"x" * MB + b",1,2,3,4\n") * 60, 1),
        "many labels": lambda: b"".join(b"c%d,1,2,3,4\n" % n for n in range(300_000)),
        "empty lines": lambda: gzip.compress(b"\n" * 60 * MB, 1),
    },
}


def cases() -> Iterator[tuple[str, str, bytes]]:
    """Yield the kind, the name and the content of every file."""
    for name, study in STUDIES.items():
        yield "study", name, study().encode()
    for name, content in DATA.items():
        yield "idx", name, content()
    for kind, tables in TABLES.items():
        for name, content in tables.items():
            yield kind, name, content()
