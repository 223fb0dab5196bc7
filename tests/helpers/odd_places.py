"""Files and folders that are not what they seem, written where they are asked for, as data sets."""

import gzip
import io
import os
import struct
import zlib
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from malformed import MB, _header
from numpy.typing import NDArray

Make = Callable[[Path], str]
"""Writes into a folder, and returns the source to load."""


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int = 4, height: int = 4, *more: bytes, pixels: bytes | None = None) -> bytes:
    """Return a PNG in grey, with ``more`` chunks before its pixels, all black by default."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    packed = zlib.compress(bytes((width + 1) * height) if pixels is None else pixels)
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _texts(kind: bytes, head: bytes, text: bytes) -> list[bytes]:
    """Return 60 chunks of a PNG, each with the same packed text."""
    return [chunk(kind, b"a%d\0" % number + head + zlib.compress(text)) for number in range(60)]


def directory(*tags: tuple[int, int, int, int], after: bytes = b"") -> bytes:
    """Return a TIFF's directory of tags (number, type, count, value or place), and what follows it."""
    entries = b"".join(struct.pack("<HHLL", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries + bytes(4) + after


def jpeg() -> bytes:
    """Return a small JPEG."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG")
    return file.getvalue()


def moving(kind: str, frames: int) -> bytes:
    """Return an animation, or a file of so many pages."""
    from PIL import Image

    file = io.BytesIO()
    pictures = [Image.new("L", (4, 4), index % 256) for index in range(frames)]
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:])
    return file.getvalue()


def _noted_jpeg(size: int, kind: int = 3) -> bytes:
    """Return a JPEG with a camera's notes of ``size`` bytes, in pieces, all numbers of one tag."""
    notes = directory((0x011A, kind, size // 2, 26), (0x0128, kind, 1, 2), after=b"\xff\x7f" * (size // 2))
    pieces = [notes[start : start + 65_000] for start in range(0, len(notes), 65_000)]
    packed = b"".join(b"\xff\xe1" + struct.pack(">H", len(one) + 8) + b"Exif\0\0" + one for one in pieces)
    return b"\xff\xd8" + packed + jpeg()[20:]  # without JFIF's header, which would tell the resolution


def commented(size: int) -> bytes:
    """Return a GIF with so many bytes of comments."""
    content = moving("GIF", 1)
    place = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    comment = b"!\xfe" + (b"\xff" + b"x" * 255) * (size // 255) + b"\0"
    return content[:place] + comment + content[place:]


def _striped_tiff(numbers: int) -> bytes:
    tags = [(256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]
    strips = (273, 4, numbers, 8 + 2 + 12 * 8 + 4), (279, 4, numbers, 8 + 2 + 12 * 8 + 4)
    return directory(*tags, *strips, after=struct.pack("<L", 10**6) * numbers)


def scanned(side: int, scans: int) -> bytes:
    """Return a progressive JPEG whose last scan, over all pixels, is there so many times more."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * scans + content[-2:]


def icon(side: int) -> bytes:
    """Return an icon that declares 16 x 16 pixels, in which a PNG of ``side`` x ``side`` lies."""
    packing = zlib.compressobj(1)
    rows = [packing.compress(bytes(side + 1)) for _ in range(side)]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    inner = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"".join(rows) + packing.flush())
    entry = struct.pack("<BBBBHHLL", 16, 16, 0, 0, 1, 32, len(inner) + 12, 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + inner + chunk(b"IEND", b"")


def sharing(tags: int, size: int, kind: int = 3) -> bytes:
    """Return a directory of tags that all have the same ``size`` bytes."""
    many = size // (2 if kind == 3 else 1)
    place = 8 + 2 + 12 * tags + 4
    return directory(
        *((1000 + tag, kind, many, place) for tag in range(tags)), after=b"\xff\x7f" * (size // 2)
    )


PICTURES: dict[str, tuple[str, bool, Callable[[], bytes]]] = {
    "60,000 x 60,000 pixels": ("png", False, lambda: png(60_000, 60_000, pixels=b"")),
    "no pixels": ("png", False, lambda: png(0, 4)),
    "packed text in a PNG": (
        "png", False, lambda: png(4, 4, *_texts(b"zTXt", b"\0", bytes(MB))),
    ),
    "packed text of letters of four bytes": (
        "png",
        False,
        lambda: png(4, 4, *_texts(b"iTXt", b"\1\0\0\0", "\U0001f600".encode() + b"a" * MB)),
    ),
    "a packed profile in a PNG": (
        "png", False, lambda: png(4, 4, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(60 * MB), 1))),
    ),
    "notes of 30 MB in a PNG": (
        "png",
        False,
        lambda: png(4, 4, chunk(b"eXIf", directory((0x0112, 3, 15 * MB, 26), after=b"\xff\x7f" * 15 * MB))),
    ),
    "notes of 30 MB in a JPEG": ("jpg", False, lambda: _noted_jpeg(30 * MB)),
    "notes whose 300 tags share a place": (
        "png", False, lambda: png(4, 4, chunk(b"eXIf", sharing(300, 40_000))),
    ),
    "40 MB of a program's own in a PNG": ("png", False, lambda: padded(40 * MB)),
    "30 MB of comments in a GIF": ("gif", False, lambda: commented(30 * MB)),
    "an icon of 121 megapixels": ("png", False, lambda: icon(11_000)),
    "a JPEG of 3,000 scans": ("jpg", False, lambda: scanned(200, 3000)),
    "a TIFF of seven million strips": ("tif", False, lambda: _striped_tiff(7 * MB)),
    "a zip archive": ("png", False, lambda: b"PK\3\4" + bytes(MB)),
    "a GIF of 3,000 pictures": ("gif", True, lambda: moving("GIF", 3000)),
    "a PNG of 10,000 pictures": ("png", True, lambda: moving("PNG", 10_000)),
    "a WebP of 1,000 pictures": ("webp", True, lambda: moving("WEBP", 1000)),
    "a TIFF of 1,000 pages": ("tif", True, lambda: moving("TIFF", 1000)),
    "one pixel": ("png", True, lambda: png(1, 1)),
    "1 x 65,535 pixels": ("png", True, lambda: png(1, 65_535)),
}  # fmt: skip
"""Of each its suffix, whether it is read, and its content."""


def _among_others(suffix: str, content: Callable[[], bytes]) -> Make:
    def make(folder: Path) -> str:
        for label in ("a", "b"):
            (folder / label).mkdir()
            for index in range(8):
                (folder / label / f"{index}.png").write_bytes(png())
        (folder / "a" / f"odd.{suffix}").write_bytes(content())
        return f"images:{folder}"

    return make


def _many_files(suffix: str, count: int) -> Make:
    def make(folder: Path) -> str:
        (folder / "a").mkdir()
        for index in range(count):
            os.close(os.open(folder / "a" / f"{index}{suffix}", os.O_CREAT | os.O_WRONLY))
        return f"images:{folder}"

    return make


def _table(rows: Callable[[], bytes]) -> Make:
    """Return a set of pictures with a table of their groups, with which it is divided."""

    def make(folder: Path) -> str:
        source = _among_others("png", png)(folder)
        (folder / "groups.csv").write_bytes(rows())
        return source

    return make


def _idx(
    images: Callable[[], bytes], labels: Callable[[], bytes], packed: bool = True, **files: bytes
) -> Make:
    def make(folder: Path) -> str:
        end = ".gz" if packed else ""
        (folder / f"train-images-idx3-ubyte{end}").write_bytes(images())
        (folder / f"train-labels-idx1-ubyte{end}").write_bytes(labels())
        for name, content in files.items():
            (folder / f"{name}.txt").write_bytes(content)
        return f"idx:{folder}"

    return make


def _packed(*sizes: int) -> bytes:
    """Return an IDX file of noise that repeats, packed to about a hundredth."""
    noise = os.urandom(20_000) * (MB // 20_000)
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
        packed.write(_header(*sizes))
        left = 1
        for size in sizes:
            left *= size
        for start in range(0, left, MB):
            packed.write(noise[: left - start])
    return file.getvalue()


def _parquet(fill: Callable[[], dict[str, object]], **options: object) -> Make:
    def make(folder: Path) -> str:
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(fill()), folder / "a.parquet", **options)
        return f"parquet:{folder}/a.parquet"

    return make


def shared(values: list[Any], rows: int) -> Any:
    """Return a column in which all rows share the last of ``values``."""
    import pyarrow

    places = pyarrow.array([len(values) - 1], pyarrow.int32()).take(pyarrow.array([0] * rows))
    return pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(values))


def _lists(lengths: list[int], numbers: NDArray[Any]) -> dict[str, object]:
    """Return columns with lists of so many ``numbers``, which are repeated."""
    import pyarrow

    places = pyarrow.array([0, *accumulate(lengths)], pyarrow.int32())
    column = pyarrow.ListArray.from_arrays(places, pyarrow.array(np.resize(numbers, sum(lengths))))
    return {"image": column, "label": [0] * len(lengths)}


def padded(size: int, noise: bool = False) -> bytes:
    """Return a small picture of so many bytes, which packs well, or with ``noise`` does not."""
    return png(4, 4, chunk(b"prIv", os.urandom(size) if noise else bytes(size)))


def large(size: int, count: int = 1) -> list[bytes]:
    """Return small pictures, each of so many bytes: noise follows where they end."""
    return [png() + os.urandom(size) for _ in range(count)]


def _columns(many: int) -> Make:
    """Return a Parquet file whose footer declares ``many`` columns, as no program would write it."""

    def make(folder: Path) -> str:
        name = b"\x48\x01a\x00"
        head = b"\x15\x02\x19\xfc" + bytes([many & 0x7F | 0x80, many >> 7 & 0x7F | 0x80, many >> 14])
        footer = head + name * many + b"\x16\x00\x19\x0c\x00"
        (folder / "a.parquet").write_bytes(b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1")
        return f"parquet:{folder}/a.parquet"

    return make


def _numbers(value: int, length: int = 0) -> bytes:
    """Return a number above 0 as Parquet's footer has it, in ``length`` bytes or as few as can be."""
    value, found = value << 1, bytearray()
    while value or len(found) < length:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found[-1] &= 0x7F
    return bytes(found)


def understated(folder: Path) -> str:
    """Write a page of 40 MB that its footer calls one of a few bytes."""
    source = _parquet(
        lambda: {"image": [padded(40 * MB)], "label": [0]}, compression="zstd", use_dictionary=False
    )(folder)
    from pyarrow import parquet

    path = folder / "a.parquet"
    content, metadata = path.read_bytes(), parquet.ParquetFile(path).metadata
    for size in {
        metadata.row_group(0).column(0).total_uncompressed_size,
        metadata.row_group(0).total_byte_size,
    }:
        place = len(content) - int.from_bytes(content[-8:-4], "little") - 8
        said = _numbers(size)
        content = content[:place] + content[place:].replace(said, _numbers(999, len(said)))
    path.write_bytes(content)
    return source


def _same(picture: Callable[[], object], rows: int = 3000) -> Callable[[], dict[str, object]]:
    """Return the columns of rows that share a picture, the last of several."""

    def fill() -> dict[str, object]:
        found = picture()
        return {"image": shared(found if isinstance(found, list) else [found], rows), "label": [0] * rows}

    return fill


def _long_labels() -> dict[str, object]:
    import pyarrow

    long = shared([f"{number}".zfill(999) for number in range(400)], 199_600).cast(pyarrow.string())
    labels = pyarrow.concat_arrays([long, pyarrow.array(map(str, range(400)), pyarrow.string())])
    return {"image": shared([png(1, 1)], 200_000), "label": labels}


PARQUET: dict[str, Make] = {
    "one picture of 30 MB in all rows": _parquet(_same(lambda: padded(30 * MB, noise=True))),
    "one picture of 30 MB, packed well, in all rows": _parquet(
        _same(lambda: padded(30 * MB)), compression="zstd"
    ),
    "one picture of 1 MB in all rows": _parquet(_same(lambda: padded(MB, noise=True))),
    "one picture of 30 MB behind 1,000 small ones": _parquet(
        _same(lambda: [*large(60, 1000), *large(30 * MB)])
    ),
    "a picture of 30 MB": _parquet(lambda: {"image": [*large(30 * MB), *large(9, 15)], "label": [0, 1] * 8}),
    **{
        f"80 pictures of 1 MB in a page, {how}": _parquet(
            lambda: {"image": large(MB, 80), "label": [0, 1] * 40},
            compression=how.split()[0], use_dictionary="dictionary" in how, data_page_size=999 * MB,
        )
        for how in ("snappy", "snappy dictionary", "zstd dictionary", "none dictionary")
    },
    "a label of 1 MB in all rows": _parquet(
        lambda: {"image": shared([png()], 3000), "label": shared(["x" * MB], 3000)}
    ),
    "labels of 1 MB, packed well": _parquet(
        lambda: {"image": [png()] * 100, "label": [f"{n}" + "x" * MB for n in range(100)]},
        compression="zstd", use_dictionary=False,
    ),
    "a long label in 200,000 rows, and others": _parquet(_long_labels),
    "pages of 64 MB, one in each group of rows": _parquet(
        lambda: {"image": large(MB, 128), "label": [0] * 128}, row_group_size=64, compression="none"
    ),
    "a page of 40 MB, packed well": _parquet(
        lambda: {"image": [padded(40 * MB)], "label": [0]}, compression="zstd", use_dictionary=False
    ),
    "a page of 40 MB that the footer hides": understated,
    "200,000 columns": _columns(200_000),
    "one list with all numbers of its row group": _parquet(
        lambda: _lists([100_000, 0, 900_000, *[0] * 7], np.arange(256))
    ),
    "1,000 lists of 10,000 numbers in one row group": _parquet(
        lambda: _lists([10_000] * 1000, np.arange(256))
    ),
    "as many lists as numbers in a row group, of one list's": _parquet(
        lambda: _lists([2_000_000, *[1] * 8_000_000], np.arange(256))
    ),
    "one list of 1,001,000 numbers": _parquet(lambda: _lists([1_001_000], np.arange(256.0))),
    "50 row groups of 1,000,000 numbers, all 0": _parquet(
        lambda: _lists([10_000] * 5100, np.zeros(1, np.uint8)), row_group_size=100
    ),
    "9,000,000 numbers in one list": _parquet(
        lambda: _lists([1_000_000, 0, 9_000_000, *[0] * 7], np.arange(256))
    ),
}  # fmt: skip

READ = ("1,000 lists of", "pages of 64 MB", "a picture of 30 MB", "80 pictures")
"""How those of Parquet's files begin that are read."""

SETS: dict[str, Make] = {
    "labels and images exchanged": _idx(lambda: _packed(150_000_000), lambda: _packed(1000, 28, 28)),
    "images of 150 MB, labels too few": _idx(lambda: _packed(190_000, 28, 28), lambda: _packed(189_999)),
    "images of 150 MB, cut": _idx(lambda: _packed(190_000, 28, 28)[:-9], lambda: _packed(190_000)),
    "images of 150 MB, of which the header says less": _idx(
        lambda: gzip.compress(_header(10, 28, 28) + bytes(150 * MB), 1), lambda: _packed(10)
    ),
    "five dimensions": _idx(
        lambda: _header(9, 9, 9, 9, 9) + bytes(9**5), lambda: _header(9) + bytes(9), False
    ),
}

CSV: dict[str, Callable[[], bytes]] = {
    "rows of commas": lambda: (b"," * (MB - 9) + b"\n") * 12,
    "rows of commas below a number": lambda: (b"1" + b"," * (MB - 9) + b"\n") * 12,
    "long labels that differ": lambda: b"".join(b"%0999d,1,2,3,4\n" % n for n in range(60_000)),
}


def _csv(content: Callable[[], bytes]) -> Make:
    def make(folder: Path) -> str:
        (folder / "a.csv").write_bytes(content())
        return f"csv:{folder}/a.csv"

    return make


PLACES: dict[tuple[str, str], tuple[Make, bool]] = {
    **{("csv", name): (_csv(content), False) for name, content in CSV.items()},
    **{("parquet", name): (make, name.startswith(READ)) for name, make in PARQUET.items()},
    **{("idx", name): (make, False) for name, make in SETS.items()},
    **{
        ("picture", name): (_among_others(suffix, content), read)
        for name, (suffix, read, content) in PICTURES.items()
    },
    ("folder", "1,000 empty pictures"): (_many_files(".png", 1000), False),
    ("folder", "1,000 other files"): (_many_files(".txt", 1000), False),
    ("groups", "a row of 30 MB"): (_table(lambda: b"x" * 30 * MB), False),
    ("groups", "600,000 rows of other files"): (
        _table(lambda: b"".join(b"%d,b\n" % n for n in range(600_000))),
        False,
    ),
}
"""By kind and name how each is made, and whether it is read."""
