"""Images in Parquet files as lists of numbers, written by pyarrow."""

import numpy as np
import pyarrow as pa
import pytest
from own_files import coloured, every_cut, grey, opened, refusal
from pyarrow import parquet

from assay.data import expansion
from assay.data.readers import parquet_column

IMAGES, LABELS = grey()
FLAT = [image.ravel().tolist() for image in IMAGES]
COLOURED, _ = coloured()


def write(folder, images, labels=LABELS, name="train.parquet", **options):
    parquet.write_table(pa.table({"image": images, "label": list(labels)}), folder / name, **options)
    return f"parquet:{folder / name}"


def changed(row, value):
    """Return lists of which one ends with another value, or without one where that is "cut"."""
    lists = [list(one) for one in FLAT]
    lists[row][-1:] = [] if value == "cut" else [value]
    return lists


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (FLAT, IMAGES),
        (IMAGES.tolist(), IMAGES),
        ((IMAGES / 255).tolist(), IMAGES),
        (pa.array(list(IMAGES.reshape(40, -1)), pa.list_(pa.uint8(), 36)), IMAGES),
        (pa.array(FLAT, pa.large_list(pa.float32())), IMAGES),
        (COLOURED.tolist(), COLOURED),
        (COLOURED.transpose(0, 3, 1, 2).tolist(), COLOURED),
        ([[[v > 127 for v in row] for row in image] for image in IMAGES.tolist()], 255 * (IMAGES > 127)),
    ],
    ids=["flat", "rows", "shares", "fixed", "large", "colour", "channels first", "truths"],
)
@pytest.mark.parametrize("rows", [7, 40])
def test_lists_of_any_depth_and_kind(images, expected, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_column, "LISTED_AT_ONCE", 100)
    source = opened(write(tmp_path, images, row_group_size=rows))
    np.testing.assert_array_equal(source.pool.images, expected)
    np.testing.assert_array_equal(source.pool.labels, LABELS)
    assert source.pool.images.dtype == np.uint8


def test_row_groups_without_rows(tmp_path):
    table = pa.table({"image": FLAT, "label": list(LABELS)})
    with parquet.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
        for start, stop in ((0, 0), (0, 1), (1, 1), (1, None)):
            writer.write_table(table[start:stop])
    np.testing.assert_array_equal(opened(f"parquet:{tmp_path / 'a.parquet'}").pool.images, IMAGES)


def test_of_columns_of_one_name_the_first_is_read(tmp_path):
    table = pa.Table.from_arrays(
        [pa.array(FLAT), pa.array(FLAT[::-1]), pa.array(LABELS)], ["image"] * 2 + ["label"]
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    np.testing.assert_array_equal(opened(f"parquet:{tmp_path / 'a.parquet'}").pool.images, IMAGES)


def test_parts_and_shapes(tmp_path):
    write(tmp_path, FLAT[::-1], name="test.parquet")
    source = opened(f"{write(tmp_path, FLAT)}?shape=4x9")
    np.testing.assert_array_equal(source.test.images, IMAGES[::-1].reshape(40, 4, 9))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (
            changed(39, "cut"),
            "row 39: column 'image' has a list of 35, others are of 36 (images are of",
        ),
        ([[], *FLAT[1:]], "row 0: column 'image' has an empty list"),
        ([*FLAT[:-1], None], "row 39: column 'image' has a list of 0, others"),
        ([*IMAGES[:9].tolist(), IMAGES[9].tolist()[1:]] * 4, "row 9: column 'image' has a list of 5, others"),
        (changed(3, None), "row 0: column 'image' has lists of 36 numbers, 1 of them missing"),
        (changed(3, 256), "image 3 has the value 256 at position 35, outside 0 to 255"),
        (changed(3, -1), "image 3 has the value -1 at position 35"),
        ([one[1:] for one in FLAT], "35 values an image are no square (say how they lie"),
        ([["a"]] * 40, "column 'image' holds lists or structures, expected pictures or lists of numbers"),
        ([[{"a": 1}]] * 40, "column 'image' holds lists or structures"),
    ],
    ids=range(10),
)
def test_what_is_wrong_is_one_line(images, words, tmp_path):
    assert words in refusal(write(tmp_path, images))


def test_options_are_for_what_the_column_holds(tmp_path):
    assert "column 'image' holds lists of numbers, which have no option size" in refusal(
        f"{write(tmp_path, FLAT)}?size=3"
    )
    write(tmp_path, [b"nothing"] * 40, name="test.parquet")
    assert "column 'image' holds pictures, unlike the training images'" in refusal(write(tmp_path, FLAT))


def test_wherever_it_is_cut(tmp_path):
    for found in every_cut(tmp_path / "train.parquet", write(tmp_path, FLAT[:6], LABELS[:6]), 20):
        assert isinstance(found, str)


def test_more_than_memory_is_meant_for(tmp_path, monkeypatch):
    source = write(tmp_path, changed(3, "cut"))
    monkeypatch.setattr(parquet_column, "LISTED", 100)
    said = "a row group of 1,439 numbers, not in lists of one length (write it with fewer rows in a row group"
    assert said in refusal(source)
    write(tmp_path, FLAT)
    np.testing.assert_array_equal(len(opened(source).pool.images), 40)
    monkeypatch.undo()
    source = write(tmp_path, [[0] * 400] * 40)
    monkeypatch.setattr(expansion, "FREE", 10_000)
    monkeypatch.setattr(expansion, "RATIO", 0)
    assert "column 'image': 40 lists of 400 numbers, the file has " in refusal(source)
