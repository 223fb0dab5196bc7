"""What runs where, as a driver says it and others read it."""

import json

import pytest

from assay.records.runs import RunId
from assay.store.machines import FILE, WorkingMachine, keep_machines, kept_machines

TWO = [
    WorkingMachine("one", "AMD EPYC", 4, (RunId("max", 0), RunId("average", 3))),
    WorkingMachine("two", "AMD EPYC", 1),
]


def test_it_is_read_as_it_was_kept_and_removed_at_the_end(tmp_path):
    assert kept_machines(tmp_path) == []
    keep_machines(tmp_path, TWO)
    assert kept_machines(tmp_path) == TWO
    keep_machines(tmp_path, ())
    keep_machines(tmp_path, ())
    assert [*tmp_path.iterdir()] == []


GOOD = {"host": "one", "processor": "p", "slots": 1, "runs": []}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "{}",
        "[" * 100_000,
        json.dumps([{**GOOD, "slots": "1"}]),
        json.dumps([{**GOOD, "host": "\x1b[2J"}]),
        json.dumps([{**GOOD, "runs": [{"arm": "a", "seed": "x"}]}]),
        json.dumps([{**GOOD, "more": 1}]),
    ],
)
def test_what_is_no_such_file_says_nothing(text, tmp_path):
    (tmp_path / FILE).write_text(text)
    assert kept_machines(tmp_path) == []


def test_a_disk_that_cannot_be_written_does_no_harm(tmp_path):
    keep_machines(tmp_path / "missing", TWO)
    assert kept_machines(tmp_path / "missing") == []
