"""Columns of pictures read a page at a time, against what pyarrow reads of them."""

import os
from base64 import b85decode
from dataclasses import replace
from io import BytesIO
from zlib import decompress

import pyarrow as pa
import pytest
from bounded import bounded
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from assay.data.readers import parquet_pages, snappy_stream
from assay.data.readers.compact_protocol import Compact, Damaged
from assay.data.readers.parquet_column import ParquetColumn
from assay.data.readers.parquet_layout import chunks
from assay.errors import DataError

CODECS = ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]
VALUES = st.none() | st.binary(max_size=9) | st.sampled_from([b"", b"a" * 70, bytes(range(256)) * 3])


def column(path, name="image"):
    return ParquetColumn(path, parquet.ParquetFile(path), name, True)


def by_pyarrow(path, name="image"):
    rows = parquet.read_table(path, columns=[name])[name].to_pylist()
    return [row["bytes"] if isinstance(row, dict) else row for row in rows]


def written(path, values, kind="struct", **options):
    """Write values as a column of structures, of byte arrays or of such that are there in each row."""
    if kind == "struct":
        array = pa.array([value if value is None else {"bytes": value, "path": None} for value in values],
                         pa.struct({"bytes": pa.binary(), "path": pa.string()}))  # fmt: skip
        table = pa.table({"image": array})
    else:
        values = values if kind == "flat" else [value or b"" for value in values]
        field = pa.field("image", pa.binary(), nullable=kind == "flat")
        table = pa.table({"image": pa.array(values, pa.binary())}, pa.schema([field]))
    parquet.write_table(table, path, **options)
    return path


@settings(max_examples=150)
@given(
    values=st.lists(VALUES, min_size=1, max_size=60).flatmap(
        lambda few: st.lists(st.sampled_from(few), max_size=300)
    ),
    kind=st.sampled_from(["struct", "flat", "required"]),
    both_forms=st.sampled_from([parquet_pages.BOTH_FORMS, -(10**9)]),
    options=st.fixed_dictionaries(
        {
            "compression": st.sampled_from(CODECS),
            "data_page_version": st.sampled_from(["1.0", "2.0"]),
            "use_dictionary": st.booleans(),
            "dictionary_pagesize_limit": st.sampled_from([1, 100, 10**6]),  # then it goes on without
            "data_page_size": st.sampled_from([1, 100, 10**6]),
            "write_batch_size": st.sampled_from([1, 7, 1024]),
            "row_group_size": st.sampled_from([1, 50, 1000]),
        }
    ),
)  # fmt: skip
def test_the_same_as_pyarrow(tmp_path_factory, values, kind, both_forms, options):
    path = written(tmp_path_factory.getbasetemp() / "same.parquet", values, kind, **options)
    found = column(path)
    assert found.by_page == (options["compression"] != "lz4") or not values
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_pages, "BOTH_FORMS", both_forms)  # below 0 all of Snappy's pages are too large
        assert [*found.values()] == by_pyarrow(path)


BY_POLARS_0_16 = (
    "c-n<gO;5r=5FIKs95@+v(~=%~ftaX4i66x1VX9P#g0zW2iI+kulF*jWO7%Z@^`H6!oY{Kt<|I3_Z{B;elk5onL!pa?XgpKV="
    "zu5-*ap~YXaEpQOO$7#W;Q`LcPfi0n1_|=M;4|6q%K|QwyI!SvMO9jN>Mh?Z_4W=$%F>Sno$_&E^19e%1A!bGOgCo`e&^CEQ"
    "vZ0&|6jM)`8wJYUum-<Fj=38b*QfU21cj93e%IQ+Gr7-TTF=b&HtdrK%q8j)>25?)MSre|0LIGT&j|QRFo$YKUxh`sk?I<9Q"
    "T0BP`NY%B$QlEXXI7{Q<J6H>derJ${$eSVUXx<1ytbQ@lKwJPugV<#~?U>w))KO~-CL@$dqSJzTGoykqa%!ysF1Lfd~!GkX!"
    "OmSGge8TFFbPF`#!gD?8S5q<Oz0#0*^"
)
"""Three rows, whose levels are cut off where the last group of eight has no more values."""
BY_DUCKDB = (
    "c-nnW%L;-}5FKxHabXJ=BVM=*TO<Y|8bt<e3_n2nfqY#`%7R2cpfBlD8>w}}oSDO6hBK2T#|Qy)%zflUIC6kF03;LmAB<3x8"
    "r2G!@Hb%3>b|<x<*BPKsx6QK8VhDmo3=PBu(*&yx**XI2;wIr>DEi5boIThRW>V1i+NvSnjj?I1UPz)W8BrLf#;><lpdTxJ-"
    "g;{cZO9E29e{HeRHdwxZcK5v{t)tDWs&;HzA`(KLIu*&H"
)
"""Three rows, whose levels are made up to 256."""


@pytest.mark.parametrize("packed", [BY_POLARS_0_16, BY_DUCKDB], ids=["polars", "duckdb"])
def test_what_others_write(tmp_path, packed):
    path = tmp_path / "a.parquet"
    path.write_bytes(decompress(b85decode(packed)))
    found = column(path)
    assert found.by_page
    assert [*found.values()] == by_pyarrow(path) == [b"ab", b"c", None]


def test_a_group_that_is_cut_off_has_the_values_that_are_whole():
    numbers = [1, 2, 3, 4, 5, 6, 7, 0, 3, 5]
    bits = sum(number << 3 * place for place, number in enumerate(numbers))
    many_groups = _natural(1 << 40 | 1)
    found = parquet_pages._numbers(Compact(BytesIO(many_groups + bits.to_bytes(4, "little"))), 3)
    assert [next(found) for _ in numbers] == numbers
    with bounded(), pytest.raises(Damaged):
        next(found)


@pytest.mark.parametrize("encoding", ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
def test_what_is_encoded_in_other_ways_is_left_to_pyarrow(tmp_path, encoding):
    values = [b"a", None, b"bc" * 50] * 30
    path = written(
        tmp_path / "a.parquet", values, use_dictionary=False, column_encoding={"image.bytes": encoding}
    )
    found = column(path)
    assert not found.by_page
    assert [*found.values()] == values


def test_text_is_no_picture_and_left_to_pyarrow(tmp_path):
    parquet.write_table(pa.table({"image": ["a.png"]}), tmp_path / "a.parquet")
    assert [*column(tmp_path / "a.parquet").values()] == ["a.png"]


def readings(path):
    """Return what is read here and by pyarrow of a file that may be damaged, or the words of refusal."""
    found = []
    for read in (lambda: [*column(path).values()], lambda: by_pyarrow(path)):
        try:
            found.append(read())
        except (DataError, OSError, ValueError, NotImplementedError) as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_a_damaged_page_is_one_line_or_what_pyarrow_reads(tmp_path, version, dictionary):
    values = [b"a" * (k % 5) + bytes([k % 3]) for k in range(14)]
    path = written(
        tmp_path / "a.parquet", [None, *values], compression="none", use_dictionary=dictionary,
        data_page_version=version, write_statistics=False, data_page_size=40, write_batch_size=8,
    )  # fmt: skip
    whole, refused = path.read_bytes(), 0
    footer = len(whole) - int.from_bytes(whole[-8:-4], "little") - 8
    for place in range(4, footer):
        change = (0x01, 0x80, 0xFF)[place % 3]
        path.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
        with bounded():
            ours, theirs = readings(path)
        assert isinstance(ours, str) or isinstance(theirs, str) or ours == theirs, (place, change)
        assert "\n" not in ours
        refused += isinstance(ours, str)
    assert refused > 30


@pytest.mark.parametrize("more", [-1, 1])
def test_pages_have_as_many_values_as_the_footer_says(tmp_path, more):
    path = written(tmp_path / "a.parquet", [b"a", b"b"] * 20, data_page_size=1, write_batch_size=8)
    [chunk] = chunks(path, 0)
    said = replace(chunk, values=chunk.values + more)
    with pytest.raises(Damaged, match=f"pages of another number of values than the {40 + more} declared"):
        [*parquet_pages.byte_arrays(path, said, 2)]


def test_what_is_not_in_the_dictionary():
    words = parquet_pages._Dictionary(BytesIO(b"\x01\0\0\0a\0\0\0\0\x01\0\0\0c"), 2)
    assert [words.value(index) for index in (1, 0, 1)] == [b"", b"a", b""]
    with pytest.raises(Damaged, match="value 2 of a dictionary of 2"):
        words.value(2)


NUMBERS = st.integers(0, 20).flatmap(
    lambda width: st.tuples(
        st.just(width),
        st.lists(
            st.tuples(st.booleans(), st.lists(st.integers(0, (1 << width) - 1), min_size=1, max_size=20))
        ),
    )
)


def _natural(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _natural(value >> 7)


@given(NUMBERS)
def test_runs_and_packed_groups(drawn):
    width, parts = drawn
    content, numbers = b"", []
    for repeated, values in parts:
        if repeated:
            content += _natural(len(values) << 1) + values[0].to_bytes((width + 7) // 8, "little")
            numbers += [values[0]] * len(values)
            continue
        padded = values + [0] * (-len(values) % 8)
        bits = sum(value << width * place for place, value in enumerate(padded))
        content += _natural(len(padded) // 8 << 1 | 1) + bits.to_bytes(width * len(padded) // 8, "little")
        numbers += padded
    found = parquet_pages._numbers(Compact(BytesIO(content)), width)
    assert [next(found) for _ in numbers] == numbers
    with pytest.raises(Damaged):
        next(found)


def unpacked(packed, size, after=b""):
    return snappy_stream.unpacked(BytesIO(packed + after), len(packed), size).read()


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=30), st.lists(st.integers(0, 29), max_size=500))
def test_snappy_is_unpacked_as_by_its_own_library(words, order):
    content = b"".join(words[place % len(words)] for place in order) or b"x"
    packed = pa.compress(content, "snappy", asbytes=True)
    assert unpacked(packed, len(content), b"more") == content


def test_snappy_of_all_kinds_of_copies_and_literals():
    noise = os.urandom(200_000)
    content = noise + noise[:70_000] + b"ab" * 999 + noise[-60_000:] + bytes(70_000)
    packed = pa.compress(content, "snappy", asbytes=True)
    assert unpacked(packed, len(content)) == content
    literal = b"\xf8" + (69_999).to_bytes(3, "little") + noise[:70_000]
    far = _natural(70_001) + literal + b"\x03" + (70_000).to_bytes(4, "little")
    assert unpacked(far, 70_001) == noise[:70_000] + noise[:1]
    assert unpacked(far, 70_001) == pa.decompress(far, 70_001, "snappy", asbytes=True)


def test_damaged_snappy_is_refused_or_unpacked_as_by_its_own_library():
    content = os.urandom(50) + b"abc" * 30 + os.urandom(9)
    packed = pa.compress(content, "snappy", asbytes=True)
    with pytest.raises(Damaged):
        unpacked(packed, len(content) + 1)
    for place in range(len(packed)):
        with pytest.raises(Damaged):
            unpacked(packed[:place], len(content))
        for change in range(1, 256):
            altered = packed[:place] + bytes([packed[place] ^ change]) + packed[place + 1 :]
            try:
                theirs = pa.decompress(altered, len(content), "snappy", asbytes=True)
            except (OSError, ValueError):
                theirs = None
            try:
                ours = unpacked(altered, len(content))
            except Damaged:
                ours = None
            assert ours == theirs or (theirs is not None and place < 2), (place, change)
