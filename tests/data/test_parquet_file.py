"""Parquet files as the Hugging Face Hub has them, written by pyarrow, and refused where they are damaged."""

import io
import json
import sys

import numpy as np
import pyarrow as pa
import pytest
from bounded import bounded
from in_place import ended
from odd_places import padded, shared, understated
from own_files import coloured, every_cut, grey, opened, refusal
from PIL import Image
from pyarrow import parquet
from surroundings import Place

from assay.data import expansion
from assay.data.arrays import Values
from assay.data.readers import parquet_column, parquet_file, parquet_pages
from assay.errors import DataError

IMAGES, LABELS = grey()
NAMES = ["a", "b", "c", "d"]


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def write(path, images=IMAGES, labels=LABELS, named=True, **columns):
    pictures = [{"bytes": png(image), "path": None} for image in images]
    table = pa.table({"image": pictures, "label": list(labels), **columns})
    if named:
        about = {"info": {"features": {"label": {"names": NAMES, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    parquet.write_table(table, path)
    return f"parquet:{path}"


def test_pictures_labels_and_names(tmp_path):
    write(tmp_path / "test-00000-of-00001.parquet", IMAGES[::-1], LABELS[::-1])
    source = opened(
        write(tmp_path / "train-00000-of-00001.parquet", writer=[f"w{k // 8}" for k in range(40)])
    )
    np.testing.assert_array_equal(source.pool.images, IMAGES)
    np.testing.assert_array_equal(source.pool.labels, LABELS)
    np.testing.assert_array_equal(source.test.images, IMAGES[::-1])
    assert source.classes == ("a", "b", "c", "d")
    (tmp_path / "test-00000-of-00001.parquet").unlink()
    grouped = opened(f"parquet:{tmp_path}/train-00000-of-00001.parquet", groups="writer")
    np.testing.assert_array_equal(grouped.pool.groups, np.arange(40) // 8)


def test_colour(tmp_path):
    images, labels = coloured()
    source = opened(write(tmp_path / "a.parquet", images, labels, named=False))
    np.testing.assert_array_equal(source.pool.images, images)
    assert source.classes == ("0", "1", "2", "3")


@pytest.mark.parametrize("dictionary", [True, False])
def test_row_groups_without_rows(dictionary, tmp_path):
    table = pa.table({"image": [png(image) for image in IMAGES], "label": list(LABELS)})
    with parquet.ParquetWriter(tmp_path / "a.parquet", table.schema, use_dictionary=dictionary) as writer:
        for start, stop in ((0, 0), (0, 1), (1, 1), (1, None)):
            writer.write_table(table[start:stop])
    np.testing.assert_array_equal(opened(f"parquet:{tmp_path / 'a.parquet'}").pool.images, IMAGES)


def test_what_is_wrong_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    assert "is not a regular file" in refusal(f"parquet:{tmp_path}")
    path.write_bytes(b"PAR1" + bytes(40))
    assert "no Parquet file, or damaged" in refusal(f"parquet:{path}", path)
    source = write(path, labels=LABELS + 7)
    assert "column 'label': label 7 at index 0 is outside 0..3" in refusal(source)
    assert "no column of images (name it with ?images=NAME; columns: image, label)" in refusal(
        f"{source}?images=x"
    )
    many = write(path, **{f"c{k:02}": list(LABELS) for k in range(14)})
    assert "columns: image, label, c00, c01, c02, c03, c04, c05, c06, c07, and 6 more)" in refusal(
        f"{many}?images=x"
    )
    assert "no column 'writer'" in refusal(source, groups="writer")
    parquet.write_table(pa.table({"image": [b"nothing"], "label": [0]}), path)
    assert "row 0: cannot be read as a picture" in refusal(source)
    parquet.write_table(pa.table({"image": [1, 2], "label": [0, 1]}), path)
    assert "row 0: no picture in column 'image'" in refusal(source)
    parquet.write_table(pa.table({"image": [png(IMAGES[0])] * 2, "label": [0, None]}), path)
    assert "row 1: nothing in column 'label'" in refusal(source)
    parquet.write_table(
        pa.table({"image": pa.array([], pa.binary()), "label": pa.array([], pa.int64())}), path
    )
    assert "contains no examples" in refusal(source)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert 'needs pyarrow (pip install "assay[parquet]")' in refusal(source)


def test_wherever_it_is_cut(tmp_path):
    path = tmp_path / "a.parquet"
    for found in every_cut(path, write(path, IMAGES[:6], LABELS[:6]), 20):
        assert isinstance(found, str)


def test_pages_of_another_kind_and_types_that_are_not_known(tmp_path, monkeypatch):
    source, path = write(tmp_path / "a.parquet"), tmp_path / "a.parquet"
    content, label = bytearray(path.read_bytes()), parquet.ParquetFile(path).metadata.row_group(0).column(2)
    assert label.path_in_schema == "label"
    content[label.data_page_offset + 1] = 2  # an index, which readers pass over
    path.write_bytes(content)
    assert "column 'label': 0 values in 40 rows (damaged?)" in refusal(source)

    def opened_as(*_, **__):
        raise pa.ArrowNotImplementedError("Integers with more than 64 bits not implemented")

    monkeypatch.setattr(parquet, "ParquetFile", opened_as)
    assert "no Parquet file, or damaged (Integers with more than 64 bits" in refusal(source)


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (b"\x05label\x15\x02", b"\x05label\x15\x38", "a column packed in the unknown way 28"),
        (b"\x25\x02\x18\x05label", b"\x25\x00\x18\x05label", "histogram size mismatch"),
    ],
    ids=["packing", "histogram"],
)
def test_a_footer_over_which_pyarrow_ends_the_process(was, now, words, tmp_path):
    """Its metadata's columns cannot be asked for anything: exceptions of C++ pass through them."""
    source, path = write(tmp_path / "a.parquet"), tmp_path / "a.parquet"
    content = path.read_bytes()
    assert content.count(was) == 1
    path.write_bytes(content.replace(was, now))
    found = ended(Place(), ("data", "info", source), tmp_path, tmp_path)
    assert (found.status, found.out, found.err.count("\n")) == (2, "", 1)
    assert f"{path}: no Parquet file, or damaged (" in found.err
    assert words in found.err


def test_columns_that_declare_far_more_than_the_file_has(tmp_path, monkeypatch):
    source = write(tmp_path / "a.parquet")
    monkeypatch.setattr(expansion, "FREE", 10)
    monkeypatch.setattr(expansion, "RATIO", 0)
    assert "of data but has" in refusal(source)


def test_a_page_far_larger_than_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_column, "BYTES_AT_ONCE", 100_000)
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"image": [padded(200_000)], "label": [0]}), path, compression="zstd")
    said = refusal(f"parquet:{path}")
    assert "column 'image': a page expands" in said
    assert "bytes to 200," in said
    assert "fewer rows in a row group" in said


def test_a_page_far_larger_than_its_file_with_its_dictionary(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_column, "BYTES_AT_ONCE", 450_000)
    images = [padded(1000 + k) for k in range(500)]
    table = pa.table({"image": images, "label": [0] * 500})
    parquet.write_table(
        table, tmp_path / "a.parquet", compression="zstd", data_page_size=10**9,
        write_batch_size=200, dictionary_pagesize_limit=100,
    )  # fmt: skip
    said = refusal(f"parquet:{tmp_path}/a.parquet")
    assert "column 'image': a page expands" in said
    assert " beside 2" in said
    assert " of a dictionary, the file has " in said


def test_pages_of_labels_are_small(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_column, "BYTES_AT_ONCE", 20_000)
    table = pa.table({"image": [png(IMAGES[0])] * 40, "label": [f"{k % 2}" * 900 for k in range(40)]})
    parquet.write_table(table, tmp_path / "a.parquet", use_dictionary=False)
    assert "column 'label': a page expands" in refusal(f"parquet:{tmp_path}/a.parquet")


@pytest.mark.parametrize("compression", ["snappy", "lz4"])
def test_a_picture_that_is_too_large(tmp_path, monkeypatch, compression):
    for module in (parquet_file, parquet_pages):
        monkeypatch.setattr(module, "LARGEST", 1000)
    table = pa.table({"image": [png(IMAGES[0]), padded(1000)], "label": [0, 1]})
    parquet.write_table(table, tmp_path / "a.parquet", compression=compression)
    said = refusal(f"parquet:{tmp_path}/a.parquet")
    assert "row 1: a picture of more than 1,000 bytes (give a smaller copy)" in said


def test_a_page_that_the_footer_hides(tmp_path):
    assert "column 'image': a page expands" in refusal(understated(tmp_path))


def test_one_large_value_in_all_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_column, "BYTES_AT_ONCE", 10_000)
    monkeypatch.setattr(expansion, "FREE", 1_000_000)
    table = pa.table({"image": shared([padded(22_000, noise=True)], 3000), "label": [0] * 3000})
    parquet.write_table(table, tmp_path / "a.parquet")
    said = refusal(f"parquet:{tmp_path}/a.parquet")
    assert "column 'image': 3,000 rows share 1 values of 2" in said


def test_values_are_read_a_few_at_a_time_where_they_may_be_long(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_column, "BYTES_AT_ONCE", 200_000)
    images = [padded(40_000, noise=True), *[png(image) for image in IMAGES[1:]]]
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"image": images, "label": list(LABELS)}), path, compression="lz4")
    columns = [
        parquet_column.ParquetColumn(path, parquet.ParquetFile(path), name, True)
        for name in ("image", "label")
    ]
    assert [column.at_once <= 4 for column in columns] == [True, False]
    assert [*map(len, columns[0].some())] == [columns[0].at_once] * (40 // columns[0].at_once)
    assert len(opened(f"parquet:{path}").pool.images) == 40


def test_text_that_rows_share_is_kept_once():
    values = Values("a", 2)
    with bounded(mebibytes=2):
        for _ in range(20):
            values.add([("a" * 999 + str(k % 2)).encode() for k in range(1000)])
        assert len(set(map(id, values.joined()))) == 2
    with pytest.raises(DataError, match="a: more than 2 different names"):
        values.add(["c"])


def test_columns_of_lists_and_of_many_names(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"image": [["a"]], "label": [0]}), path)
    assert "column 'image' holds lists or structures, expected pictures or lists of numbers" in refusal(
        f"parquet:{path}"
    )
    parquet.write_table(pa.table({"image": [png(IMAGES[0])], "label": [[0]]}), path)
    assert "column 'label' holds lists or structures, expected whole numbers or text" in refusal(
        f"parquet:{path}"
    )
    names = [f"n{k}" for k in range(300)]
    parquet.write_table(pa.table({"image": [png(IMAGES[0])] * 300, "label": names}), path)
    assert "column 'label': more than 256 different names" in refusal(f"parquet:{path}")
