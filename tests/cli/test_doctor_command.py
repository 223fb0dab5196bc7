"""What is wrong with a folder is named; what can be read of a damaged one is kept."""

import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from foreign import change
from tiny import outcome

from assay.cli import main
from assay.records.runs import RunId
from assay.results import Results
from assay.running.run import run
from assay.store.lookup import DATABASE
from assay.store.salvage import MOST_NAMED
from assay.store.weights import identity_of, load_weights, save_weights
from assay.study.builtin import load_study


@pytest.fixture(scope="module")
def finished(study_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    run(load_study(study_file), folder).close()
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of a finished study, to be damaged."""
    return Path(copytree(finished, tmp_path / "run"))


def said(capsys, *arguments):
    status = main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out + err


def test_a_sound_folder(folder, capsys):
    status, words = said(capsys, "doctor", folder)
    assert (status, words.splitlines()[0]) == (0, "study tiny: 4 of 4 runs have come to their end")
    assert said(capsys, "doctor", folder / "nowhere")[0] == 2


def damaged_weights(folder):
    path = folder / "weights" / "max-0.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def ruined(folder, table="epoch"):
    """Overwrite the page at which a table begins."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        [(root,)] = connection.execute(query, (table,)).fetchall()
        [(size,)] = connection.execute("PRAGMA page_size").fetchall()
    content = bytearray((folder / DATABASE).read_bytes())
    content[(root - 1) * size : root * size] = b"\xff" * size
    (folder / DATABASE).write_bytes(content)


def swapped_weights(folder):
    one, other = (folder / "weights" / f"max-{seed}.safetensors" for seed in (0, 1))
    one.rename(folder / "swap")
    other.rename(one)
    (folder / "swap").rename(other)


def another_networks(folder, name="state/conv1.weight", change=lambda value: value):
    """Write weights again by a hand that knows their digest."""
    path = folder / "weights" / "max-0.safetensors"
    with Results.open(folder) as results:
        identity = identity_of(RunId("max", 0), results.header)
    kept = load_weights(path)
    value = change(kept.pop("conv1.weight"))
    save_weights(path, {**kept, name: value}, identity)


def broken_weights(folder):
    another_networks(folder, "conv1.weight", lambda value: value * np.nan)


FAULTS = {
    "max-0.safetensors: holds other weights than those of a network of": another_networks,
    "max-0.safetensors: conv1.weight has values that are not finite": broken_weights,
    "belongs to seed 1, expected 0": swapped_weights,
    "its row says valid_best 0.5, its epochs":
        lambda folder: change(folder, ("UPDATE run SET valid_best = 0.5",)),
    "its row says valid_final": lambda folder: change(folder, ("UPDATE epoch SET valid_accuracy = 0.5",)),
    "its row says best_epoch":
        lambda folder: change(folder, ("UPDATE run SET best_epoch = best_epoch % epochs + 1",)),
    "do not match their SHA-256": damaged_weights,
    "the weights are missing": lambda folder: (folder / "weights" / "max-1.safetensors").unlink(),
    "weights/nobody.safetensors: belongs to no run":
        lambda folder: (folder / "weights" / "nobody.safetensors").write_text("x"),
    "report.html: is older than the results": lambda folder: (folder / "report.html").write_text("old"),
    "right answers, its answers":
        lambda folder: change(folder, ("UPDATE answer SET correct = zeroblob(length(correct))",)),
    "which the study has not": lambda folder: change(folder, ("UPDATE run SET seed = 77 WHERE seed = 1",)),
    "SQLite finds:": ruined,
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(folder, capsys, fault):
    FAULTS[fault](folder)
    status, words = said(capsys, "doctor", folder)
    assert status == 1
    assert fault in words
    assert "Traceback" not in words


def test_what_a_killed_process_has_left_is_no_fault_and_the_next_run_removes_it(folder, study_file, capsys):
    """Weights that were being written; the checkpoint and the traceback of a run that has ended since."""
    names = "weights/max-1.tmp", "weights/average-0.part.tmp", "weights/max-0.part.safetensors"
    left = [folder / name for name in (*names, "failures/max-1.txt")]
    (folder / "failures").mkdir(exist_ok=True)
    for path in left:
        path.write_text("cut o")
    status, words = said(capsys, "doctor", folder)
    assert status == 0
    for path in left:
        assert (
            f"{path.relative_to(folder)}: left by a process that was stopped; harmless, and `assay" in words
        )
    others = [folder / name for name in ("weights/nobody-7.tmp", "failures/nobody-7.txt")]
    for path in others:
        path.write_text("of somebody's")
    assert "wrong: weights/nobody-7.tmp: belongs to no run" in said(capsys, "doctor", folder)[1]
    run(load_study(study_file), folder).close()
    assert [path for path in (*left, *others) if path.exists()] == others


def test_what_is_sound_is_salvaged_whole(folder, tmp_path, capsys):
    assert said(capsys, "salvage", folder, tmp_path / "saved")[0] == 0
    with Results.open(folder) as old, Results.open(tmp_path / "saved") as new:
        assert outcome(old) == outcome(new)
    assert said(capsys, "doctor", tmp_path / "saved")[0] == 0
    status, words = said(capsys, "salvage", folder, tmp_path / "saved")
    assert status == 2
    assert "name a new folder" in words


def test_of_a_damaged_folder_what_can_be_read_is_salvaged(folder, tmp_path, capsys):
    damaged_weights(folder)
    ruined(folder, "layer")
    assert said(capsys, "status", folder)[0] == 2
    status, words = said(capsys, "salvage", folder, tmp_path / "saved")
    assert status == 0
    assert "run: 4 rows\n" in words
    assert "layer: 0 rows, and 1 or more lost" in words
    assert "weights: 3 files" in words
    with Results.open(tmp_path / "saved") as results:
        assert results.complete


ALTERED = {
    "max, seed 1: its row in table run is not as it was written": "UPDATE run SET flops = flops + 1 "
    "WHERE (arm, seed) = ('max', 1)",
    "max, seed 1, epoch 1: its row in table epoch is not as it was written": "UPDATE epoch SET train_loss = "
    "train_loss + 1e-12 WHERE (arm, seed, epoch) = ('max', 1, 1)",
    "max, seed 1: its row in table answer is not": "UPDATE answer SET predicted = "
    "CAST(substr(predicted, 2) || substr(predicted, 1, 1) AS BLOB) WHERE (arm, seed) = ('max', 1)",
    "classes: its row in table header is not as it was written": "UPDATE header SET value = "
    "replace(value, '0', 'O') WHERE key = 'classes'",
}


@pytest.mark.parametrize("fault", ALTERED)
def test_a_row_that_was_altered_is_named(folder, capsys, fault):
    """By a hand that knows nothing of digests, to something that could be believed."""
    change(folder, (ALTERED[fault],), told=False)
    status, words = said(capsys, "doctor", folder)
    assert status == 1
    assert fault in words
    at_opening = "table run" in fault or "table header" in fault
    assert said(capsys, "status", folder)[0] == (2 if at_opening else 0)


def test_of_many_altered_rows_some_are_named(folder, capsys):
    change(folder, ("UPDATE layer SET spread = spread + 1",), told=False)
    words = said(capsys, "doctor", folder)[1]
    assert words.count("its row in table layer is not as it was written") == MOST_NAMED
    assert "table layer: so are " in words


def test_a_run_with_an_altered_row_is_left_out_and_trained_again(folder, study_file, tmp_path, capsys):
    change(folder, (ALTERED[[*ALTERED][1]],), told=False)
    words = said(capsys, "salvage", folder, tmp_path / "saved")[1]
    assert "run: 3 rows, and 1 or more lost" in words
    run(load_study(study_file), tmp_path / "saved").close()
    run(load_study(study_file), tmp_path / "new").close()
    with Results.open(tmp_path / "new") as new, Results.open(tmp_path / "saved") as saved:
        assert outcome(new) == outcome(saved)
    assert said(capsys, "doctor", tmp_path / "saved")[0] == 0
