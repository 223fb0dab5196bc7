"""``assay read``: characters in pictures, in every format."""

import csv
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import faults
import numpy as np
from said import Assay
from strokes_drawn import drawn

FOUR = faults.png(faults.shades((np.asarray(drawn("4", 240, 18)) < 128).astype(float)))


def test_each_character_has_a_row_and_each_picture_its_text(assay: Assay):
    Path("four.png").write_bytes(FOUR)
    said = assay("read", "four.png", "four.png", "--format", "json")
    assert (said.status, said.err) == (0, "")
    first, second = json.loads(said.out)
    assert first == second
    assert (first["character"], first["line"], first["word"]) == ("4", 1, 1)
    assert first["likeliest"][0]["character"] == "4"
    assert len(first["likeliest"]) == 3
    (row,) = csv.DictReader(io.StringIO(assay("read", "four.png", "--format", "csv").out))
    assert (row["character"], int(row["left"])) == ("4", first["left"])
    assert "four.png: 4" in assay("read", "four.png").out.splitlines()


def test_standard_input_and_what_cannot_be_read(assay: Assay, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(FOUR)))
    Path("text.png").write_text("no picture")
    said = assay("read", "-", "text.png", "absent.png")
    assert said.status == 2
    assert "standard input: 4" in said.out
    assert len(said.err.splitlines()) == 2
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO()))
    assert "standard input: is empty" in assay("read", "-").err


def test_a_name_with_a_line_end_is_one_line(assay: Assay):
    Path("a\n\x1b[31mb.png").write_bytes(FOUR)
    said = assay("read", "a\n\x1b[31mb.png")
    assert (said.status, said.out.splitlines()[-1]) == (0, "a\\n\\x1b[31mb.png: 4")
    assert "\x1b" not in said.out
