"""A class of files: each costs its own row alone, and the table says who is right in what."""

import csv
import io
import json
from shutil import copy
from textwrap import dedent
from xml.etree import ElementTree

import pytest
from planted_layers import PLANTED

from assay.errors import UsageError
from assay.testing.classroom import Spec, check_class, read_spec
from assay.testing.marks import csv_text, json_text, junit_text, table

SCALE = """
class Scale:
    def __init__(self, factor=2.0): self.factor = factor
    def fprop(self, inputs): return inputs * self.factor
    def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs * {claimed}
"""

HOSTILE = """
import os, socket, time
class Layer:
    def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
    def fprop(self, inputs): return inputs
class Writes(Layer):
    def fprop(self, inputs):
        open({outside!r}, "w").write("x")
        return inputs
class Dies(Layer):
    def fprop(self, inputs): os._exit(0)
class Greedy(Layer):
    def fprop(self, inputs): return b"x" * 10**11
class Last(Layer): pass
"""

ENDLESS = """
import time
class Loops:
    def fprop(self, inputs):
        while True: time.sleep(1)
    def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
class Next:
    def fprop(self, inputs): return inputs
    def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs
"""

ENOUGH = 6
"""Seconds of a processor in which a process has begun, and more by the clock."""


@pytest.fixture(scope="module")
def marks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    (folder / "ann.py").write_text(SCALE.format(claimed="self.factor"))
    (folder / "ben.py").write_text(SCALE.format(claimed="3"))
    (folder / "cho.py").write_text(SCALE.format(claimed="self.factor / (1 // 0)"))
    (folder / "dan.py").write_text("class Scale(:")
    (folder / "eve.py").write_text(HOSTILE.format(outside=str(folder / "outside")))
    (folder / "fay.py").write_text(
        SCALE.format(claimed="1").replace("return inputs *", "raise NotImplementedError #")
    )
    (folder / "gus.py").write_text(ENDLESS)
    (folder / "notes.py").write_text("x = 1")
    found = check_class([folder], Spec(seconds=ENOUGH))
    if "no writing outside a scratch folder" in found[0].held:
        assert not (folder / "outside").exists()
    return {(mark.file.rpartition("/")[2], mark.name): mark for mark in found}


def test_each_is_marked(marks):
    held = "no writing outside a scratch folder" in marks["ann.py", "Scale"].held
    assert {key: mark.status for key, mark in marks.items()} == {
        ("ann.py", "Scale"): "right",
        ("ben.py", "Scale"): "wrong",
        ("cho.py", "Scale"): "error",
        ("dan.py", ""): "error",
        ("eve.py", "Layer"): "right",
        ("eve.py", "Writes"): "error" if held else "right",
        ("eve.py", "Dies"): "crashed",
        ("eve.py", "Greedy"): "error",
        ("eve.py", "Last"): "right",
        ("fay.py", "Scale"): "not written",
        ("gus.py", "Loops"): "too slow",
        ("gus.py", "Next"): "right",
    }


def test_what_is_wrong_is_said(marks):
    assert marks["ben.py", "Scale"].parts["dL/dx"] == "wrong"
    assert marks["cho.py", "Scale"].detail.endswith("ZeroDivisionError: integer division or modulo by zero "
                                                    "(cho.py, line 5)")  # fmt: skip
    assert "SyntaxError" in marks["dan.py", ""].detail
    assert "(fay.py, line 4)" in marks["fay.py", "Scale"].detail
    assert f"{ENOUGH} s" in marks["gus.py", "Loops"].detail


def test_the_forms_agree(marks):
    listed = list(marks.values())
    lines = table(listed)
    right = sum(mark.passed for mark in listed)
    assert lines[-1] == f"{right} of {len(listed)} right"
    assert lines[-2].startswith(
        f"each file in a process of its own: {ENOUGH} s of processor time, 4096 MB of memory"
    )
    assert len(lines) == len(listed) + 3
    assert [row["status"] for row in json.loads(json_text(listed))] == [mark.status for mark in listed]
    assert [row["status"] for row in csv.DictReader(io.StringIO(csv_text(listed)))] == [
        mark.status for mark in listed
    ]
    suites = ElementTree.fromstring(junit_text(listed))
    assert len(suites.findall(".//testcase")) == len(listed)
    assert len(suites.findall(".//failure")) == 1
    assert len(suites.findall(".//error")) == len(listed) - 1 - right


def test_a_spec_names_what_is_checked_and_its_points(tmp_path):
    (tmp_path / "ann.py").write_text(SCALE.format(claimed="self.factor"))
    (tmp_path / "ben.py").write_text(SCALE.format(claimed="3"))
    spec = tmp_path / "spec.toml"
    spec.write_text(
        dedent("""
        seconds = 20
        [[part]]
        name = "Scale"
        arguments = { factor = 3 }
        input_shape = [4]
        points = { "dL/dx" = 2, all = 1 }
        [[part]]
        name = "Shift"
        points = { all = 5 }
        """)
    )
    found = check_class([tmp_path], read_spec(spec))
    assert [(mark.name, mark.status, mark.points) for mark in found] == [
        ("Scale", "right", 3), ("Shift", "error", 0), ("Scale", "right", 3), ("Shift", "error", 0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secnds = 3", r"no key 'secnds' \(did you mean 'seconds'\?\)"),
        ("seconds = 0", "seconds: expected a whole number from 1, got 0"),
        ("[[part]]\narguments = {}", "part 1: expected a name"),
        ("part = 3", "part: expected tables"),
        ("x = ", "spec.toml: "),
    ],
)
def test_a_spec_that_cannot_be_meant_is_one_line(tmp_path, text, message):
    (tmp_path / "spec.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_spec(tmp_path / "spec.toml")


def test_places_without_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no \.py files"):
        check_class([tmp_path])
    with pytest.raises(UsageError, match=r"expected a \.py file or a folder"):
        check_class([tmp_path / "nothing.py"])


def test_a_whole_file_of_right_ones_is_right(tmp_path):
    copy(PLANTED / "functions.py", tmp_path)
    found = check_class([tmp_path / "functions.py"])
    assert len(found) == 14
    assert all(mark.passed for mark in found), table(found)
