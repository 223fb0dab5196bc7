"""What a Parquet file declares, against what pyarrow wrote and says of it."""

from dataclasses import replace
from io import BytesIO

import pyarrow as pa
import pytest
from bounded import bounded
from odd_places import _columns, _numbers
from own_files import refusal
from pyarrow import parquet

from assay.data.readers.compact_protocol import Compact, Damaged
from assay.data.readers.parquet_layout import (
    DICTIONARY,
    DeclaredChunk,
    _page,
    chunks,
    expect_few_columns,
    pages,
)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_pages_are_those_that_pyarrow_wrote(tmp_path, codec, version, dictionary):
    path = tmp_path / "a.parquet"
    table = pa.table({"a": [f"{n % 7}" * 50 for n in range(3000)], "b": range(3000)})
    parquet.write_table(
        table, path, compression=codec, data_page_version=version, use_dictionary=dictionary,
        data_page_size=1000, write_batch_size=100, row_group_size=1000, write_page_checksum=True,
    )  # fmt: skip
    expect_few_columns(path)
    metadata = parquet.ParquetFile(path).metadata
    with path.open("rb") as file:
        for group, said in enumerate(chunks(path, 0)):
            chunk = metadata.row_group(group).column(0)
            places = filter(None, (chunk.data_page_offset, chunk.dictionary_page_offset))
            theirs = chunk.compression, chunk.num_values, min(places), chunk.total_compressed_size
            assert replace(said, compression=said.compression.removesuffix("_RAW")) == DeclaredChunk(*theirs)
            found = [*pages(file, said)]
            assert [page.values for page in found if page.kind == DICTIONARY] == [7] * dictionary
            assert sum(page.values for page in found if page.kind != DICTIONARY) == 1000
            assert len(found) > 1
            heads = chunk.total_compressed_size - sum(page.packed for page in found)
            assert heads == chunk.total_uncompressed_size - sum(page.size for page in found) > 0
    assert [len(chunks(path, column)) for column in (0, 1)] == [3, 3]


def test_a_header_of_fields_without_end_keeps_nothing_of_them():
    fields = b"\x15\x00" * 20_000
    header = b"\x15\x00" * 3 + b"\x2c" + fields + b"\x00" + fields + b"\x00"
    with bounded(mebibytes=0.5):
        assert _page(Compact(BytesIO(header))).start == len(header)


@pytest.mark.parametrize("columns", [10_000, 10_001])
def test_a_footer_of_many_columns_is_refused_before_it_is_read(tmp_path, columns):
    source = _columns(columns)(tmp_path)
    if columns > 10_000:
        with pytest.raises(Damaged, match="it declares 10,001 columns, expected at most 10,000"):
            expect_few_columns(tmp_path / "a.parquet")
    said = refusal(source, "a.parquet")
    assert ("10,001 columns" in said) == (columns > 10_000)


def test_a_number_is_written_as_the_format_has_it():
    assert _numbers(1) == b"\x02"
    assert _numbers(64) == b"\x80\x01"
    assert _numbers(1, 3) == b"\x82\x80\x00"
