"""Lists are found to be of one length exactly where they are, however they are written."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from assay.data.readers.parquet_layout import chunks
from assay.data.readers.parquet_levels import are_even

WRITTEN = st.fixed_dictionaries(
    {
        "compression": st.sampled_from(["none", "snappy", "gzip", "zstd"]),
        "data_page_version": st.sampled_from(["1.0", "2.0"]),
        "data_page_size": st.sampled_from([1, 64, 1 << 20]),
        "use_dictionary": st.booleans(),
        "row_group_size": st.sampled_from([3, 1000]),
    }
)
LENGTHS = st.one_of(
    st.tuples(st.integers(1, 70), st.integers(1, 40)).map(lambda found: [found[0]] * found[1]),
    st.lists(st.integers(0, 20), min_size=1, max_size=20),
)


@given(LENGTHS, WRITTEN, st.booleans())
@settings(max_examples=150, deadline=None)
@example([784] * 5, {}, False)
@example([2, 2, 3, 1], {}, False)
@example([1, 1, 1], {}, False)
def test_lists_are_even_where_all_have_as_many(lengths, options, nested):
    """A list without numbers takes the place of one; lists of one number each are no images."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        rows = [[1] * length for length in lengths]
        column = [[row, row] for row in rows] if nested else rows
        kind = pa.list_(pa.list_(pa.uint8())) if nested else pa.list_(pa.uint8())
        parquet.write_table(pa.table({"image": pa.array(column, kind)}), path, **options)
        size = options.get("row_group_size", 1000)
        for group, chunk in enumerate(chunks(path, 0)):
            own = {max(length, 1) * (1 + nested) for length in lengths[group * size :][:size]}
            for each in {*own, 1, 7}:
                assert are_even(path, chunk, each, 1 + nested) == (own == {each} != {1}), (own, each)


def test_levels_without_values_come_to_an_end(tmp_path):
    path = tmp_path / "a.parquet"
    rows = pa.table({"image": pa.array([[1] * 9] * 500, pa.list_(pa.uint8()))})
    parquet.write_table(rows, path, compression="none", use_dictionary=False)
    content = path.read_bytes()
    start = chunks(path, 0)[0].start
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(content[: start + 40] + bytes(len(content) - footer - start - 40) + content[-footer:])
    assert not are_even(path, chunks(path, 0)[0], 9, 1)
