"""What runs where, as a driver says it and others read it."""

from assay.records.runs import RunId
from assay.store.machines import WorkingMachine, keep_machines, kept_machines

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


def test_a_disk_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "file").touch()
    keep_machines(tmp_path / "file", TWO)
    assert kept_machines(tmp_path / "file") == []
