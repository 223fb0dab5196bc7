"""A report says what its results say, or is drawn again; a folder that cannot be written is only read."""

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from factories import make_header, make_results, make_study
from holding import holding
from in_place import ended
from surroundings import CAPLESS, Place

from assay.cli import main
from assay.errors import StoreError
from assay.records.runs import Status
from assay.report.files import is_current
from assay.results import Results
from assay.running.results_folder import called
from assay.running.run import run
from assay.store import SQLiteStore
from assay.store.lock import folder_lock
from assay.store.lookup import DATABASE
from assay.store.salvage import altered_rows, salvage_store, sound
from assay.study.builtin import load_study

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(autouse=True)
def _unseen(monkeypatch):
    monkeypatch.setattr("assay.findings.inside.look_inside", lambda *_: None)


def test_a_report_older_than_its_results_is_drawn_again(assay, study_file, tmp_path):
    def again():
        said = assay("run", study_file, "--quick", "--out", "out")
        assert (said.status, said.out.splitlines()[-1]) == (0, "out/report.html")

    again()
    page = tmp_path / "out" / "report.html"
    drawn = page.read_text("utf-8")
    page.write_text(
        drawn.replace("complete", "interim 1/2").replace('results" content="', 'results" content="0')
    )
    again()
    assert page.read_text("utf-8") == drawn
    before = page.stat()
    again()
    assert page.stat().st_mtime_ns == before.st_mtime_ns, "a report that says what its results say is kept"
    page.unlink()
    page.mkdir()
    said = assay("run", study_file, "--quick", "--out", "out")
    assert said.status == 2
    assert "report.html: cannot be written" in said.err


def test_weights_that_are_gone_are_missed(assay, study_file, tmp_path):
    words = ("run", study_file, "--quick", "--out", "out")
    assert "weights" not in assay(*words).out
    assert "weights" not in assay("status", "out").out
    (tmp_path / "out" / "weights" / "max-0.safetensors").unlink()
    missed = "the weights of 1 of 2 finished runs are missing: the results stand, but `assay predict`"
    again = assay(*words)
    assert (again.status, again.out.splitlines()[-1]) == (0, "out/report.html")
    assert missed in again.out
    assert missed in assay("status", "out").out
    shutil.rmtree(tmp_path / "out" / "weights")
    assert "the weights of 2 of 2 finished runs" in assay(*words).out


def test_a_folder_is_named_as_its_user_wrote_it(assay, study_file, tmp_path):
    Path("out").mkdir()
    words = ("run", study_file, "--quick", "--out", "out")
    with folder_lock(tmp_path / "out"):
        said = assay(*words)
    assert said.status == 2
    assert "assay: error: out: a run is already at work here (process " in said.err
    Path("out/weights").mkdir()
    Path("out/weights/max-0.safetensors").write_text("of somebody's")
    said = assay(*words)
    assert (said.status, said.out, str(tmp_path) in said.err) == (2, "", False)
    assert "out/results.db: is missing" in said.err


@pytest.mark.parametrize("folder", [".", "out"])
def test_other_paths_in_an_error_stay_as_they_are(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = Path(folder).absolute()
    others = f"{place}-data and /mnt{place}/x, not {tmp_path.name}"
    with pytest.raises(StoreError) as caught, called(Path(folder), place):
        raise StoreError(f"{place}: {place}/a.png, idx:{place}/b and '{place}' are there; {others}")
    assert str(caught.value) == f"{folder}: {folder}/a.png, idx:{folder}/b and '{folder}' are there; {others}"


def test_whether_a_study_stands_still_is_said_and_makes_a_report_old(tmp_path, capsys):
    make_results(tmp_path, statuses={("max", 1): Status.RUNNING}).close()
    page = tmp_path / "report.html"
    with holding(tmp_path):
        assert main(["report", str(tmp_path)]) == 0
        assert "interim 9/10" in page.read_text("utf-8")
        with Results.open(tmp_path, watch=True) as results:
            assert is_current(page, results.digest)
    with Results.open(tmp_path, watch=True) as results:
        assert not is_current(page, results.digest)
        assert main(["report", str(tmp_path)]) == 0
        assert "stopped at 9/10" in page.read_text("utf-8")
        assert is_current(page, results.digest)


def test_leftovers_of_a_store_that_was_being_made_are_cleared(study_file, tmp_path):
    (tmp_path / "results.new" / "in it").mkdir(parents=True)
    (tmp_path / "results.new-wal").write_text("left")
    run(load_study(study_file).quickened(), tmp_path).close()
    assert not list(tmp_path.glob("results.new*"))


def test_a_report_goes_elsewhere(tmp_path, capsys):
    make_results(tmp_path / "here").close()
    before = {path.name for path in (tmp_path / "here").iterdir()}
    assert main(["report", str(tmp_path / "here"), "--out", str(tmp_path / "there" / "deep")]) == 0
    assert (tmp_path / "there" / "deep" / "report.html").exists()
    assert {path.name for path in (tmp_path / "here").iterdir()} == before
    (tmp_path / "file").write_text("")
    assert main(["report", str(tmp_path / "here"), "--out", str(tmp_path / "file")]) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, capsys, monkeypatch):
    make_results(tmp_path).close()

    def refusing(call):
        def refuse(path, *more, **options):
            if path.name.startswith(".report"):
                raise PermissionError(13, "Permission denied")
            return call(path, *more, **options)

        return refuse

    for name in ("open", "unlink"):
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name)))
    assert main(["report", str(tmp_path)]) == 2
    assert (
        "report.html: cannot be written (Permission denied; choose another place)" in capsys.readouterr().err
    )


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_finished_study_needs_nothing_written(study_file, tmp_path):
    run(load_study(study_file).quickened(), tmp_path / "there").close()
    run(load_study(study_file), tmp_path / "begun", first=1).close()
    for name in ("there", "begun"):
        (tmp_path / name).chmod(0o555)
    place = Place(shell=f'exec {"" if os.geteuid() else CAPLESS} "$@"')  # whom permissions bind

    def said(*words):
        found = ended(place, tuple(words), tmp_path, tmp_path)
        return found.status, found.out, found.err

    again = ("run", study_file, "--quick", "--out", "there")
    elsewhere = "there cannot be written (`assay report there --out DIR` writes the report elsewhere)"
    assert said(*again) == (0, f"nothing is left to do, and {elsewhere}\n", "")
    assert said("report", "there", "--out", "free") == (0, "free/report.html\n", "")
    shutil.copy(tmp_path / "free" / "report.html", tmp_path / "there")
    assert said(*again) == (0, "there/report.html\n", "")
    refused = "assay: error: begun: cannot be written (Permission denied; choose another --out)\n"
    assert said("run", study_file, "--out", "begun") == (2, "", refused)


def test_of_a_folder_that_cannot_be_written_the_journal_is_read_too(tmp_path, monkeypatch):
    """As a writer that was killed leaves it: what it acknowledged may be in the journal alone."""
    make_results(tmp_path / "full").close()
    with Results.open(tmp_path / "full") as full:
        rows = full.store.runs()
    study = make_study()
    (tmp_path / "live").mkdir()
    left = tmp_path / "left"
    left.mkdir()
    with closing(SQLiteStore.create(tmp_path / "live" / DATABASE, make_header(study))) as store:
        store.add_run(next(row for row in rows if row.status is Status.DONE and row.seed == 0))
        store.database.connection.execute("UPDATE run SET valid_best = 0.5")  # by a foreign hand
        for path in (tmp_path / "live").glob(f"{DATABASE}*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, left)
    before = sorted(left.iterdir())
    assert len(before) == 2
    monkeypatch.setattr(os, "access", lambda *_: False)
    with closing(SQLiteStore.open(left / DATABASE)) as store:
        assert len(store.runs()) == 1
    assert sound(left / DATABASE) is None
    assert len(altered_rows(left / DATABASE)) == 1
    assert salvage_store(left / DATABASE, tmp_path / "saved.db")["run"] == (0, 1)
    assert sorted(left.iterdir()) == before
