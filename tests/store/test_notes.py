"""The small files beside a store: whatever lies in their places, each reader answers at once."""

import json
import os
from pathlib import Path

import pytest

from assay.errors import StoreError
from assay.records.runs import RunId, RunRecord, Status
from assay.running.deaths import FILE as DEATHS
from assay.running.deaths import Death, deaths
from assay.running.tracebacks import keep_traceback, traceback_of
from assay.store import durable
from assay.store.lock import NOTE, holder
from assay.store.machines import FILE as MACHINES
from assay.store.machines import kept_machines
from assay.store.moved import PLACE, found_at, keep
from assay.store.notes import LONGEST, write_note
from assay.store.unchecked import FILE as UNCHECKED
from assay.store.unchecked import Unchecked, keep_unchecked, unchecked_in

RUN = RunId("a", 0)
ROW = RunRecord("a", 0, Status.RUNNING, "numba", 1, 1, 1, "computed", epochs=1)
TRACEBACK = "failures/a-0.txt"

READERS = {
    DEATHS: lambda folder: deaths(folder, [ROW], died=False) or None,
    MACHINES: lambda folder: kept_machines(folder) or None,
    UNCHECKED: lambda folder: unchecked_in(folder) or None,
    NOTE: holder,
    PLACE: found_at,
    TRACEBACK: lambda folder: traceback_of(folder, RUN),
}
"""What is read of each file, None where it says nothing."""
LOUD = {UNCHECKED}
"""Whose silence would say something."""
TEXTS = {PLACE, TRACEBACK}
"""In which any text is as good as another."""


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    (path / "in it").mkdir(parents=True)


def loop(path: Path) -> None:
    path.symlink_to(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def larger(path: Path) -> None:
    path.write_text("[" + " " * LONGEST + "]")


def bytes_(path: Path) -> None:
    path.write_bytes(b"\xff\xfe[\0]\0")


ODD = [pipe, folder, loop, device, larger, bytes_]

MACHINE = {"host": "one", "processor": "p", "slots": 1, "runs": []}
HOLDER = {"pid": 1, "started": "", "boot": "", "host": "h", "since": "s"}
NO_JSON = ["", "[", "{", "nul", "[1,]", "[" * 100_000, '{"a":' * 100_000, "[" + "1" * 5000 + "]", "[NaN]"]
SHAPES = {
    DEATHS: [
        "1", '{"a": 1}', "[1]", "[[1, 2], {}]", '[["a", 0, 1, 1e999]]', '[["a", [], 1, 1]]',
        '[["a", 0, 1, null]]', '["abcd"]', '[["a", 0, 1, 1.5]]',
    ],
    MACHINES: [
        "1", "[1]", '{"a": 1}', *(json.dumps([{**MACHINE, **odd}]).replace("Infinity", "1e999") for odd in (
            {"slots": "1"}, {"host": "\x1b[2J"}, {"host": "x" * 1000}, {"more": 1}, {"runs": {"arm": "a"}},
            {"runs": [{"arm": "a", "seed": "x"}]}, {"runs": [{"arm": "a", "seed": 1e999}]}, {"runs": [1]},
        )),
    ],
    UNCHECKED: ["1", "{}", '{"a": 1}', "[1]", "[[1, 2]]", "[[1, 2, 3]]", "[null]", '["abc"]'],
    NOTE: [
        "1", "[1]", *(json.dumps({**HOLDER, **odd}) for odd in (
            {"pid": "1"}, {"pid": 1e999}, {"pid": True}, {"host": "\x1b"}, {"since": "x" * 1000}, {"more": 1},
            {"boot": []},
        )),
    ],
}  # fmt: skip


def expect_silence(place: Path, name: str) -> None:
    """Expect that a reader says nothing or, where that would be a statement, that it refuses the file."""
    if name not in LOUD:
        assert READERS[name](place) is None
        return
    with pytest.raises(StoreError, match=f"{name}: cannot be read ") as caught:
        READERS[name](place)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < len(str(place)) + 300


@pytest.mark.skipif(os.name != "posix", reason="there are no pipes")
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_such_file_says_nothing_or_is_refused(name, tmp_path):
    """Within a moment: a pipe would be waited for, and a device read without end."""
    for number, put in enumerate(ODD):
        place = tmp_path / str(number)
        (place / name).parent.mkdir(parents=True)
        put(place / name)
        expect_silence(place, name)


@pytest.mark.parametrize("name", SHAPES)
def test_so_is_what_is_no_json_or_of_another_shape(name, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for text in (*NO_JSON, *SHAPES[name]):
        (tmp_path / name).write_text(text)
        expect_silence(tmp_path, name)


@pytest.mark.skipif(os.name != "posix", reason="there are other permissions")
@pytest.mark.parametrize("name", READERS)
def test_so_is_what_may_not_be_read(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("[]")
    path.chmod(0)
    own = os.geteuid()
    if own == 0:  # whom no permission hinders
        os.seteuid(65534)
    try:
        if name in LOUD:
            with pytest.raises(StoreError, match="Permission denied"):
                READERS[name](tmp_path)
        elif name != DEATHS:  # which are written anew
            assert READERS[name](tmp_path) is None
        else:
            assert deaths(tmp_path, [], died=False) == []
    finally:
        os.seteuid(own)


@pytest.mark.parametrize("name", READERS)
def test_no_file_says_nothing_at_all(name, tmp_path):
    assert READERS[name](tmp_path) is None
    (tmp_path / "file").touch()
    assert READERS[name](tmp_path / "file") is None


WRITERS = {
    DEATHS: (lambda folder: deaths(folder, [ROW], died=True), Death(RUN, 1, 1)),
    UNCHECKED: (
        lambda folder: keep_unchecked(folder, [Unchecked("Mine", "layer 1", "dx")]),
        Unchecked("Mine", "layer 1", "dx"),
    ),
    PLACE: (lambda folder: keep(folder, "images:x\udcff"[:8]), "images:x"),
    TRACEBACK: (lambda folder: keep_traceback(folder, RUN, "x" * LONGEST + "end \udcff"), "end \\udcff"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_each_is_replaced_as_a_whole(name, tmp_path, monkeypatch):
    """A disk that is full, or a process that is killed, leaves what was there before."""
    write, found = WRITERS[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("[]")

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "move_flushed", fail)
        with pytest.raises(StoreError, match=f"{name}: cannot be written .No space left"):
            write(tmp_path)
    assert path.read_text() == "[]"
    assert [each.name for each in path.parent.iterdir() if each.is_file()] == [path.name], (
        "nothing is left beside it"
    )
    write(tmp_path)
    said = READERS[name](tmp_path)
    assert said[-len(found) :] == found if isinstance(found, str) else [*said] == [found]


def test_what_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(StoreError, match="note: cannot be written") as caught:
        write_note(tmp_path / "note", "\udcff")
    assert str(caught.value).isprintable()
    assert not list(tmp_path.iterdir())
