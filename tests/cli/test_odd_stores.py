"""A store is input like any other: whatever is in it, a command answers, or says in one line why not."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from math import inf

import pytest
from example_counts import drawn
from factories import make_results, make_study
from foreign import change
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junk import JUNK, places

from assay.cli import main
from assay.errors import StoreError
from assay.records.runs import RunId, Status
from assay.results import Results
from assay.store.connection import BESIDE, LARGEST
from assay.store.lookup import DATABASE
from assay.store.migrations import VERSION

COMMANDS = ("status", "results", "report")
COLUMNS = {
    table: columns.split()
    for table, columns in {
        "run": "arm seed status engine parameters flops peak_memory memory_source epochs best_epoch "
        "valid_best valid_final test_loss test_correct test_total steps_per_second seconds_per_epoch message "
        "stuck train_best train_final evaluation_seconds_per_epoch processor temperature calibration_error "
        "host",
        "epoch": "arm seed epoch train_loss train_accuracy valid_loss valid_accuracy seconds "
        "steps_per_second evaluation_seconds",
        "layer": "arm seed epoch layer weight_norm gradient_norm decay_norm update_ratio loss_ratio "
        "dead_share spread",
        "answer": "arm seed correct predicted",
        "test_opening": "arm seed at",
    }.items()
}
CELLS = [(table, column) for table, columns in COLUMNS.items() for column in columns]
VALUES = st.one_of(
    st.none(),
    st.sampled_from([0, 1, -1, 2, 9, 2**31, 2**62, 2**63 - 1, -(2**63), 10**19]),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, 1.5, -1e-9, 5e-324, 1e-300, 1e30, 1e100, 1e200, 1e308, inf, -inf]),
    st.sampled_from(["", "max", "average", "nobody", "\x1b[31mred", "a\nb", "\0", "x" * 9999, "\u202e"]),
    st.sampled_from(
        ["done", "pending", "failed", "diverged", "running", b"", b"\xff" * 250, b"\xff" * 2000, b"\xff"]
    ),
)


@pytest.fixture(autouse=True)
def _unseen(monkeypatch):
    """No pictures are drawn, and no data set for them."""
    monkeypatch.setattr("assay.findings.inside.look_inside", lambda *_: None)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A store with runs of every kind."""
    folder = tmp_path_factory.mktemp("good")
    statuses = {("average", 1): Status.DIVERGED, ("max", 3): Status.RUNNING, ("none", 3): Status.PENDING}
    study = make_study(("max", "average", "none"), seeds=4, looks=[3, 4])
    make_results(folder, study, statuses=statuses, stuck=[("max", 1)]).close()
    return folder


def answers(folder, capsys, commands=COMMANDS):
    """Return each command's exit status; errors are one line of printable text, and no bug of assay's."""
    statuses = []
    for command in commands:
        status = main([command, str(folder)])
        said = capsys.readouterr()
        assert "\x1b" not in said.out + said.err
        if status:
            assert status == 2, said.err
            assert said.err.startswith("assay: error: ")
            assert said.err.count("\n") == 1
            assert len(said.err) < 2000
        statuses.append(status)
    return statuses


def copied(good, tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    shutil.copy(good / DATABASE, folder)
    return folder


def test_the_good_store_is_good(good, capsys):
    assert answers(good, capsys) == [0, 0, 0]


@pytest.mark.usefixtures("unwritten")
@settings(
    max_examples=drawn(12), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_cell_may_hold_anything(good, tmp_path_factory, capsys, data):
    folder = copied(good, tmp_path_factory)
    for _ in range(data.draw(st.integers(1, 2))):
        table, column = data.draw(st.sampled_from(CELLS))
        row = (
            f"(SELECT rowid FROM {table} ORDER BY random() LIMIT {data.draw(st.sampled_from([1, 1, 1000]))})"
        )
        change(folder, (f"UPDATE {table} SET {column} = ? WHERE rowid IN {row}", data.draw(VALUES)))
    answers(folder, capsys)
    shutil.rmtree(folder)


@pytest.mark.usefixtures("unwritten")
@settings(
    max_examples=drawn(12), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_part_of_the_header_may_be_anything(good, tmp_path_factory, capsys, data):
    folder = copied(good, tmp_path_factory)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        header = {key: json.loads(text) for key, text in connection.execute("SELECT key, value FROM header")}
    *path, key = data.draw(st.sampled_from(places(header)))
    table = header
    for part in path:
        table = table[part]
    table[key] = data.draw(JUNK)
    whole = path[0] if path else key
    try:
        text = json.dumps(header[whole])
    except ValueError:
        text = "[" * 100_000
    change(folder, ("UPDATE header SET value = ? WHERE key = ?", text, whole))
    answers(folder, capsys)
    shutil.rmtree(folder)


@pytest.mark.usefixtures("unwritten")
@pytest.mark.parametrize("value", [5e-324, 1e308])
def test_whatever_number_a_norm_is_it_has_its_figure(good, tmp_path_factory, capsys, value):
    """The ticks of a logarithmic axis reach beyond what is shown, and a sum beyond its numbers."""
    folder = copied(good, tmp_path_factory)
    assert change(folder, ("UPDATE layer SET gradient_norm = ?, update_ratio = ?", value, value))
    assert answers(folder, capsys) == [0, 0, 0]


ODD = {
    "arm ''": ("UPDATE run SET arm = '' WHERE rowid = 1", "a run of arm ''"),
    "an unknown arm": ("UPDATE run SET arm = 'nobody' WHERE rowid = 1", "a run of arm 'nobody'"),
    "an unknown seed": ("UPDATE run SET seed = 77 WHERE rowid = 1", "and seed 77"),
    "an opening by nobody": ("INSERT INTO test_opening VALUES ('nobody', 0, '', x'')",
                             "rows of arm 'nobody'"),
    "a huge loss": ("UPDATE run SET test_loss = 1e308 WHERE status = 'done'", "its test_loss in table run"),
    "huge losses": ("UPDATE epoch SET train_loss = 1e308", "its train_loss in table epoch"),
    "a share above 1": ("UPDATE epoch SET valid_accuracy = 1.5", "its valid_accuracy in table epoch"),
    "a gap": ("DELETE FROM epoch WHERE epoch = 2 AND seed = 0", "epochs, but"),
    "a gap in a run that is none": ("UPDATE epoch SET epoch = 9 WHERE epoch = 2", "its epochs are not 1 to"),
    "no answers": ("DELETE FROM answer", "its answers are missing"),
    "short answers": ("UPDATE answer SET predicted = x'00'", "its answers are not 2,000"),
    "an escape": ("UPDATE run SET engine = char(27) || '[31m'", "not printable"),
    "an escape in a layer": ("UPDATE layer SET layer = char(27) || layer", "layers are not printable"),
    "an escape in a host": ("UPDATE run SET host = char(27) || '[31m'", "not printable"),
    "another column": ("ALTER TABLE run DROP COLUMN processor", "table run has other columns"),
    "no table": ("DROP TABLE layer", "table layer has other columns"),
    "a loose table": ("CREATE TABLE loose AS SELECT * FROM answer; DROP TABLE answer; "
                      "ALTER TABLE loose RENAME TO answer", "table answer has other columns"),
    "a list for a study": ("UPDATE header SET value = '[1]' WHERE key = 'study'", "its study is not a table"),
    "another margin": ("UPDATE header SET value = json_set(value, '$.margin', 0.5) WHERE key = 'study'",
                       "its study is not the one that its digest is of"),
    "a margin of 400 digits": ("UPDATE header SET value = replace(value, '0.3', '1" + "0" * 400 + "') WHERE "
                               "key = 'study'", "its study cannot be read"),
    "a million classes": ("UPDATE header SET value = (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                          "SELECT i + 1 FROM n WHERE i < 1000000) SELECT json_group_array('c') FROM n) "
                          "WHERE key = 'classes'",
                          "the classes are not 1 to 256"),
    "an escape in a class": ("UPDATE header SET value = json_set(value, '$[0]', char(27)) "
                             "WHERE key = 'classes'",
                             "the classes are not 1 to 256"),
    "no sizes": ("UPDATE header SET value = '{}' WHERE key = 'sizes'", "the splits are not"),
    "deep": ("UPDATE header SET value = replace(hex(zeroblob(50000)), '0', '[') WHERE key = 'versions'",
             "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_believed_is_named(good, tmp_path_factory, capsys, name):
    statement, found = ODD[name]
    folder = copied(good, tmp_path_factory)
    assert change(folder, *((part,) for part in statement.split(";")))
    assert main(["status", str(folder)]) == 2
    said = capsys.readouterr()
    assert found in said.err
    assert answers(folder, capsys, COMMANDS[1:]) == [2, 2]


def test_an_answer_that_is_no_class_is_refused_where_it_is_used(good, tmp_path_factory):
    folder = copied(good, tmp_path_factory)
    assert change(folder, ("UPDATE answer SET predicted = CAST(zeroblob(1999) || x'ff' AS BLOB)",))
    with (
        Results.open(folder) as results,
        pytest.raises(StoreError, match="answers 255, which is no class"),
    ):
        results.store.predicted(RunId("max", 0))


def test_control_characters_of_a_message_are_written_out(good, tmp_path_factory, capsys):
    folder = copied(good, tmp_path_factory)
    assert change(folder, ("UPDATE run SET message = char(27) || '[31mred' || char(10) || 'x'",))
    assert answers(folder, capsys) == [0, 0, 0]
    main(["results", str(folder), "--format", "csv"])
    assert r"\x1b[31mred\nx" in capsys.readouterr().out


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
AT_WORK = {
    "trigger": ["CREATE TRIGGER t AFTER INSERT ON epoch BEGIN DELETE FROM run; END"],
    "index": ["CREATE UNIQUE INDEX t ON epoch (seed, arm, epoch)"],
    "view": ["ALTER TABLE header RENAME TO t", f"CREATE VIEW header AS {ENDLESS} SELECT t.* FROM n, t"],
}
"""What would do something, or something without end, when a store is written or read."""


@pytest.mark.parametrize("kind", AT_WORK)
def test_what_would_be_at_work_in_a_store_is_refused(good, tmp_path_factory, capsys, kind):
    folder = copied(good, tmp_path_factory)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        for statement in AT_WORK[kind]:
            connection.execute(statement)
    assert main(["status", str(folder)]) == 2
    assert f"cannot be believed: has a {kind} " in capsys.readouterr().err
    assert answers(folder, capsys, COMMANDS[1:]) == [2, 2]
    assert main(["doctor", str(folder)]) == 1
    assert f"has a {kind} " in capsys.readouterr().out
    saved = folder.with_name(f"{folder.name}-saved")
    assert main(["salvage", str(folder), str(saved)]) == 0
    with closing(sqlite3.connect(saved / DATABASE)) as connection:
        found = "SELECT count(*) FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL"
        assert connection.execute(found).fetchone() == (0,)
        rows = connection.execute("SELECT count(*) FROM header").fetchone()
    assert (rows == (0,)) == (kind == "view")


def test_a_value_of_many_megabytes_is_not_read(good, tmp_path_factory, capsys):
    folder = copied(good, tmp_path_factory)
    assert change(folder, ("UPDATE run SET message = hex(zeroblob(?))", LARGEST // 2 + 1), told=False)
    assert answers(folder, capsys) == [2, 2, 2]
    assert main(["doctor", str(folder)]) == 1
    assert "too big" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(good, tmp_path_factory, capsys):
    """Neither of one that SQLite keeps beside a store, nor of the report."""
    for end in BESIDE:
        folder = copied(good, tmp_path_factory)
        os.mkfifo(folder / f"{DATABASE}{end}")
        assert answers(folder, capsys) == [2, 2, 2]
        assert main(["doctor", str(folder)]) == 1
        assert f"{DATABASE}{end}: not a file" in capsys.readouterr().out
        assert main(["salvage", str(folder), str(folder / "saved")]) == 2
        assert f"{DATABASE}{end}: not a file" in capsys.readouterr().err
    folder = copied(good, tmp_path_factory)
    os.mkfifo(folder / "report.html")
    assert main(["doctor", str(folder)]) == 1
    assert "report.html: is older than the results" in capsys.readouterr().out


def test_an_older_store_that_sqlite_has_analysed_is_salvaged(good, tmp_path_factory, capsys):
    """Its tables of statistics have names that nobody else may give."""
    folder = copied(good, tmp_path_factory)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("ANALYZE")
        connection.execute(f"PRAGMA user_version = {VERSION - 1}")
    assert main(["salvage", str(folder), str(folder / "saved")]) == 0
    assert "header: " in capsys.readouterr().out
