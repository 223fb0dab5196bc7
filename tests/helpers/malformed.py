"""Files that are not what they say, each with its content: studies, and IDX data."""

import gzip
import struct
from collections.abc import Callable, Iterator

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
    "hidden layers": lambda: HEAD + NETWORK.replace("[4]", "[" + "4," * 400_000 + "]"),
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


def cases() -> Iterator[tuple[str, str, bytes]]:
    """Yield the kind, the name and the content of every file."""
    for name, study in STUDIES.items():
        yield "study", name, study().encode()
    for name, content in DATA.items():
        yield "data", name, content()
