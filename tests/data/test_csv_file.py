"""Tables of labels and pixels, as Kaggle has them, and what is wrong with them by row and column."""

import gzip
import os

import numpy as np
import pytest
from bounded import bounded
from own_files import every_cut, grey, opened, refusal

from assay.data import expansion
from assay.data.readers import csv_rows
from assay.errors import DataError

IMAGES, LABELS = grey()
HEADER = ",".join(["label", *(f"pixel{k}" for k in range(36))])


def rows(images=IMAGES, labels=LABELS):
    return [",".join(map(str, [label, *image.ravel()])) for label, image in zip(labels, images, strict=True)]


def write(path, lines, end="\n"):
    text = (end.join(lines) + end).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return f"csv:{path}"


@pytest.mark.parametrize("name", ["set.csv", "set.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [True, False])
def test_with_and_without_a_header(tmp_path, monkeypatch, name, end, header):
    monkeypatch.setattr(csv_rows, "AT_ONCE", 7)
    source = opened(write(tmp_path / name, [HEADER] * header + rows(), end))
    np.testing.assert_array_equal(source.pool.images, IMAGES)
    np.testing.assert_array_equal(source.pool.labels, LABELS)
    assert source.pool.images.flags.writeable


def test_text_labels_writers_and_other_columns(tmp_path):
    names = np.array(["cat", "dog", "10", "9"])[LABELS]
    lines = [f'w{k // 10},{line},"{name}"' for k, (line, name) in enumerate(zip(rows(), names, strict=True))]
    head = "writer,number," + ",".join(f"p{k}" for k in range(36)) + ",class"
    source = opened(write(tmp_path / "a.csv", [head, *lines]) + "?shape=37x1", groups="writer")
    assert source.classes == ("9", "10", "cat", "dog")
    np.testing.assert_array_equal(source.pool.groups, np.arange(40) // 10)
    assert source.pool.images.shape == (40, 37, 1)
    assert "no column 'author'" in refusal(f"csv:{tmp_path}/a.csv", groups="author")


def test_kaggles_test_file_has_no_labels(tmp_path):
    write(
        tmp_path / "test.csv", [HEADER.removeprefix("label,"), *(line.partition(",")[2] for line in rows())]
    )
    source = opened(write(tmp_path / "train.csv", [HEADER, *rows()]))
    assert source.test is None
    assert "test.csv: has no labels, left out" in source.notes


def test_emnists_csv_is_turned_and_named(tmp_path):
    letters = LABELS.copy() + 1
    letters[-1] = 26
    for part in ("train", "test"):
        write(tmp_path / f"emnist-letters-{part}.csv", rows(labels=letters))
    source = opened(f"csv:{tmp_path}/emnist-letters-train.csv")
    np.testing.assert_array_equal(source.test.images, IMAGES.transpose(0, 2, 1))
    assert source.classes == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert "transposed: yes (by its name)" in source.notes


WRONG = {
    "text": (
        lambda: [HEADER, *rows()[:3], rows()[3].replace(",0,", ",x,", 1)],
        "row 5, column 2: 'x', expected",
    ),
    "range": (lambda: [*rows()[:3], "1" + ",256" * 36], "row 4, column 2: '256', expected a whole number"),
    "half": (lambda: [*rows()[:3], "1" + ",0.5" * 36], "row 4, column 2: '0.5'"),
    "nan": (lambda: [*rows()[:3], "1" + ",nan" * 36], "row 4, column 2: 'nan'"),
    "huge": (lambda: [*rows()[:3], "1" + ",1e999" * 36], "row 4, column 2: '1e999'"),
    "short": (lambda: [*rows()[:3], "1,2,3"], "row 4: 3 columns, expected 37"),
    "long": (lambda: [*rows()[:3], rows()[3] + ",7"], "row 4: 38 columns, expected 37"),
    "label": (lambda: ["x" * 1001 + ",2", "1,2"], "row 1, column 1: 1,001 characters, expected at most"),
    "one": (lambda: ["1", "2"], "row 1: one column, expected a label and pixels"),
    "paths": (lambda: ["file,label", "a.png,A", "b.png,B"], "row 2: no numbers beside the label"),
    "header": (lambda: [HEADER], "contains no examples, only a header"),
    "square": (lambda: ["1,2,3,4", "2,3,4,5"], "3 values an image are no square"),
    "classes": (
        lambda: [f"{k}{line[1:]}" for k, line in zip(range(300, 340), rows(), strict=True)],
        "label 339 at index 39",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_one_line(tmp_path, kind):
    make, words = WRONG[kind]
    assert words in refusal(write(tmp_path / "set.csv", make()), tmp_path)


def test_files_that_are_no_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(expansion, "FREE", 1000)
    path = tmp_path / "set.csv"
    for content, words in (
        (b"", "is empty"),
        (b"\xff\xfe1\x002\x00", "row 1: not text"),
        (b"1" * (1 << 21), "row 1: longer than 1,048,576 bytes"),
        (gzip.compress(b"1,2\n3,4\n")[:-9], "damaged gzip stream"),
        (
            gzip.compress(b"0," * 100_000 + b"0\n" + (b"0," * 100_000 + b"0\n") * 9),
            "expands to more than 200 times",
        ),
    ):
        path.write_bytes(content)
        assert words in refusal(f"csv:{path}", path)
    assert "is not a regular file" in refusal(f"csv:{tmp_path}")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "is not a regular file" in refusal(f"csv:{tmp_path}/pipe")


def test_wherever_it_is_cut(tmp_path):
    path = tmp_path / "set.csv.gz"
    write(path, rows())
    for found in every_cut(path, f"csv:{path}", 40):
        assert isinstance(found, str)


def test_many_columns(tmp_path, monkeypatch):
    wide = write(tmp_path / "wide.csv", [",".join(["label", *"p" * 22_500]), *["1" + ",5" * 22_500] * 8])
    assert opened(wide).pool.images.shape == (8, 150, 150)
    assert "row 1: 200,001 columns, expected a label and pixels, at most 200,000" in refusal(
        write(tmp_path / "a.csv", ["," * 200_000] * 3)
    )
    assert "row 2: 200,001 columns" in refusal(write(tmp_path / "a.csv", ["1,2", "," * 200_000]))


def test_text_that_rows_share_is_kept_once(tmp_path, monkeypatch):
    rows = [f"{'x' * 990}{k % 3},{k % 9}" for k in range(12_000)]
    with bounded(mebibytes=24), pytest.raises(DataError, match="is no printable name"):
        opened(write(tmp_path / "a.csv", rows))
    names = [f"{'n' * 90}{k},{k % 9}" for k in range(3000)]
    assert "more than 256 different names (no classes?)" in refusal(write(tmp_path / "a.csv", names))
    mixed = opened(write(tmp_path / "a.csv", [*[f"{k % 9},5" for k in range(600)], "x,5"]))
    assert mixed.classes == (*map(str, range(9)), "x")


def test_a_file_of_empty_lines_is_not_read_to_its_end(tmp_path, monkeypatch):
    """Packed well, a small file could hold a minute of them."""
    monkeypatch.setattr(csv_rows, "MOST_LINES", 5)
    lines = ["3,0", "4,9", *[""] * 3]
    assert len(opened(write(tmp_path / "a.csv", lines)).pool) == 2
    assert "more than 5 lines, most of them empty" in refusal(write(tmp_path / "b.csv", [*lines, ""]))


def test_a_shape_that_does_not_fit_the_columns(tmp_path):
    where = write(tmp_path / "set.csv", rows())
    assert "36 values an image, shape=5 x 7 takes 35" in refusal(f"{where}?shape=5x7", tmp_path)
